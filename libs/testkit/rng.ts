/** A source of numbers in [0, 1) that repeats for the same seed. */
export type Rng = () => number;

/** The generator mulberry32 by Tommy Ettinger (public domain): 32 bits of state, ample for tests, never for secrets. */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from `min` to `max`, both included. */
export function integerBetween(rng: Rng, min: number, max: number): number {
  return min + Math.floor(rng() * (max - min + 1));
}

/** One of `items`, or undefined when there are none. */
export function pick<T>(rng: Rng, items: readonly T[]): T | undefined {
  return items[Math.floor(rng() * items.length)];
}

/** True with the given probability; draws one number whatever the probability is, so that sequences stay comparable. */
export function chance(rng: Rng, probability: number): boolean {
  return rng() < probability;
}
