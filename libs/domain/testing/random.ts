/** Numbers in (0, 1) that repeat for the same seed (Park and Miller's minimal generator); for simulations in tests only. */
export function minimalRandom(seed: number): () => number {
  const modulus = 2_147_483_647;
  let state = (seed % (modulus - 1)) + 1;
  return () => {
    state = (state * 48_271) % modulus;
    return state / modulus;
  };
}

/** An exponential waiting time. */
export function exponential(random: () => number, mean: number): number {
  return -mean * Math.log(random());
}
