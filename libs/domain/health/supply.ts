import {
  DEFAULT_HALF_LIFE_MS,
  addLifetimes,
  decayFactor,
  noLifetimes,
  scaledLifetimes,
  tableOf,
  withStretch,
  type LifetimeCounts,
  type LifetimeTable,
  type Stretch,
} from './lifetimes';

/** Without a look for this long nobody knows what has been in between: the run is left as it was last seen. */
export const DEFAULT_MAX_GAP_MS = 6 * 3_600_000;

/** What is so of an offer now, available or not, and since when. */
export interface SupplyRun {
  readonly available: boolean;
  /** When it became so: half-way between the two looks around the change; of the first run, when we first looked. */
  readonly sinceMs: number;
  /** Whether its beginning was seen; never so for the first run, nor for one after a gap. */
  readonly aged: boolean;
  /** The last look. */
  readonly seenMs: number;
}

/** How long an offer stays available, and how long away, from plain looks at it. Bounded, plain data. */
export interface SupplyState {
  readonly run: SupplyRun;
  /** Up-times and outages as far as seen, weighted as of `run.seenMs`. */
  readonly up: LifetimeCounts;
  readonly down: LifetimeCounts;
}

export interface ObserveOptions {
  /** Evidence loses half of its weight in this time, ms. */
  readonly halfLifeMs?: number;
  /** The longest time between two looks, ms, that still tells what was in between. */
  readonly maxGapMs?: number;
}

/** What one look adds to a run: the run as it is now, and the stretches that became known. */
export interface SupplyStep {
  readonly run: SupplyRun;
  readonly up: readonly Stretch[];
  readonly down: readonly Stretch[];
}

/**
 * Take in that an offer is, or is not, available at `nowMs`. Looks must come in order of time; one that comes late changes
 * nothing. A change is taken to have happened half-way between two looks, which is fair when looks are regular. The time up to
 * `nowMs` of a run that goes on counts as time at risk (right-censored), so that states can be read at any moment.
 */
export function observe(
  state: SupplyState | null,
  available: boolean,
  nowMs: number,
  { halfLifeMs = DEFAULT_HALF_LIFE_MS, maxGapMs = DEFAULT_MAX_GAP_MS }: ObserveOptions = {},
): SupplyState {
  if (state === null) {
    const { run } = supplyStep(null, available, nowMs, maxGapMs);
    return { run, up: noLifetimes(), down: noLifetimes() };
  }
  if (nowMs <= state.run.seenMs) return state;
  const step = supplyStep(state.run, available, nowMs, maxGapMs);
  const factor = decayFactor(nowMs - state.run.seenMs, halfLifeMs);
  return {
    run: step.run,
    up: withStretches(scaledLifetimes(state.up, factor), step.up),
    down: withStretches(scaledLifetimes(state.down, factor), step.down),
  };
}

/** The same for one run without its counts, for whoever adds many offers up under one key. */
export function supplyStep(
  run: SupplyRun | null,
  available: boolean,
  nowMs: number,
  maxGapMs: number = DEFAULT_MAX_GAP_MS,
): SupplyStep {
  if (run === null || nowMs - run.seenMs > maxGapMs)
    return { run: beginning(available, nowMs, nowMs, false), up: [], down: [] };
  if (nowMs <= run.seenMs) return { run, up: [], down: [] };
  if (run.available === available) {
    const more = stretchOf(run, nowMs, false);
    return { run: { ...run, seenMs: nowMs }, ...sided(available, [more], []) };
  }
  const atMs = (run.seenMs + nowMs) / 2;
  const next = beginning(available, atMs, nowMs, true);
  const begun = { fromAgeMs: 0, toAgeMs: nowMs - atMs, ended: false, aged: true };
  return { run: next, ...sided(run.available, [stretchOf(run, atMs, true)], [begun]) };
}

/** How long the present run has lasted, ms; of one whose beginning was not seen, at least that. */
export function runAgeMs({ run }: Pick<SupplyState, 'run'>, nowMs: number): number {
  return Math.max(0, nowMs - run.sinceMs);
}

/**
 * Tables of up-times and of outages, shrunk towards what is assumed of each: the assumption is worth `pseudoHours` of looking.
 */
export function supplyTables(
  { up, down }: Pick<SupplyState, 'up' | 'down'>,
  assumed: { readonly up: LifetimeTable; readonly down: LifetimeTable },
  pseudoHours: number,
): { readonly up: LifetimeTable; readonly down: LifetimeTable } {
  return {
    up: tableOf(up, assumed.up, pseudoHours),
    down: tableOf(down, assumed.down, pseudoHours),
  };
}

/** Several offers' evidence added up, as of the same moment. */
export function pooledSupply(
  states: readonly Pick<SupplyState, 'up' | 'down'>[],
): Pick<SupplyState, 'up' | 'down'> {
  return states.reduce<Pick<SupplyState, 'up' | 'down'>>(
    (total, { up, down }) => ({
      up: addLifetimes(total.up, up),
      down: addLifetimes(total.down, down),
    }),
    { up: noLifetimes(), down: noLifetimes() },
  );
}

export function withStretches(
  counts: LifetimeCounts,
  stretches: readonly Stretch[],
): LifetimeCounts {
  return stretches.reduce((total, stretch) => withStretch(total, stretch), counts);
}

function beginning(available: boolean, sinceMs: number, seenMs: number, aged: boolean): SupplyRun {
  return { available, sinceMs, aged, seenMs };
}

/** From the last look until `toMs`. */
function stretchOf({ sinceMs, seenMs, aged }: SupplyRun, toMs: number, ended: boolean): Stretch {
  return { fromAgeMs: seenMs - sinceMs, toAgeMs: toMs - sinceMs, ended, aged };
}

/** Puts the stretches of what was, and of what is, where they belong. */
function sided(
  available: boolean,
  same: readonly Stretch[],
  other: readonly Stretch[],
): Pick<SupplyStep, 'up' | 'down'> {
  return available ? { up: same, down: other } : { up: other, down: same };
}
