import type { ProviderAdapter } from './adapter';
import type { ProviderDescriptor } from './descriptor';
import type { EmulatorOptions, RunningEmulator } from './emulator';
import type { PriceFeed } from './feed';

/** The shape of a configuration schema; zod schemas satisfy it. */
export interface ConfigSchema<Config> {
  parse(input: unknown): Config;
}

/** One provider as the composition root sees it. `libs/providers/index.ts` is a plain array of these. */
export interface ProviderPlugin<Config = never> {
  readonly descriptor: ProviderDescriptor;
  readonly configSchema: ConfigSchema<Config>;
  /** Names of environment variables that make up the configuration; the composition root reads them, never the plugin. */
  readonly configFromEnv: (env: Readonly<Record<string, string | undefined>>) => unknown | null;
  readonly create: (config: Config) => ProviderAdapter;
  /** What else it knows of prices, read at a pace of its own; none unless said. */
  readonly feeds?: (config: Config) => readonly PriceFeed[];
  /** Starts the wire-faithful emulator and answers with the configuration that points the adapter at it. */
  readonly startEmulator: (options: EmulatorOptions) => Promise<RunningEmulator>;
}

/** Keeps `Config` checked inside a plugin and opaque outside it. */
export interface AnyProviderPlugin {
  readonly descriptor: ProviderDescriptor;
  readonly adapterFromEnv: (
    env: Readonly<Record<string, string | undefined>>,
  ) => ProviderAdapter | null;
  readonly adapterFrom: (config: unknown) => ProviderAdapter;
  /** Empty for a provider that is not configured, or has no feeds. */
  readonly feedsFromEnv: (
    env: Readonly<Record<string, string | undefined>>,
  ) => readonly PriceFeed[];
  readonly feedsFrom: (config: unknown) => readonly PriceFeed[];
  readonly startEmulator: (options: EmulatorOptions) => Promise<RunningEmulator>;
}

/** Close a typed plugin over its configuration type. */
export function definePlugin<Config>(plugin: ProviderPlugin<Config>): AnyProviderPlugin {
  const adapterFrom = (config: unknown): ProviderAdapter =>
    plugin.create(plugin.configSchema.parse(config));
  const feedsFrom = (config: unknown): readonly PriceFeed[] =>
    plugin.feeds?.(plugin.configSchema.parse(config)) ?? [];
  return {
    descriptor: plugin.descriptor,
    adapterFrom,
    adapterFromEnv: (env) => {
      const config = plugin.configFromEnv(env);
      return config === null ? null : adapterFrom(config);
    },
    feedsFrom,
    feedsFromEnv: (env) => {
      const config = plugin.configFromEnv(env);
      return config === null ? [] : feedsFrom(config);
    },
    startEmulator: plugin.startEmulator,
  };
}
