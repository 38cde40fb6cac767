/** Costs that differ by no more than this agree, in USD. */
export const COST_TOLERANCE_USD = 0.01;

/** A golden row that we do not reproduce. */
export interface Mismatch {
  /** Which row, in words. */
  readonly row: string;
  readonly column: string;
  readonly golden: number;
  readonly got: number;
}

/** How many golden rows there are, how many we reproduce, and the rest. */
export interface GoldenCheck {
  readonly rows: number;
  readonly matched: number;
  readonly mismatches: readonly Mismatch[];
}

/** Add up the verdicts on rows; a row with a null verdict agrees. */
export function checkOf(verdicts: readonly (Mismatch | null)[]): GoldenCheck {
  const mismatches = verdicts.filter((verdict) => verdict !== null);
  return {
    rows: verdicts.length,
    matched: verdicts.length - mismatches.length,
    mismatches,
  };
}

export function isSameCost(golden: number, got: number): boolean {
  // Both are rounded to four digits or more: the margin keeps a difference of exactly one cent inside.
  return Math.abs(golden - got) <= COST_TOLERANCE_USD + 1e-6;
}
