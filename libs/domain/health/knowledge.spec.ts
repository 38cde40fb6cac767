import fc from 'fast-check';
import type { Attempt } from '../attempt';
import { usd } from '../money';
import { attemptOf } from '../testing/attempts';
import { KNOWN_AT_MS, knowledge } from '../testing/health';
import { HOUR_MS, offerOf } from '../testing/job';
import {
  addKnowledge,
  decayed,
  healthKeysOf,
  lessonOf,
  noKnowledge,
  recoveryLessonOf,
  type Knowledge,
} from './knowledge';
import { totalsOf } from './lifetimes';
import { endedWaits } from './waits';

const BEGAN_MS = 1_800_000_000_000;
const STARTUP_MS = 45_000;

/** A released attempt that ran for an hour after its start-up; say what was otherwise. */
const ran = (wanted: Partial<Omit<Attempt, 'id' | 'jobId'>> = {}): Attempt =>
  attemptOf({
    phase: 'released',
    outcome: 'succeeded',
    billedFromMs: BEGAN_MS,
    billedToMs: BEGAN_MS + STARTUP_MS + HOUR_MS,
    report: {
      bootId: 'boot-1',
      startedAtMs: BEGAN_MS + STARTUP_MS,
      heartbeatAtMs: null,
      checkpointAtMs: null,
      exit: null,
    },
    ...wanted,
  });
const neverStarted = { report: attemptOf({}).report };

const taught = (attempt: Attempt) => {
  const lesson = lessonOf(attempt);
  if (lesson === null) return null;
  const { exposureMs, events } = totalsOf(lesson.leases);
  const { requests, refusals, startFailures, checks, lies } = lesson;
  const started = endedWaits(lesson.starts);
  return { exposureMs, events, started, startFailures, requests, refusals, checks, lies };
};
const clean = {
  exposureMs: HOUR_MS,
  events: 0,
  started: 1,
  startFailures: 0,
  requests: 1,
  refusals: 0,
  checks: 0,
  lies: 0,
};
const nothingRan = { ...clean, exposureMs: 0, started: 0 };

describe('what an attempt teaches', () => {
  it.each<{ reason: string; attempt: Attempt; lesson: ReturnType<typeof taught> }>([
    { reason: 'it succeeded', attempt: ran(), lesson: clean },
    {
      reason: 'its workload failed, which is not the fault of supply',
      attempt: ran({ outcome: 'workload-failed' }),
      lesson: clean,
    },
    {
      reason: 'we moved the job: the watching ends, not the life',
      attempt: ran({ outcome: 'moved' }),
      lesson: clean,
    },
    {
      reason: 'it was taken back',
      attempt: ran({ outcome: 'interrupted' }),
      lesson: { ...clean, events: 1 },
    },
    {
      reason: 'it fell silent, the last word half-way',
      attempt: ran({
        outcome: 'went-silent',
        report: { ...ran().report, heartbeatAtMs: BEGAN_MS + STARTUP_MS + HOUR_MS / 2 },
      }),
      lesson: { ...clean, exposureMs: HOUR_MS / 2, events: 1 },
    },
    {
      reason: 'it never started',
      attempt: ran({ ...neverStarted, outcome: 'start-timeout' }),
      lesson: { ...nothingRan, startFailures: 1 },
    },
    {
      reason: 'it was lost before it started',
      attempt: ran({ ...neverStarted, outcome: 'interrupted' }),
      lesson: { ...nothingRan, startFailures: 1 },
    },
    {
      reason: 'it was cancelled before it started',
      attempt: ran({ ...neverStarted, outcome: 'cancelled' }),
      lesson: nothingRan,
    },
    {
      reason: 'it was refused',
      attempt: ran({ ...neverStarted, outcome: 'refused', billedFromMs: null }),
      lesson: { ...nothingRan, refusals: 1 },
    },
    {
      reason: 'it cost what was quoted',
      attempt: ran({ observedPricePerHour: offerOf({}).pricePerHour, offer: offerOf({}) }),
      lesson: { ...clean, checks: 1 },
    },
    {
      reason: 'it cost twice what was quoted',
      attempt: ran({
        observedPricePerHour: usd(2),
        offer: offerOf({ pricePerHour: usd(1) }),
      }),
      lesson: { ...clean, checks: 1, lies: 1 },
    },
    {
      reason: 'nothing was ever asked for',
      attempt: ran({ ...neverStarted, outcome: 'cancelled', billedFromMs: null }),
      lesson: null,
    },
  ])('when $reason', ({ attempt, lesson }) => {
    expect(taught(attempt)).toEqual(lesson);
  });

  it('counts a start that was given up as one that would have taken longer', () => {
    const { starts } =
      lessonOf(ran({ ...neverStarted, outcome: 'start-timeout' })) ?? noKnowledge(0);
    expect(starts.givenUp.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(endedWaits(starts)).toBe(0);
  });

  it('tells how early a loss was announced', () => {
    const noticeAtMs = BEGAN_MS + STARTUP_MS + HOUR_MS - 30_000;
    expect(lessonOf(ran({ outcome: 'interrupted', noticeAtMs }))).toMatchObject({
      notices: 1,
      noticeMs: 30_000,
    });
    expect(lessonOf(ran({ outcome: 'succeeded', noticeAtMs }))).toMatchObject({ notices: 0 });
  });

  it('tells how long new capacity took after a loss, and of nothing else', () => {
    const lost = ran({ outcome: 'interrupted' });
    const lostAtMs = lost.billedToMs ?? 0;
    const next = ran({ billedFromMs: lostAtMs + 90_000 });
    expect(recoveryLessonOf(lost, next)?.recoveries).toMatchObject({ totalMs: 90_000 });
    expect(recoveryLessonOf(ran(), next)).toBeNull();
    expect(recoveryLessonOf(lost, ran({ billedFromMs: null, outcome: 'refused' }))).toBeNull();
  });
});

describe('knowledge', () => {
  const numbers = (known: Knowledge): readonly number[] =>
    Object.values(known).flatMap((value: unknown) =>
      typeof value === 'number' ? [value] : (Object.values(value as object).flat() as number[]),
    );

  it('adds up in any order, to within rounding', () => {
    fc.assert(
      fc.property(knowledge, knowledge, (a, b) => {
        const [one, other] = [numbers(addKnowledge(a, b)), numbers(addKnowledge(b, a))];
        expect(one.length).toBe(other.length);
        one.forEach((value, index) =>
          expect(Math.abs((other[index] ?? NaN) - value)).toBeLessThanOrEqual(1e-9 * (1 + value)),
        );
      }),
    );
  });

  it('never falls below zero, and never grows by waiting', () => {
    fc.assert(
      fc.property(knowledge, fc.integer({ min: 0, max: 1e11 }), (known, laterMs) => {
        const later = numbers({ ...decayed(known, known.asOfMs + laterMs), asOfMs: 0 });
        const before = numbers({ ...known, asOfMs: 0 });
        later.forEach((value, index) => {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(before[index] ?? NaN);
        });
      }),
    );
  });

  it('weighs half after a half-life, and is not told of the past', () => {
    const known = { ...noKnowledge(KNOWN_AT_MS), lies: 8 };
    expect(decayed(known, KNOWN_AT_MS + HOUR_MS, HOUR_MS)).toMatchObject({
      lies: 4,
      asOfMs: KNOWN_AT_MS + HOUR_MS,
    });
    expect(decayed(known, KNOWN_AT_MS - HOUR_MS)).toBe(known);
  });

  it('decays the same in one step as in two', () => {
    fc.assert(
      fc.property(knowledge, fc.integer({ min: 0, max: 1e9 }), (known, ms) => {
        const once = numbers(decayed(known, known.asOfMs + 2 * ms));
        const twice = numbers(decayed(decayed(known, known.asOfMs + ms), known.asOfMs + 2 * ms));
        once.forEach((value, index) =>
          expect(Math.abs((twice[index] ?? NaN) - value)).toBeLessThanOrEqual(1e-9 * (1 + value)),
        );
      }),
    );
  });
});

describe('the levels of an offer', () => {
  it('each begin with the one before; a host only where it is named', () => {
    const offer = offerOf({ providerKind: 'decentralised', market: 'spot' });
    expect(healthKeysOf(offer)).toEqual([
      'nimbus',
      'nimbus/spot',
      'nimbus/spot/north',
      'nimbus/spot/north/cpu',
    ]);
    expect(healthKeysOf({ ...offer, hostId: 'h-7' }).at(-1)).toBe('nimbus/spot/north/cpu/h-7');
  });
});
