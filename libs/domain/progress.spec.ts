import { anAttempt, aSpec, BUILT_AT_MS } from '#libs/testkit';
import { NO_REPORT, type Attempt } from './attempt';
import { leftMs, leftWhileRunningMs, savedMs } from './progress';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START_MS = BUILT_AT_MS;
const checkpoint = { path: 'ckpt', intervalMs: 10 * MINUTE_MS, sizeGb: 1 };
const saving = aSpec({ checkpoint, durationEstimateMs: 4 * HOUR_MS });
const startingOver = aSpec({ durationEstimateMs: 4 * HOUR_MS });

const ran = (checkpointAtMs: number | null, wanted: Partial<Attempt> = {}): Attempt => ({
  ...anAttempt({
    id: `att-${wanted.number ?? 1}`,
    jobId: 'job-1',
    report: {
      ...NO_REPORT,
      bootId: 'b',
      startedAtMs: START_MS,
      heartbeatAtMs: START_MS + 3 * HOUR_MS,
      checkpointAtMs,
    },
    ...wanted,
  }),
});

describe('what survives a lease', () => {
  it('is what was done an interval before the last checkpoint arrived', () => {
    expect(savedMs(ran(START_MS + 2 * HOUR_MS), saving)).toBe(2 * HOUR_MS - 10 * MINUTE_MS);
    expect(savedMs(ran(START_MS + MINUTE_MS), saving)).toBe(0);
    expect(savedMs(ran(null), saving)).toBe(0);
  });

  it('is nothing for work that starts over, and all for a service', () => {
    expect(savedMs(ran(START_MS + HOUR_MS), startingOver)).toBe(0);
    expect(savedMs(ran(null), aSpec({ workload: 'inference' }))).toBe(3 * HOUR_MS);
  });
});

describe('the work that is left', () => {
  it('adds up what each try has saved', () => {
    const tries = [
      ran(START_MS + HOUR_MS, { number: 1, round: 1 }),
      ran(START_MS + 2 * HOUR_MS, { number: 2, round: 2 }),
    ];
    expect(leftMs(saving, tries)).toBe(HOUR_MS + 20 * MINUTE_MS);
    expect(leftMs(startingOver, tries)).toBe(4 * HOUR_MS);
  });

  it('of a gang is what its least saved node leaves, of a hedged start what the one that ran leaves', () => {
    const pair = (role: Attempt['role'], other: Attempt['role']) => [
      ran(START_MS + 2 * HOUR_MS, { role }),
      ran(null, { role: other, slot: role === 'node' ? 1 : 0, number: 2, round: 1 }),
    ];
    expect(leftMs(saving, pair('node', 'node'))).toBe(4 * HOUR_MS);
    expect(leftMs(saving, pair('first', 'second'))).toBe(2 * HOUR_MS + 10 * MINUTE_MS);
  });

  it('shrinks while an attempt runs, saved or not, from where it resumed', () => {
    const before = ran(START_MS + HOUR_MS, { number: 1, round: 1 });
    const now = ran(null, { number: 2, round: 2 });
    expect(leftWhileRunningMs(saving, [before, now], now, START_MS + 2 * HOUR_MS)).toBe(
      HOUR_MS + 10 * MINUTE_MS,
    );
    expect(leftMs(saving, [before, now])).toBe(3 * HOUR_MS + 10 * MINUTE_MS);
  });

  it('is never nothing: work may take longer than was thought', () => {
    const now = ran(START_MS + 9 * HOUR_MS);
    expect(leftWhileRunningMs(saving, [now], now, START_MS + 9 * HOUR_MS)).toBe(12 * MINUTE_MS);
    expect(leftMs(saving, [now])).toBe(12 * MINUTE_MS);
    expect(leftMs(aSpec({ checkpoint, durationEstimateMs: 30_000 }), [now])).toBe(30_000);
  });
});
