import fc from 'fast-check';
import { fakeOffer } from '../testkit/fake-offers';
import { blockersOf, MAX_RELAXATIONS } from './blockers';
import type { Decision, DecisionSummary, RejectedOffer, Rejection } from './decision';
import { summarise } from './explain';
import { feasibilityOf, renderFeasibility } from './feasibility';
import { usd } from './money';

const noSpot: Rejection = { code: 'policy-forbids', ruleId: 'acme/no-spot', because: 'we say so' };
const abroad: Rejection = { code: 'residency-violated', allowed: ['DE'], have: 'US' };
const soldOut: Rejection = { code: 'unavailable' };

let made = 0;
const refused = (pricePerHour: number, ...reasons: readonly Rejection[]): RejectedOffer => ({
  offer: fakeOffer({ instanceType: `t${(made += 1)}`, pricePerHour: usd(pricePerHour) }),
  reasons,
});

const summaryOf = (rejected: readonly RejectedOffer[], ranked: Decision['ranked'] = []) =>
  summarise({ engine: 'test/1', ranked, rejected, baseline: null });

describe('whether a job can ever run', () => {
  it.each<{ reason: string; rejected: readonly RejectedOffer[]; verdict: string }>([
    { reason: 'nothing is on sale', rejected: [], verdict: 'unknown' },
    { reason: 'all are refused for good', rejected: [refused(1, noSpot)], verdict: 'never' },
    {
      reason: 'one is only sold out',
      rejected: [refused(1, abroad), refused(2, soldOut)],
      verdict: 'not-now',
    },
    {
      reason: 'the one that is sold out would be refused anyway',
      rejected: [refused(1, soldOut, abroad)],
      verdict: 'never',
    },
    {
      reason: 'the only one rests for this job for a while',
      rejected: [
        refused(1, {
          code: 'suspended',
          scope: 'offer-for-job',
          untilMs: 5,
          reason: 'went-silent',
        }),
      ],
      verdict: 'not-now',
    },
  ])('is $verdict when $reason', ({ rejected, verdict }) => {
    expect(feasibilityOf(summaryOf(rejected)).verdict).toBe(verdict);
  });

  it('counts what removes offers, rules one by one, and names what alone stands in the way', () => {
    const cheapest = refused(2, noSpot);
    const rejected = [
      refused(3, noSpot),
      cheapest,
      refused(1, noSpot, soldOut),
      refused(1, noSpot, abroad),
      refused(4, abroad),
    ];
    const answer = feasibilityOf(summaryOf(rejected));
    expect(answer.removals).toEqual([
      { code: 'policy-forbids', ruleId: 'acme/no-spot', offers: 4 },
      { code: 'residency-violated', ruleId: null, offers: 2 },
    ]);
    expect(answer.relaxations).toMatchObject([
      { reason: noSpot, offers: 3, offersNow: 2, cheapest: cheapest.offer.id },
      { reason: abroad, offers: 1, offersNow: 1 },
    ]);
    expect(answer.nearestMiss).toMatchObject({ offerId: cheapest.offer.id });
  });

  it('says so in words', () => {
    const rejected = [refused(2, noSpot), refused(3, noSpot), refused(4, abroad, noSpot)];
    const words = renderFeasibility(feasibilityOf(summaryOf(rejected)));
    expect(words[0]).toBe(
      'No offer can ever run this as things are, of 3 offers: rule acme/no-spot removes 3, residency removes 1.',
    );
    expect(words[1]).toMatch(
      /^The nearest miss is memory\/\S+ at \$2\.00\/h: forbidden by acme\/no-spot/,
    );
    expect(words[2]).toMatch(/^Only rule acme\/no-spot keeps out 2 offers, such as /);
    expect(words).toHaveLength(3);
  });

  it('understands records from before anything of this was kept', () => {
    const { passingCount, relaxations, removals, ...old } = summaryOf([refused(1, soldOut)]);
    expect([passingCount, relaxations, removals]).toEqual([1, [], []]);
    expect(feasibilityOf(old as DecisionSummary)).toMatchObject({ verdict: 'not-now', passing: 1 });
    const { removals: _, ...before } = summaryOf([refused(1, noSpot), refused(2, abroad, noSpot)]);
    expect(feasibilityOf(before as DecisionSummary).removals).toEqual([
      { code: 'policy-forbids', ruleId: null, offers: 2 },
      { code: 'residency-violated', ruleId: null, offers: 1 },
    ]);
  });
});

describe('what relaxing one thing opens', () => {
  const reason = fc.constantFrom<Rejection>(noSpot, abroad, soldOut, { code: 'infra-excluded' });
  const offers = fc.array(fc.uniqueArray(reason, { minLength: 1, selector: ({ code }) => code }), {
    maxLength: 30,
  });

  it('is what opens when the reason is struck out everywhere, in whatever order offers come', () => {
    fc.assert(
      fc.property(offers, fc.infiniteStream(fc.nat(5)), (all, prices) => {
        const rejected = all.map((reasons) => refused(prices.next().value ?? 0, ...reasons));
        const blockers = blockersOf(rejected);
        const { passingCount, relaxations } = blockers;
        expect(blockersOf([...rejected].reverse())).toEqual(blockers);
        for (const { reason: struck, offers: opened, offersNow } of relaxations) {
          const left = rejected.map(({ offer, reasons }) => ({
            offer,
            reasons: reasons.filter(({ code }) => code !== struck.code),
          }));
          const served = left.filter(({ reasons }) => reasons.length === 0).length;
          expect(offersNow).toBe(served);
          expect(opened).toBe(
            served +
              blockersOf(left.filter(({ reasons }) => reasons.length > 0)).passingCount -
              passingCount,
          );
        }
      }),
    );
  });

  it('is kept for a bounded number of reasons', () => {
    const rules = Array.from({ length: 40 }, (_, index) =>
      refused(1, { ...noSpot, ruleId: `acme/r${index}` }),
    );
    expect(blockersOf(rules).relaxations).toHaveLength(MAX_RELAXATIONS);
  });
});
