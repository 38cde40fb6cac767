import fc from 'fast-check';
import { BUILT_AT_MS } from '#libs/testkit';
import { attemptOutcomes, attemptPhases, type Attempt } from './attempt';
import { jobOutcomes } from './job';
import { jobStateOf } from './job-state';
import { AGEING_MS_PER_PRIORITY, lineKey } from './job-step';
import { meaningOf } from './rounds';

const HOUR_MS = 3_600_000;

describe('the place in line', () => {
  const priority = fc.integer({ min: 0, max: 100 });
  const moment = fc.integer({ min: BUILT_AT_MS, max: BUILT_AT_MS + 90 * 24 * HOUR_MS });

  it('is the order of arrival among equals', () => {
    fc.assert(
      fc.property(moment, moment, priority, (a, b, each) => {
        expect(Math.sign(lineKey(a, each) - lineKey(b, each))).toBe(Math.sign(a - b));
      }),
    );
  });

  it('is overtaken by a higher priority for a bounded time only', () => {
    fc.assert(
      fc.property(moment, priority, priority, (atMs, low, high) => {
        fc.pre(high > low);
        const boundMs = (high - low) * AGEING_MS_PER_PRIORITY;
        expect(lineKey(atMs + boundMs - 1, high)).toBeLessThan(lineKey(atMs, low));
        expect(lineKey(atMs + boundMs + 1, high)).toBeGreaterThan(lineKey(atMs, low));
      }),
    );
  });
});

describe('the state of a job', () => {
  const stateOf = (attempts: readonly Pick<Attempt, 'phase' | 'outcome'>[], cancelled = false) =>
    jobStateOf(
      { outcome: null, cancelRequestedAtMs: cancelled ? 1 : null },
      attempts.map((attempt, index) => ({ role: 'solo', round: index + 1, ...attempt })),
    );

  it('is that of its outcome once it has one', () => {
    const states = jobOutcomes.map((outcome) =>
      jobStateOf({ outcome, cancelRequestedAtMs: 1 }, []),
    );
    expect(states).toEqual([
      'succeeded',
      'failed',
      'failed',
      'failed',
      'failed',
      'failed',
      'failed',
      'cancelled',
    ]);
  });

  it('follows the phase of its last attempt', () => {
    expect(stateOf([])).toBe('queued');
    const states = attemptPhases.map((phase) =>
      stateOf([
        { phase: 'released', outcome: 'interrupted' },
        { phase, outcome: phase === 'released' ? 'interrupted' : null },
      ]),
    );
    expect(states).toEqual([
      'starting',
      'starting',
      'starting',
      'starting',
      'running',
      'stopping',
      'recovering',
    ]);
  });

  it('is recovering only where the last attempt may be tried again', () => {
    for (const outcome of attemptOutcomes)
      expect(stateOf([{ phase: 'released', outcome }])).toBe(
        meaningOf[outcome].is === 'end' ? 'stopping' : 'recovering',
      );
  });

  it('is stopping from the moment that somebody cancels', () => {
    expect(stateOf([], true)).toBe('stopping');
    for (const phase of attemptPhases)
      expect(stateOf([{ phase, outcome: null }], true)).toBe('stopping');
  });
});
