/**
 * How long waits take (start-ups, new capacity after a loss), as a histogram with logarithmic bins. Waits cluster around their
 * typical length, so unlike lifetimes they are counted by wait and not by time at risk: the life table (Kaplan and Meier 1958,
 * grouped) gives the quantiles, and a wait that was given up counts as one that would have taken longer.
 */

/** Lower edges of the bins, ms: zero, then from 2 s in steps of the root of two to about 4 hours. The last bin is open. */
export const WAIT_EDGES_MS: readonly number[] = [
  0,
  ...Array.from({ length: 27 }, (_, step) => Math.round(2_000 * Math.SQRT2 ** step)),
];

/** Bounded, additive, and scaled as a whole by decay. */
export interface WaitCounts {
  /** Waits that ended in each bin. */
  readonly ended: readonly number[];
  /** Waits that were given up in each bin, their length unknown but for that. */
  readonly givenUp: readonly number[];
  /** All that ended together, ms; for the mean. */
  readonly totalMs: number;
  /** Waits that ended of which only the total is known. */
  readonly unbinned: number;
}

export function noWaits(): WaitCounts {
  const zeros = WAIT_EDGES_MS.map(() => 0);
  return { ended: zeros, givenUp: zeros, totalMs: 0, unbinned: 0 };
}

/** Counts with one more wait, which has ended after `ms` or was given up then. */
export function withWait(
  counts: WaitCounts,
  ms: number,
  outcome: 'ended' | 'given-up',
): WaitCounts {
  const waitedMs = Math.max(0, ms);
  const side = outcome === 'ended' ? 'ended' : 'givenUp';
  const bin = WAIT_EDGES_MS.findLastIndex((edge) => edge <= waitedMs);
  return {
    ...counts,
    [side]: counts[side].map((count, at) => (at === bin ? count + 1 : count)),
    totalMs: counts.totalMs + (outcome === 'ended' ? waitedMs : 0),
  };
}

export function addWaits(a: WaitCounts, b: WaitCounts): WaitCounts {
  return {
    ended: a.ended.map((count, bin) => count + (b.ended[bin] ?? 0)),
    givenUp: a.givenUp.map((count, bin) => count + (b.givenUp[bin] ?? 0)),
    totalMs: a.totalMs + b.totalMs,
    unbinned: a.unbinned + b.unbinned,
  };
}

/** Counts with their weight multiplied by `factor`, 0 to 1. */
export function scaledWaits(counts: WaitCounts, factor: number): WaitCounts {
  if (factor === 1) return counts;
  return {
    ended: counts.ended.map((count) => count * factor),
    givenUp: counts.givenUp.map((count) => count * factor),
    totalMs: counts.totalMs * factor,
    unbinned: counts.unbinned * factor,
  };
}

/** How many waits ended; zero means not measured. */
export function endedWaits({ ended, unbinned }: WaitCounts): number {
  return ended.reduce((total, count) => total + count, unbinned);
}

/**
 * By when a share of all waits has ended, ms; null where no wait has ended yet. Infinity where too many were given up to tell:
 * it is longer than anything seen. Within a bin waits are taken to be spread evenly; a bin's given-up ones leave half-way.
 */
export function waitQuantileMs({ ended, givenUp }: WaitCounts, share: number): number | null {
  let waiting = sum(ended) + sum(givenUp);
  if (sum(ended) <= 0) return null;
  let left = 1;
  for (const [bin, fromMs] of WAIT_EDGES_MS.entries()) {
    const here = ended[bin] ?? 0;
    const gone = givenUp[bin] ?? 0;
    const atRisk = Math.max(here, waiting - gone / 2);
    const next = here > 0 ? left * (1 - here / atRisk) : left;
    if (here > 0 && next <= 1 - share + ROUNDING) {
      const part = (left - (1 - share)) / (left - next);
      return (
        fromMs + Math.min(1, Math.max(0, part)) * ((WAIT_EDGES_MS[bin + 1] ?? fromMs) - fromMs)
      );
    }
    left = next;
    waiting -= here + gone;
  }
  return Infinity;
}

/** Sums of decayed counts come out this much off. */
const ROUNDING = 1e-9;

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
