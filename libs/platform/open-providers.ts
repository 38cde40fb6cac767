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
  const close = (): Promise<void> => closeAll(present.map(({ provider }) => provider));
  const failed = opened.find((each) => each.status === 'rejected');
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }
  const guarded = present.map(({ adapter }) =>
    guard(adapter, { timers: timersOn(settings.clock), metrics: settings.metrics }),
  );
  return {
    adapters: new AdapterRegistry(guarded),
    providers: present.map(({ provider }) => provider),
    close,
  };
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
  { emulatorDir, delayFactor, clock }: ProviderSettings,
): Promise<{ readonly adapter: ProviderAdapter; readonly provider: OpenProvider } | null> {
  const { descriptor } = plugin;
  if (live !== null)
    return { adapter: live, provider: { descriptor, mode: 'live', emulator: null } };
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
  };
}

/** The emulator's reads lag by as much less as its other waits are shortened, so there is as much less to wait out. */
function hastened(adapter: ProviderAdapter, delayFactor: number): ProviderAdapter {
  const quietMs = Math.ceil(adapter.descriptor.quietMs * delayFactor);
  const descriptor = { ...adapter.descriptor, quietMs };
  return Object.create(adapter, { descriptor: { value: descriptor } }) as ProviderAdapter;
}
