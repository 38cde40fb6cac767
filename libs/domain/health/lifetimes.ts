import { MS_PER_HOUR } from '../money';

/**
 * How long things last, learned from counts in age bins. Within a bin the hazard is taken to be constant, so that events over
 * time at risk is its estimate: the Nelson-Aalen estimator with binned ages (Aalen 1978), also known as the piecewise
 * exponential model. Whoever leaves before the event (a lease that we released ourselves) only stops adding time at risk,
 * which is what makes the estimate fair to right-censored runs. Pure, without a clock, and plain data throughout.
 */

/** Lower edges of the age bins of up-times and outages, ms: zero, then doubling from 15 s to 11 days. The last bin is open. */
export const LIFETIME_EDGES_MS: readonly number[] = edges(15_000, 2, 17);

/** What a bin's own hazard must outweigh before it speaks for itself, in events; until then the level's mean does. */
export const SHAPE_PSEUDO_EVENTS = 2;

/** Evidence loses half of its weight in this time unless said otherwise: two weeks. */
export const DEFAULT_HALF_LIFE_MS = 14 * 24 * MS_PER_HOUR;

/** Sufficient statistics of lifetimes: bounded, additive, and scaled as a whole by decay. */
export interface LifetimeCounts {
  /** Time at risk in each age bin, ms. As many as there are edges. */
  readonly exposureMs: readonly number[];
  /** Ends in each age bin; not whole numbers once decayed. */
  readonly events: readonly number[];
  /** Time at risk of runs whose beginning nobody saw, ms: it tells of the rate and not of the age. */
  readonly unagedExposureMs: number;
  readonly unagedEvents: number;
}

/** A hazard for each age bin. What is left to live at any age follows from it. */
export interface LifetimeTable {
  /** Lower edges of the bins, ms, ascending from zero; the last bin is open. */
  readonly edgesMs: readonly number[];
  /** Ends per hour of those that have come to that age; one for each edge, zero or more. */
  readonly hazardPerHour: readonly number[];
}

/** A stretch of one run: what was seen of it, and whether it ended there or was only left or lost from sight. */
export interface Stretch {
  /** Age at which the stretch begins, ms. */
  readonly fromAgeMs: number;
  readonly toAgeMs: number;
  /** The run ended by itself at `toAgeMs`. */
  readonly ended: boolean;
  /** False for a run whose beginning nobody saw; its ages then only measure time. */
  readonly aged: boolean;
}

/** Nothing measured yet. */
export function noLifetimes(edgesMs: readonly number[] = LIFETIME_EDGES_MS): LifetimeCounts {
  const zeros = edgesMs.map(() => 0);
  return { exposureMs: zeros, events: zeros, unagedExposureMs: 0, unagedEvents: 0 };
}

/** Counts with one more stretch. A stretch that ends before it begins counts as one of no length. */
export function withStretch(
  counts: LifetimeCounts,
  { fromAgeMs, toAgeMs, ended, aged }: Stretch,
  edgesMs: readonly number[] = LIFETIME_EDGES_MS,
): LifetimeCounts {
  const endMs = Math.max(fromAgeMs, toAgeMs);
  if (!aged) {
    return {
      ...counts,
      unagedExposureMs: counts.unagedExposureMs + endMs - fromAgeMs,
      unagedEvents: counts.unagedEvents + (ended ? 1 : 0),
    };
  }
  // An end at an edge belongs to the bin in which the time before it was spent.
  const last = endMs > fromAgeMs ? binBefore(edgesMs, endMs) : binOf(edgesMs, endMs);
  return {
    ...counts,
    exposureMs: counts.exposureMs.map(
      (ms, bin) => ms + Math.max(0, overlapMs(edgesMs, bin, fromAgeMs, endMs)),
    ),
    events: counts.events.map((count, bin) => count + (ended && bin === last ? 1 : 0)),
  };
}

/** Counts with `runs` more that go on, are `totalAgeMs` old together and have all come to the same bin (see `ageBinOf`). */
export function withRunning(
  counts: LifetimeCounts,
  { bin, runs, totalAgeMs, aged }: RunningRuns,
  edgesMs: readonly number[] = LIFETIME_EDGES_MS,
): LifetimeCounts {
  if (!aged) return { ...counts, unagedExposureMs: counts.unagedExposureMs + totalAgeMs };
  const spentIn = (at: number): number => {
    if (at > bin) return 0;
    if (at === bin) return totalAgeMs - runs * (edgesMs[bin] ?? 0);
    return runs * ((edgesMs[at + 1] ?? 0) - (edgesMs[at] ?? 0));
  };
  return { ...counts, exposureMs: counts.exposureMs.map((ms, at) => ms + spentIn(at)) };
}

/** Runs that go on, added up; see `withRunning`. */
export interface RunningRuns {
  readonly bin: number;
  readonly runs: number;
  readonly totalAgeMs: number;
  readonly aged: boolean;
}

/** The bin that an age falls in, counted from 0. */
export function ageBinOf(ageMs: number, edgesMs: readonly number[] = LIFETIME_EDGES_MS): number {
  return binOf(edgesMs, ageMs);
}

/** Both kinds of evidence together. */
export function addLifetimes(a: LifetimeCounts, b: LifetimeCounts): LifetimeCounts {
  return {
    exposureMs: a.exposureMs.map((ms, bin) => ms + (b.exposureMs[bin] ?? 0)),
    events: a.events.map((count, bin) => count + (b.events[bin] ?? 0)),
    unagedExposureMs: a.unagedExposureMs + b.unagedExposureMs,
    unagedEvents: a.unagedEvents + b.unagedEvents,
  };
}

/** Counts with their weight multiplied by `factor`, 0 to 1; the rates stay what they are. */
export function scaledLifetimes(counts: LifetimeCounts, factor: number): LifetimeCounts {
  if (factor === 1) return counts;
  return {
    exposureMs: counts.exposureMs.map((ms) => ms * factor),
    events: counts.events.map((count) => count * factor),
    unagedExposureMs: counts.unagedExposureMs * factor,
    unagedEvents: counts.unagedEvents * factor,
  };
}

/** What evidence of `elapsedMs` ago still weighs, 0 to 1; evidence is never younger than now. */
export function decayFactor(elapsedMs: number, halfLifeMs: number = DEFAULT_HALF_LIFE_MS): number {
  return elapsedMs <= 0 ? 1 : 2 ** (-elapsedMs / halfLifeMs);
}

/** All time at risk, ms, and all ends. Zero time means not measured. */
export function totalsOf(counts: LifetimeCounts): {
  readonly exposureMs: number;
  readonly events: number;
} {
  return {
    exposureMs: sum(counts.exposureMs) + counts.unagedExposureMs,
    events: sum(counts.events) + counts.unagedEvents,
  };
}

/** The same hazard at every age. */
export function constantTable(
  perHour: number,
  edgesMs: readonly number[] = LIFETIME_EDGES_MS,
): LifetimeTable {
  return { edgesMs, hazardPerHour: edgesMs.map(() => perHour) };
}

/**
 * The hazards that counts and their parent's table amount to together. First the level: the ratio of ends seen to ends that the
 * parent expects in the same time at the same ages, shrunk towards 1 by `pseudoHours` at the parent's mean hazard (a gamma
 * frailty). Then the shape: each bin's own hazard, shrunk towards the parent's times that ratio by `SHAPE_PSEUDO_EVENTS`.
 * So every hazard lies between the bin's own and the scaled parent's, and that one between the counts' level and the parent.
 */
export function tableOf(
  counts: LifetimeCounts,
  parent: LifetimeTable,
  pseudoHours: number,
): LifetimeTable {
  return shrunkTable(counts, parent, meanHazardPerHour(parent) * pseudoHours);
}

/** The same with the parent worth so many ends that it expects, however long those take. */
export function shrunkTable(
  counts: LifetimeCounts,
  parent: LifetimeTable,
  pseudoEvents: number,
): LifetimeTable {
  if (isEmpty(counts)) return parent;
  const ratio = ratioToParent(counts, parent, pseudoEvents);
  return {
    edgesMs: parent.edgesMs,
    hazardPerHour: parent.hazardPerHour.map((perHour, bin) => {
      const hours = (counts.exposureMs[bin] ?? 0) / MS_PER_HOUR;
      return shapedPerHour(counts.events[bin] ?? 0, hours, perHour * ratio);
    }),
  };
}

function isEmpty({ exposureMs, events, unagedExposureMs, unagedEvents }: LifetimeCounts): boolean {
  return (
    unagedExposureMs === 0 &&
    unagedEvents === 0 &&
    exposureMs.every((ms) => ms === 0) &&
    events.every((count) => count === 0)
  );
}

/**
 * One bin's hazard between its own and the level's. Where it has seen fewer ends than the level expects, time at risk decides
 * (the mean of a gamma prior): no ends in little time say little. Where it has seen more, the number of ends decides (a mean of
 * logarithms): the many ends of the young must not drown in the long time at risk of the old.
 */
function shapedPerHour(ends: number, atRiskHours: number, levelPerHour: number): number {
  if (atRiskHours <= 0 && ends <= 0) return levelPerHour;
  const hours = Math.max(atRiskHours, (ends * SHORTEST_LIFE_MS) / MS_PER_HOUR);
  const own = ends / hours;
  if (levelPerHour <= 0) return own;
  if (own <= levelPerHour)
    return (ends + SHAPE_PSEUDO_EVENTS) / (hours + SHAPE_PSEUDO_EVENTS / levelPerHour);
  return levelPerHour * (own / levelPerHour) ** (ends / (ends + SHAPE_PSEUDO_EVENTS));
}

/** A life that ended at once is taken to have lasted this long, so that hazards stay finite. */
const SHORTEST_LIFE_MS = 1_000;

/** Ends seen over ends that the parent expects, shrunk towards 1; see `tableOf`. */
export function levelRatio(
  counts: LifetimeCounts,
  parent: LifetimeTable,
  pseudoHours: number,
): number {
  return ratioToParent(counts, parent, meanHazardPerHour(parent) * pseudoHours);
}

/** Runs of unknown age are taken to be of any age that the parent's come to, and so to end at its mean hazard. */
function ratioToParent(
  counts: LifetimeCounts,
  parent: LifetimeTable,
  pseudoEvents: number,
): number {
  const { exposureMs, unagedExposureMs } = counts;
  let expected = 0;
  for (const [bin, perHour] of parent.hazardPerHour.entries())
    expected += (perHour * (exposureMs[bin] ?? 0)) / MS_PER_HOUR;
  if (unagedExposureMs > 0)
    expected += (meanHazardPerHour(parent) * unagedExposureMs) / MS_PER_HOUR;
  if (expected + pseudoEvents <= 0) return 1;
  return (totalsOf(counts).events + pseudoEvents) / (expected + pseudoEvents);
}

/** Cumulative hazard up to an age: the expected number of ends of something replaced at once by its like of the same age. */
export function cumulativeHazard(table: LifetimeTable, ageMs: number): number {
  return hazardBetween(table, 0, ageMs);
}

/** S: the chance to come to an age, 0 to 1, falling with the age. */
export function survival(table: LifetimeTable, ageMs: number): number {
  return Math.exp(-cumulativeHazard(table, ageMs));
}

/** The chance that what has come to `ageMs` lasts for `forMs` more. */
export function chanceToLast(table: LifetimeTable, ageMs: number, forMs: number): number {
  return Math.exp(-hazardBetween(table, ageMs, ageMs + forMs));
}

function hazardBetween(
  { edgesMs, hazardPerHour }: LifetimeTable,
  fromMs: number,
  toMs: number,
): number {
  let total = 0;
  for (let bin = 0; bin < edgesMs.length && (edgesMs[bin] ?? Infinity) < toMs; bin += 1) {
    const spanMs = Math.max(0, overlapMs(edgesMs, bin, fromMs, toMs));
    total += ((hazardPerHour[bin] ?? 0) * spanMs) / MS_PER_HOUR;
  }
  return total;
}

/**
 * Mean time that what has come to `ageMs` lasts from there, ms, or with `horizonMs` how much of the next `horizonMs` on average:
 * L(a) = (1/S(a)) times the integral of S from a. Infinity where the last bin's hazard is zero and nothing bounds it.
 */
export function residualLifeMs(
  { edgesMs, hazardPerHour }: LifetimeTable,
  ageMs: number,
  horizonMs = Infinity,
): number {
  const fromMs = Math.max(0, ageMs);
  const toMs = fromMs + horizonMs;
  let alive = 1;
  let total = 0;
  for (let bin = binOf(edgesMs, fromMs); bin < edgesMs.length && alive > 0; bin += 1) {
    const spanMs = overlapMs(edgesMs, bin, fromMs, toMs);
    if (spanMs <= 0) break;
    const perMs = (hazardPerHour[bin] ?? 0) / MS_PER_HOUR;
    total += alive * livedMs(perMs, spanMs);
    alive *= Math.exp(-perMs * spanMs);
  }
  return total;
}

/** Mean lived in a span under a constant hazard: the integral of exp(-h t), in a form that is exact for small h. */
function livedMs(perMs: number, spanMs: number): number {
  if (perMs === 0) return spanMs;
  return -Math.expm1(-perMs * spanMs) / perMs;
}

/** The age by which a share of all has ended, ms: 0.5 for the median. Infinity when so many never end. */
export function quantileMs({ edgesMs, hazardPerHour }: LifetimeTable, share: number): number {
  let left = -Math.log1p(-Math.min(1, Math.max(0, share)));
  for (const [bin, fromMs] of edgesMs.entries()) {
    const perMs = (hazardPerHour[bin] ?? 0) / MS_PER_HOUR;
    const here = perMs === 0 ? 0 : perMs * ((edgesMs[bin + 1] ?? Infinity) - fromMs);
    if (here >= left && left > 0) return fromMs + left / perMs;
    if (left <= 0) return fromMs;
    left -= here;
  }
  return Infinity;
}

/**
 * The constant hazard that stands for a run of `forMs` from `ageMs` on, per hour: the mean of the hazards on the way, each
 * weighted by the chance to come so far, which is the chance to end on the way over the mean time lived until then. It is the
 * rate at which runs that are begun anew after every end are lost. For a constant hazard it is that hazard.
 */
export function averageHazardPerHour(table: LifetimeTable, forMs: number, ageMs = 0): number {
  const spanMs = Math.max(1, forMs);
  const ended = -Math.expm1(-hazardBetween(table, ageMs, ageMs + spanMs));
  return (ended / residualLifeMs(table, ageMs, spanMs)) * MS_PER_HOUR;
}

/** One over the mean life of a fresh one, per hour; zero where they live for ever. */
export function meanHazardPerHour(table: LifetimeTable): number {
  const first = table.hazardPerHour[0] ?? 0;
  if (table.hazardPerHour.every((perHour) => perHour === first)) return first;
  return MS_PER_HOUR / residualLifeMs(table, 0);
}

function edges(firstMs: number, factor: number, count: number): readonly number[] {
  return [0, ...Array.from({ length: count }, (_, step) => Math.round(firstMs * factor ** step))];
}

/** The bin that an age falls in. */
function binOf(edgesMs: readonly number[], ageMs: number): number {
  let bin = 0;
  while (bin + 1 < edgesMs.length && (edgesMs[bin + 1] ?? Infinity) <= ageMs) bin += 1;
  return bin;
}

/** The bin of the ages just below `ageMs`. */
function binBefore(edgesMs: readonly number[], ageMs: number): number {
  const bin = binOf(edgesMs, ageMs);
  return bin > 0 && edgesMs[bin] === ageMs ? bin - 1 : bin;
}

/** How much of a stretch of ages lies in a bin, ms; negative or zero when none does. */
function overlapMs(edgesMs: readonly number[], bin: number, fromMs: number, toMs: number): number {
  return Math.min(toMs, edgesMs[bin + 1] ?? Infinity) - Math.max(fromMs, edgesMs[bin] ?? Infinity);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
