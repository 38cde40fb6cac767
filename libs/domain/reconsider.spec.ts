import fc from 'fast-check';
import { anOffer, aSpec, BUILT_AT_MS } from '#libs/testkit';
import { costTermNames, type CostTerms, type RankedOffer } from './decision';
import { asAttemptId, asJobId } from './ids';
import type { JobSpec } from './job';
import { usd, ZERO_USD } from './money';
import type { Offer } from './offer';
import { LOOK_LEAST_MS, LOOK_MOST_MS, nextLookAtMs } from './outlook';
import { DEFAULT_PREFERENCES } from './policy';
import { LEAVING_MS, MIN_BETWEEN_MOVES_MS, reconsider } from './reconsider';
import type { HeldLease, ReconsiderationView } from './reconsideration-view';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const NOW_MS = BUILT_AT_MS + 10 * HOUR_MS;
const checkpoint = { path: 'ckpt', intervalMs: 10 * MINUTE_MS, sizeGb: 1 };

const spot = anOffer({
  instanceType: 'spot',
  market: 'spot',
  interruptible: true,
  pricePerHour: usd(1),
});
const firm = anOffer({ instanceType: 'firm', pricePerHour: usd(4) });
const terms = Object.fromEntries(costTermNames.map((name) => [name, ZERO_USD])) as CostTerms;
const ranked = (offer: Offer, hours = 4): RankedOffer => ({
  offer,
  terms,
  expectedCost: usd((offer.pricePerHour / 1e6) * hours),
  latenessBps: 0,
  noReturnAtMs: null,
});

const held = (offer: Offer, wanted: Partial<HeldLease> = {}): HeldLease => ({
  attemptId: asAttemptId('att-1'),
  offer,
  pricePerHour: offer.pricePerHour,
  ageMs: HOUR_MS,
  startedAtMs: NOW_MS - HOUR_MS,
  leftMs: 4 * HOUR_MS,
  ...wanted,
});

interface Wanted extends Partial<Omit<ReconsiderationView, 'job'>> {
  readonly spec?: Partial<JobSpec>;
  readonly deadlineAtMs?: number | null;
}

/** A job with four hours of work left and both offers to be had. */
function viewOf({ spec = {}, deadlineAtMs = null, ...wanted }: Wanted): ReconsiderationView {
  return {
    job: {
      id: asJobId('job-1'),
      spec: aSpec({ checkpoint, durationEstimateMs: 8 * HOUR_MS, ...spec }),
      deadlineAtMs,
      spent: ZERO_USD,
    },
    leftMs: 4 * HOUR_MS,
    held: [],
    ranked: [ranked(spot), ranked(firm)],
    awaited: [],
    awaitedPrices: [],
    giveUpAtMs: null,
    health: {},
    preferences: DEFAULT_PREFERENCES,
    lastMoveAtMs: null,
    aim: null,
    nowMs: NOW_MS,
    ...wanted,
  };
}

/** What must be left at the reliable offer: the work, and two changeovers of its start and of leaving. */
const reserveMs = (leftMs: number, isHeld: boolean): number =>
  leftMs + 2 * (firm.startupMs + (isHeld ? LEAVING_MS : 0));

describe('a job that waits', () => {
  it('starts where it is expected to cost least', () => {
    expect(reconsider(viewOf({}))).toMatchObject({ do: 'start', to: spot.id, because: 'cheapest' });
  });

  it('takes a reliable offer from the point of no return on, and until then need not', () => {
    const noReturnAtMs = NOW_MS + 1;
    const deadlineAtMs = noReturnAtMs + reserveMs(4 * HOUR_MS, false);
    expect(reconsider(viewOf({ deadlineAtMs })).noReturnAtMs).toBe(noReturnAtMs);
    const roomy = deadlineAtMs + HOUR_MS;
    expect(reconsider(viewOf({ deadlineAtMs: roomy }))).toMatchObject({ to: spot.id });
    expect(reconsider(viewOf({ deadlineAtMs: deadlineAtMs - 1 }))).toMatchObject({
      do: 'start',
      to: firm.id,
      because: 'deadline',
    });
  });

  it('takes what there is where nothing reliable is to be had, and the cheapest once it is late anyhow', () => {
    const late = NOW_MS + 4 * HOUR_MS + 1;
    expect(reconsider(viewOf({ deadlineAtMs: late, ranked: [ranked(spot)] })).to).toBe(spot.id);
    expect(reconsider(viewOf({ deadlineAtMs: NOW_MS + HOUR_MS })).to).toBe(spot.id);
  });

  it('goes where its move was meant to go, if that is still to be had', () => {
    expect(reconsider(viewOf({ aim: firm.id })).to).toBe(firm.id);
    expect(reconsider(viewOf({ aim: firm.id, ranked: [ranked(spot)] })).to).toBe(spot.id);
  });

  it('waits for capacity where there is none, and says for what', () => {
    expect(reconsider(viewOf({ ranked: [], awaited: [spot.id] }))).toMatchObject({
      do: 'wait',
      to: null,
      because: 'no-capacity',
      waitingFor: { what: 'capacity', offers: [spot.id] },
    });
  });
});

describe('a job that runs on interruptible supply', () => {
  const deadlineAtMs = NOW_MS + reserveMs(4 * HOUR_MS, true);

  it('is moved to the cheapest reliable offer at its point of no return, not before', () => {
    const due = viewOf({ held: [held(spot)], deadlineAtMs });
    expect(reconsider(due)).toMatchObject({ do: 'move', to: firm.id, because: 'deadline' });
    const early = reconsider({ ...due, nowMs: NOW_MS - 1 });
    expect(early).toMatchObject({ do: 'stay', noReturnAtMs: NOW_MS, nextLookAtMs: NOW_MS });
    expect(early.waitingFor?.what).toBe('point-of-no-return');
  });

  it('stays past that point when it is nearly done, since a loss is unlikely by then', () => {
    const lease = held(spot, { leftMs: 10 * MINUTE_MS });
    expect(reconsider(viewOf({ held: [lease], deadlineAtMs }))).toMatchObject({
      do: 'stay',
      because: 'safe-where-it-is',
    });
  });

  it('stays where nothing reliable is to be had, and says what it waits for', () => {
    const view = viewOf({ held: [held(spot)], deadlineAtMs, ranked: [], awaited: [firm.id] });
    expect(reconsider({ ...view, nowMs: deadlineAtMs - 4 * HOUR_MS - 150_000 })).toMatchObject({
      do: 'stay',
      because: 'no-reliable-offer',
      waitingFor: { what: 'reliable-capacity', offers: [firm.id] },
    });
  });

  it('stays when a rerun from the start would be too late: what it has done is its only chance', () => {
    const lease = held(spot, { leftMs: HOUR_MS });
    const view = viewOf({ held: [lease], deadlineAtMs: NOW_MS + 2 * HOUR_MS });
    expect(reconsider(view)).toMatchObject({ do: 'stay', because: 'too-late-to-move' });
  });

  it('is not moved when it does not allow to be interrupted', () => {
    const view = viewOf({ held: [held(spot)], deadlineAtMs, spec: { interruptible: false } });
    expect(reconsider(view)).toMatchObject({ do: 'stay', because: 'not-interruptible' });
  });
});

describe('a job that runs on dear supply', () => {
  it('moves back to cheap supply when that pays beyond the changeover', () => {
    expect(reconsider(viewOf({ held: [held(firm)] }))).toMatchObject({
      do: 'move',
      to: spot.id,
      because: 'saving',
    });
  });

  const hardly = { ...ranked(spot), expectedCost: usd(15.5) };
  it.each<{ reason: string; wanted: Wanted }>([
    { reason: 'hardly anything is saved', wanted: { ranked: [hardly, ranked(firm)] } },
    {
      reason: 'it has been moved a moment ago',
      wanted: { lastMoveAtMs: NOW_MS - MIN_BETWEEN_MOVES_MS + 1 },
    },
    {
      reason: 'it has begun a moment ago',
      wanted: { held: [held(firm, { startedAtMs: NOW_MS - MIN_BETWEEN_MOVES_MS + 1 })] },
    },
    { reason: 'it is still being started', wanted: { held: [held(firm, { startedAtMs: null })] } },
    {
      reason: 'it is within a changeover of its end',
      wanted: { held: [held(firm, { leftMs: spot.startupMs + LEAVING_MS })] },
    },
    {
      reason: 'the slack does not bear to go there and back',
      wanted: { deadlineAtMs: NOW_MS + reserveMs(4 * HOUR_MS, true) + 60_000 },
    },
  ])('stays when $reason', ({ wanted }) => {
    expect(reconsider(viewOf({ held: [held(firm)], ...wanted })).do).toBe('stay');
  });

  it('leaves a lease that costs more than its quote, and says so', () => {
    const lease = held(firm, { pricePerHour: usd(5) });
    expect(reconsider(viewOf({ held: [lease] })).because).toBe('price-drifted');
  });
});

describe('the pace of looking', () => {
  it('is a sixteenth of the slack, within its bounds', () => {
    const at = (slackMs: number | null): number =>
      nextLookAtMs({ slackMs, noReturnAtMs: null, nowMs: 0 });
    expect(at(null)).toBe(LOOK_MOST_MS);
    expect(at(16 * 100_000)).toBe(100_000);
    expect(at(-1)).toBe(LOOK_LEAST_MS);
    expect(at(1_000 * HOUR_MS)).toBe(LOOK_MOST_MS);
  });

  it('never leaves a point of no return ahead unseen, whatever the view', () => {
    const times = fc.record({
      slackMs: fc.option(fc.integer({ min: -HOUR_MS, max: 1_000 * HOUR_MS })),
      noReturnAtMs: fc.option(fc.integer({ min: NOW_MS - HOUR_MS, max: NOW_MS + 100 * HOUR_MS })),
    });
    fc.assert(
      fc.property(times, (pace) => {
        const lookAtMs = nextLookAtMs({ ...pace, nowMs: NOW_MS });
        expect(lookAtMs).toBeGreaterThan(NOW_MS);
        expect(lookAtMs).toBeLessThanOrEqual(NOW_MS + LOOK_MOST_MS);
        if (pace.noReturnAtMs !== null && pace.noReturnAtMs > NOW_MS)
          expect(lookAtMs).toBeLessThanOrEqual(pace.noReturnAtMs);
      }),
    );
  });
});
