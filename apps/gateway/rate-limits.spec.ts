import { MinuteCounts } from './rate-limits';

describe('counts within a minute', () => {
  it('say how long to wait once a share is used up, and begin anew', () => {
    const counts = new MinuteCounts(2);
    for (const nowMs of [1_000, 2_000]) counts.add('a', nowMs, 1);
    expect(counts.waitMs('a', 3_000)).toBe(58_000);
    expect(counts.waitMs('b', 3_000)).toBeNull();
    expect(counts.waitMs('a', 61_000)).toBeNull();
  });

  it('forget nobody when a crowd comes, and count the crowd as one', () => {
    const counts = new MinuteCounts(2, 3);
    for (let sent = 0; sent < 2; sent += 1) counts.add('honest', 0, 1);
    for (let index = 0; index < 100; index += 1) counts.add(`stranger-${index}`, 0, 1);
    expect(counts.waitMs('honest', 1)).not.toBeNull();
    expect(counts.waitMs('stranger-0', 1)).toBeNull();
    expect(counts.waitMs('stranger-500', 1)).not.toBeNull();
  });

  it('take back what was not owed, and never more', () => {
    const counts = new MinuteCounts(1);
    counts.add('a', 0, 1);
    counts.add('a', 0, -1);
    counts.add('a', 0, -1);
    expect(counts.waitMs('a', 0)).toBeNull();
    counts.add('a', 0, 1);
    expect(counts.waitMs('a', 0)).not.toBeNull();
  });
});
