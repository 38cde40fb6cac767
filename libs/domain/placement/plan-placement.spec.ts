import { anOffer, aSpec, BUILT_AT_MS } from '#libs/testkit';
import { costTermNames, type CostTerms, type RankedOffer } from '../decision';
import { asAttemptId, asJobId } from '../ids';
import { usd, ZERO_USD } from '../money';
import type { Offer } from '../offer';
import { DEFAULT_PREFERENCES } from '../policy';
import { reconsider } from '../reconsider';
import type { ReconsiderationView } from '../reconsideration-view';
import { planPlacement } from './plan-placement';

const HOUR_MS = 3_600_000;
const LOOK_MS = 120_000;
const NOW_MS = BUILT_AT_MS;
const checkpoint = { path: 'ckpt', intervalMs: HOUR_MS / 6, sizeGb: 1 };
const spot = anOffer({
  instanceType: 'spot',
  market: 'spot',
  interruptible: true,
  pricePerHour: usd(1),
});
const cheap = anOffer({
  instanceType: 'cheap',
  market: 'spot',
  interruptible: true,
  pricePerHour: usd(0.3),
});
const firm = anOffer({ instanceType: 'firm', pricePerHour: usd(8) });
const terms = Object.fromEntries(costTermNames.map((name) => [name, ZERO_USD])) as CostTerms;
const ranked = (offer: Offer): RankedOffer => ({
  offer,
  terms,
  expectedCost: offer.pricePerHour,
  latenessBps: 0,
  noReturnAtMs: null,
});

function viewOf(
  slackHours: number,
  wanted: Partial<ReconsiderationView> = {},
): ReconsiderationView {
  return {
    job: {
      id: asJobId('job-1'),
      spec: aSpec({ checkpoint, durationEstimateMs: 4 * HOUR_MS }),
      deadlineAtMs: NOW_MS + (4 + slackHours) * HOUR_MS,
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
const held = (offer: Offer) => [
  {
    attemptId: asAttemptId('att-1'),
    offer,
    pricePerHour: offer.pricePerHour,
    ageMs: HOUR_MS,
    startedAtMs: NOW_MS - HOUR_MS,
    leftMs: 4 * HOUR_MS,
  },
];

describe('the plan for the work that is left', () => {
  it.each([
    { reason: 'cheap supply can be had and there is slack', view: viewOf(4), at: 'supply' },
    {
      reason: 'nothing interruptible can be had, and it is likely back before the slack is gone',
      view: viewOf(8, {
        ranked: [ranked(firm)],
        awaited: [spot.id],
        awaitedPrices: [{ offerId: spot.id, pricePerHour: usd(1) }],
      }),
      at: 'nowhere',
    },
    { reason: 'the slack is all but gone', view: viewOf(0.02), at: 'reliable' },
    {
      reason: 'it runs at a reliable offer and cheap supply is back in time',
      view: viewOf(4, { held: held(firm) }),
      at: 'supply',
    },
    { reason: 'it runs well where it is', view: viewOf(4, { held: held(spot) }), at: 'supply' },
  ])('is $at when $reason', ({ view, at }) => {
    expect(planPlacement(view, LOOK_MS)?.place.at).toBe(at);
  });

  it('goes to much cheaper supply, and not from there to dearer', () => {
    const offers = { ranked: [ranked(cheap), ranked(spot), ranked(firm)] };
    const away = planPlacement(viewOf(4, { ...offers, held: held(spot) }), LOOK_MS);
    expect(away?.place).toEqual({ at: 'supply', id: cheap.id });
    const stay = planPlacement(viewOf(4, { ...offers, held: held(cheap) }), LOOK_MS);
    expect(stay?.place).toEqual({ at: 'supply', id: cheap.id });
  });

  it.each([
    { reason: 'there is no deadline', change: { deadlineAtMs: null } },
    { reason: 'the deadline cannot be kept any more', change: { deadlineAtMs: NOW_MS + HOUR_MS } },
    { reason: 'the work would start over', change: { spec: aSpec({ checkpoint: null }) } },
    {
      reason: 'it may not be interrupted',
      change: { spec: aSpec({ checkpoint, interruptible: false }) },
    },
  ])('is left to the ranking when $reason', ({ change }) => {
    const view = viewOf(4);
    expect(planPlacement({ ...view, job: { ...view.job, ...change } }, LOOK_MS)).toBeNull();
  });

  it('is left to the ranking when no reliable offer could save the deadline', () => {
    expect(planPlacement(viewOf(4, { ranked: [ranked(spot)] }), LOOK_MS)).toBeNull();
  });

  it('does not move a job from one reliable offer to another', () => {
    const other = anOffer({ instanceType: 'other', pricePerHour: usd(9) });
    const view = viewOf(0.5, { held: held(firm), ranked: [ranked(other), ranked(firm)] });
    const waiting = { awaitedPrices: [{ offerId: spot.id, pricePerHour: usd(7.9) }] };
    expect(planPlacement({ ...view, ...waiting }, LOOK_MS)?.place.at).toBe('reliable');
    expect(reconsider({ ...view, ...waiting })).toMatchObject({ do: 'stay' });
  });

  it('makes a job wait for cheaper supply, but not beyond its own patience', () => {
    const waiting = {
      ranked: [ranked(firm)],
      awaited: [spot.id],
      awaitedPrices: [{ offerId: spot.id, pricePerHour: usd(1) }],
    };
    expect(reconsider(viewOf(8, waiting))).toMatchObject({
      do: 'wait',
      because: 'cheaper-later',
      waitingFor: { what: 'cheaper-supply', offers: [spot.id] },
    });
    const impatient = viewOf(8, { ...waiting, giveUpAtMs: NOW_MS + 60_000 });
    expect(reconsider(impatient)).toMatchObject({ do: 'start', to: firm.id });
  });
});
