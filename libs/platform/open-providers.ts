import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AdapterRegistry,
  guard,
  guardFeed,
  type AnyProviderPlugin,
  type CallMetrics,
  type CircuitRecord,
  type EmulatorClock,
  type GuardedFeed,
  type PriceFeed,
  type ProviderAdapter,
  type ProviderDescriptor,
  type RunningEmulator,
  type Timers,
} from '#libs/provider-kit';
import type { ProviderId } from '#libs/domain';
import type { Clock } from '#libs/runtime';

/**
 * Which providers without credentials are emulated. `auto`: all, where no provider is live. `yes`: next to live ones too, where
 * they win on price and run jobs on this machine, so it has to be asked for. `no`: none, they are left out.
 */
export const emulations = ['auto', 'yes', 'no'] as const;
export type Emulation = (typeof emulations)[number];

export interface ProviderSettings {
  /** Configuration of real accounts; a provider that finds none in it is emulated or left out. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly emulate: Emulation;
  /** Where emulated hosts keep their folders. */
  readonly emulatorDir: string;
  /** How lifelike emulated waits are: 1 is real time. */
  readonly delayFactor: number;
  readonly metrics: CallMetrics;
  readonly clock: Clock;
  /** Where the circuit of a provider is kept; nowhere unless said. */
  readonly circuitOf?: (providerId: ProviderId) => CircuitRecord;
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
  /** What else is read of prices: the feeds of the open providers, and the public sources of rates where any provider is open. */
  readonly feeds: readonly GuardedFeed[];
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

/** Where rates of tokens and currencies come from, the same for all providers. */
export interface RateSources {
  /** The public sources that are wanted, at their own addresses. */
  readonly live: (env: ProviderSettings['env']) => readonly PriceFeed[];
  /** Stand-ins on this machine, for providers that are all emulated. */
  readonly emulated: (
    env: ProviderSettings['env'],
  ) => Promise<{ readonly feeds: readonly PriceFeed[]; close(): Promise<void> }>;
}

const noRates = { feeds: [], close: () => Promise.resolve() };

/** A provider with its real account, where one is configured. */
interface Candidate {
  readonly plugin: AnyProviderPlugin;
  readonly live: ProviderAdapter | null;
}

/**
 * Open every provider: the real account where one is configured, else its emulator where that is allowed, which depends on
 * whether any other is live. When one cannot be opened, the emulators of the others are stopped again.
 */
export async function openProviders(
  plugins: readonly AnyProviderPlugin[],
  settings: ProviderSettings,
  rates: RateSources | null = null,
): Promise<OpenProviders> {
  const candidates = plugins.map((plugin): Candidate => {
    return { plugin, live: plugin.adapterFromEnv(settings.env) };
  });
  const emulates = mayEmulate(settings.emulate, candidates);
  const opened = await Promise.allSettled(
    candidates.map((candidate) => openProvider(candidate, emulates, settings)),
  );
  const present = opened.flatMap((each) =>
    each.status === 'fulfilled' && each.value !== null ? [each.value] : [],
  );
  let rateFeeds: Awaited<ReturnType<RateSources['emulated']>> = noRates;
  const close = async (): Promise<void> => {
    await Promise.all([closeAll(present.map(({ provider }) => provider)), rateFeeds.close()]);
  };
  const failed = opened.find((each) => each.status === 'rejected');
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }
  if (rates !== null && present.length > 0)
    rateFeeds = await openRates(rates, present, settings).catch(async (error: unknown) => {
      await close();
      throw error;
    });
  const around = { timers: timersOn(settings.clock), metrics: settings.metrics };
  const feeds = [...present.flatMap((each) => each.feeds), ...rateFeeds.feeds];
  return {
    adapters: new AdapterRegistry(
      present.map(({ adapter }) =>
        guard(adapter, { ...around, ...circuitRecordOf(settings, adapter.descriptor.id) }),
      ),
    ),
    providers: present.map(({ provider }) => provider),
    feeds: feeds.map((feed) => guardFeed(feed, around)),
    close,
  };
}

/** Real rates for real prices; where everything is emulated, nothing outside this machine is asked. */
async function openRates(
  rates: RateSources,
  present: readonly Opened[],
  { env }: ProviderSettings,
): Promise<Awaited<ReturnType<RateSources['emulated']>>> {
  const isLive = present.some(({ provider }) => provider.mode === 'live');
  return isLive ? { ...noRates, feeds: rates.live(env) } : rates.emulated(env);
}

interface Opened {
  readonly adapter: ProviderAdapter;
  readonly provider: OpenProvider;
  readonly feeds: readonly PriceFeed[];
}

function circuitRecordOf(
  { circuitOf }: ProviderSettings,
  id: ProviderId,
): { readonly circuitRecord?: CircuitRecord } {
  return circuitOf === undefined ? {} : { circuitRecord: circuitOf(id) };
}

/** Stops every emulator even when one of them fails to, and then throws what the first one did. */
async function closeAll(providers: readonly OpenProvider[]): Promise<void> {
  const closed = await Promise.allSettled(providers.map(async ({ emulator }) => emulator?.close()));
  const failed = closed.find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function mayEmulate(emulate: Emulation, candidates: readonly Candidate[]): boolean {
  if (emulate !== 'auto') return emulate === 'yes';
  return candidates.every(({ live }) => live === null);
}

async function openProvider(
  { plugin, live }: Candidate,
  emulates: boolean,
  { emulatorDir, delayFactor, clock, env }: ProviderSettings,
): Promise<Opened | null> {
  const { descriptor } = plugin;
  if (live !== null)
    return {
      adapter: live,
      provider: { descriptor, mode: 'live', emulator: null },
      feeds: plugin.feedsFromEnv(env),
    };
  if (!emulates) return null;
  const rootDir = join(emulatorDir, descriptor.id);
  await mkdir(rootDir, { recursive: true });
  const emulator = await plugin.startEmulator({
    rootDir,
    clock: timersOn(clock),
    delayFactor,
    seed: EMULATOR_SEED,
  });
  return {
    adapter: hastened(plugin.adapterFrom(emulator.config), delayFactor),
    provider: { descriptor, mode: 'emulated', emulator },
    feeds: plugin.feedsFrom(emulator.config),
  };
}

/** The emulator's reads lag by as much less as its other waits are shortened, so there is as much less to wait out. */
function hastened(adapter: ProviderAdapter, delayFactor: number): ProviderAdapter {
  const quietMs = Math.ceil(adapter.descriptor.quietMs * delayFactor);
  const descriptor = { ...adapter.descriptor, quietMs };
  return Object.create(adapter, { descriptor: { value: descriptor } }) as ProviderAdapter;
}
