import { aJob, anAttempt, anOffer, aSpec, BUILT_AT_MS } from '#libs/testkit';
import { NO_REPORT, type Attempt } from './attempt';
import { costTermNames, type CostTerms, type RankedOffer } from './decision';
import { usd, ZERO_USD } from './money';
import type { Offer } from './offer';
import { planService, wishNow } from './promised-replicas';
import { planReplicas } from './replicas';

const HOUR_MS = 3_600_000;
const NOW_MS = BUILT_AT_MS + 100 * HOUR_MS;
const wish = { target: 2, extra: 1 };

const spotIn = (region: string, dollars: number, wanted: Partial<Omit<Offer, 'providerId'>> = {}) =>
  anOffer({ region, interruptible: true, market: 'spot', pricePerHour: usd(dollars), ...wanted });
const north = spotIn('north', 1);
const south = spotIn('south', 2);
const firm = anOffer({ region: 'north', pricePerHour: usd(6) });
const terms = Object.fromEntries(costTermNames.map((name) => [name, ZERO_USD])) as CostTerms;
const ranked = (offer: Offer): RankedOffer => ({
  offer,
  terms,
  expectedCost: offer.pricePerHour,
  latenessBps: 0,
  noReturnAtMs: null,
});
const open = [north, south, firm].map(ranked);

let made = 0;
const replica = (offer: Offer, wanted: Partial<Attempt> = {}): Attempt => {
  made += 1;
  return anAttempt({
    phase: 'running',
    role: 'replica',
    number: made,
    slot: made,
    offer,
    report: { ...NO_REPORT, bootId: 'b', startedAtMs: NOW_MS - 90 * HOUR_MS },
    ...wanted,
    id: `att-${made}`,
    jobId: 'job-1',
  });
};
const pending = (offer: Offer): Attempt => replica(offer, { phase: 'starting', report: NO_REPORT });
const ended = (offer: Offer, outcome: Attempt['outcome'], phaseSinceMs: number): Attempt =>
  replica(offer, { phase: 'released', outcome, phaseSinceMs });

const view = (attempts: readonly Attempt[], availabilityBps: number | null = 9_900) => ({
  job: aJob({ id: 'job-1', spec: aSpec({ sla: { ...aSpec().sla, availabilityBps } }) }),
  attempts,
  nowMs: NOW_MS,
});
const placesOf = (attempts: readonly Attempt[], offers = open): readonly string[] =>
  planService(view(attempts), wish, offers).place.map(
    ({ offer }) => `${offer.interruptible ? 'spot' : 'firm'} ${offer.region}`,
  );

describe('a service that promises an availability', () => {
  it('starts where it is cheapest, and on reliable supply only what is missing', () => {
    expect(placesOf([])).toEqual(['spot north', 'spot north', 'spot north']);
    const scarce = [ranked({ ...north, quantity: 1 }), ranked(firm)];
    expect(placesOf([], scarce)).toEqual(['firm north', 'spot north']);
    expect(planService(view([]), wish, [ranked(firm)])).toMatchObject({
      place: [ranked(firm), ranked(firm)],
      missing: 0,
    });
  });

  it('asks for no reliable replica while enough are starting, and keeps those it has until then', () => {
    const firms = [replica(firm), replica(firm)];
    const starting = [pending(north), pending(north), pending(north)];
    expect(planService(view([...firms, ...starting]), wish, open)).toEqual({
      place: [],
      missing: 0,
      drop: [],
    });
    const ready = [replica(north), replica(north), pending(north)];
    expect(planService(view([...firms, ...ready]), wish, open).drop).toEqual(
      [...firms].map(({ id }) => id),
    );
  });

  it('replaces a loss in another domain', () => {
    const lost = ended(north, 'interrupted', NOW_MS - 1);
    expect(placesOf([replica(north), replica(north), lost])).toEqual(['spot south']);
    const refused = ended(north, 'refused', NOW_MS - 1);
    expect(placesOf([replica(north), replica(north), refused])).toEqual(['spot south']);
  });

  it('puts no second replica on a single machine', () => {
    const host = ranked(spotIn('north', 1, { hostId: 'host-1' }));
    expect(placesOf([replica(host.offer)], [host, ranked(firm)])).toEqual(['firm north']);
  });

  it('drops the youngest of what is too many', () => {
    const cheap = [1, 2, 3, 4].map(() => replica(north));
    expect(planService(view(cheap), wish, open).drop).toEqual([cheap[3]?.id]);
  });

  it('wants as much extra as its losses call for', () => {
    const calm = [replica(north), replica(north)];
    expect(wishNow(view([]), wish)).toEqual(wish);
    expect(wishNow(view(calm), wish)).toEqual({ target: 2, extra: 0 });
    const slow = spotIn('north', 1, { startupMs: HOUR_MS / 4 });
    const losses = Array.from({ length: 60 }, (_, index) =>
      ended(slow, 'interrupted', NOW_MS - HOUR_MS * (1 + Math.floor(index / 2))),
    );
    expect(wishNow(view([...calm, ...losses]), wish).extra).toBe(2);
  });
});

it('a service without a promise is planned as it always was', () => {
  const attempts = [replica(north), pending(south)];
  expect(wishNow(view(attempts, null), wish)).toBe(wish);
  expect(planService(view(attempts, null), wish, open)).toEqual(planReplicas(wish, attempts, open));
});
