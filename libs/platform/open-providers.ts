import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AdapterRegistry,
  guard,
  type AnyProviderPlugin,
  type CallMetrics,
  type EmulatorClock,
  type ProviderAdapter,
  type ProviderDescriptor,
  type RunningEmulator,
  type Timers,
} from '#libs/provider-kit';
import type { Clock } from '#libs/runtime';

export interface ProviderSettings {
  /** Configuration of real accounts; a provider that finds none in it is emulated. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a provider without credentials is emulated, or left out. */
  readonly emulate: boolean;
  /** Where emulated hosts keep their folders. */
  readonly emulatorDir: string;
  /** How lifelike emulated waits are: 1 is real time. */
  readonly delayFactor: number;
  readonly metrics: CallMetrics;
  readonly clock: Clock;
}

export interface OpenProvider {
  readonly descriptor: ProviderDescriptor;
  readonly mode: 'live' | 'emulated';
  /** Null for a live provider. */
  readonly emulator: RunningEmulator | null;
}

export interface OpenProviders {
  readonly adapters: AdapterRegistry;
  readonly providers: readonly OpenProvider[];
  /** Stops every emulator and every workload that it started. */
  close(): Promise<void>;
}

const EMULATOR_SEED = 1;

/** Timers of the machine on the clock of the process. */
function timersOn(clock: Clock): Timers & EmulatorClock {
  const later = (ms: number, action: () => void): (() => void) => {
    const timer = setTimeout(action, ms);
    timer.unref();
    return () => clearTimeout(timer);
  };
  return { nowMs: () => clock.nowMs(), setTimer: later, after: later };
}

/** Open every provider: the real account where one is configured, else its emulator where that is allowed. */
export async function openProviders(
  plugins: readonly AnyProviderPlugin[],
  settings: ProviderSettings,
): Promise<OpenProviders> {
  const opened = await Promise.all(plugins.map((plugin) => openProvider(plugin, settings)));
  const present = opened.filter((each) => each !== null);
  const guarded = present.map(({ adapter }) =>
    guard(adapter, { timers: timersOn(settings.clock), metrics: settings.metrics }),
  );
  return {
    adapters: new AdapterRegistry(guarded),
    providers: present.map(({ provider }) => provider),
    close: async () => {
      await Promise.all(present.map(({ provider }) => provider.emulator?.close()));
    },
  };
}

async function openProvider(
  plugin: AnyProviderPlugin,
  { env, emulate, emulatorDir, delayFactor, clock }: ProviderSettings,
): Promise<{ readonly adapter: ProviderAdapter; readonly provider: OpenProvider } | null> {
  const { descriptor } = plugin;
  const live = plugin.adapterFromEnv(env);
  if (live !== null)
    return { adapter: live, provider: { descriptor, mode: 'live', emulator: null } };
  if (!emulate) return null;
  const rootDir = join(emulatorDir, descriptor.id);
  await mkdir(rootDir, { recursive: true });
  const emulator = await plugin.startEmulator({
    rootDir,
    clock: timersOn(clock),
    delayFactor,
    seed: EMULATOR_SEED,
  });
  return {
    adapter: plugin.adapterFrom(emulator.config),
    provider: { descriptor, mode: 'emulated', emulator },
  };
}
