/** Something added up, and over how many: losses over hours, failures over starts, waited time over waits. */
export interface Counted {
  readonly sum: number;
  readonly of: number;
}

/**
 * A mean or a share through levels from the widest to the narrowest: the first is shrunk towards `base`, which is worth
 * `baseWorth` samples, and every next one towards the one before, worth `levelWorth`. It lies between what it is shrunk to and
 * what was measured.
 */
export function standardised(
  base: number,
  baseWorth: number,
  levelWorth: number,
  levels: readonly Counted[],
): number {
  return levels.reduce((parent, { sum, of }, level) => {
    const worth = level === 0 ? baseWorth : levelWorth;
    return of + worth <= 0 ? parent : (sum + parent * worth) / (of + worth);
  }, base);
}
