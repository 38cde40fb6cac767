import { chance, integerBetween, pick, seededRng } from './rng';

const draw = (seed: number, count: number): readonly number[] => {
  const rng = seededRng(seed);
  return Array.from({ length: count }, () => rng());
};

describe('seededRng', () => {
  it('repeats for the same seed and differs for another', () => {
    expect(draw(7, 20)).toEqual(draw(7, 20));
    expect(draw(7, 20)).not.toEqual(draw(8, 20));
  });

  it('draws evenly from [0, 1)', () => {
    const numbers = draw(1, 20_000);
    expect(numbers.every((n) => n >= 0 && n < 1)).toBe(true);
    const tenths = numbers.reduce<number[]>((counts, n) => {
      const tenth = Math.floor(n * 10);
      counts[tenth] = (counts[tenth] ?? 0) + 1;
      return counts;
    }, []);
    expect(Math.min(...tenths)).toBeGreaterThan(1_800);
    expect(Math.max(...tenths)).toBeLessThan(2_200);
  });

  it('serves whole numbers, choices and chances', () => {
    const rng = seededRng(3);
    const dice = new Set(Array.from({ length: 200 }, () => integerBetween(rng, 1, 6)));
    expect([...dice].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(pick(rng, [])).toBeUndefined();
    expect(['a', 'b']).toContain(pick(rng, ['a', 'b']));
    expect(chance(rng, 0)).toBe(false);
    expect(chance(rng, 1)).toBe(true);
  });
});
