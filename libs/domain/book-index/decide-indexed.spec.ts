import fc from 'fast-check';
import { healthKeysOf } from '../health/knowledge';
import { asOfferId } from '../ids';
import type { DecisionScene } from '../judge';
import { microUsd, usd } from '../money';
import type { Offer } from '../offer';
import type { CompiledRule } from '../policy';
import { counted } from '../testing/health';
import { jobOf, offerOf } from '../testing/job';
import { book, scene } from '../testing/scenes';
import { decideIndexed, keptDecision } from './decide-indexed';
import { emptyIndex, finished, indexOffers, refreshed } from './offer-index';

const limits = fc.record({
  ranked: fc.nat({ max: 8 }),
  nearestMisses: fc.nat({ max: 8 }),
  awaited: fc.nat({ max: 8 }),
});

describe('a decision on an indexed book', () => {
  it('is the decision that the definition makes', () => {
    fc.assert(
      fc.property(
        book,
        fc.array(scene, { minLength: 1, maxLength: 3 }),
        limits,
        (all, scenes, kept) => {
          const index = indexOffers(all);
          for (const one of [...scenes, ...scenes])
            expect(decideIndexed(index, one, kept)).toEqual(keptDecision(one, all, kept));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('stays so from one book to the next, whatever came and went', () => {
    fc.assert(
      fc.property(fc.array(book, { minLength: 2, maxLength: 4 }), scene, (books, one) => {
        let index = emptyIndex();
        let before: readonly Offer[] = [];
        for (const next of books) {
          const ids = new Set<string>(next.map(({ id }) => id));
          const gone = before.flatMap(({ id }) => (ids.has(id) ? [] : [id]));
          index = finished(refreshed(index, { gone, come: next }));
          before = next;
          expect(index.offers.map(({ id }) => id).sort()).toEqual(next.map(({ id }) => id).sort());
          expect(decideIndexed(index, one)).toEqual(keptDecision(one, next));
        }
      }),
      { numRuns: 60 },
    );
  });

  const plain: DecisionScene = {
    job: jobOf({}),
    policy: { version: 'none', rules: [], preferences: {} },
    health: {},
    suspensions: [],
    nowMs: 0,
  };
  const priced = (id: string, micros: number, wanted: Partial<Offer> = {}): Offer =>
    offerOf({ ...wanted, id: asOfferId(id), pricePerHour: microUsd(micros) });
  const both = (one: DecisionScene, all: readonly Offer[], index = indexOffers(all)) => {
    const kept = keptDecision(one, all, { ranked: 2, nearestMisses: 2, awaited: 2 });
    const indexed = decideIndexed(index, one, { ranked: 2, nearestMisses: 2, awaited: 2 });
    expect(indexed).toEqual(kept);
    return kept.summary;
  };

  it('tells places apart where the data of the job lies at one of them', () => {
    const input = { path: 'in', uri: 'https://x', sizeGb: 500, dataClass: 'public' } as const;
    const inputs = [{ ...input, location: 'nimbus/south' }];
    const all = ['north', 'west', 'east', 'centre', 'south'].map((region, n) =>
      priced(`offer-${n}`, 1_000_000 + n, { region, egressPerGb: usd(0.05) }),
    );
    const { ranked } = both({ ...plain, job: jobOf({ inputs }) }, all);
    expect(ranked[0]?.offer.region).toBe('south');
    expect(ranked[0]?.terms.egress).toBe(0);
  });

  it('does not wait for what the job alone may not use', () => {
    const suspended = { fromMs: 0, untilMs: 60_000, reason: 'no-capacity' };
    const mine = { ...suspended, scope: 'offer-for-job', key: 'a', jobId: plain.job.id } as const;
    const others = {
      ...suspended,
      scope: 'offer',
      key: 'b',
      jobId: null,
      untilMs: 90_000,
    } as const;
    const all = [priced('a', 1), priced('b', 2)];
    const summary = both({ ...plain, suspensions: [mine, others] }, all);
    expect(summary).toMatchObject({ awaited: ['b'], awaitedUntilMs: 90_000, passingCount: 2 });
  });

  it('orders by id what costs the same at different prices', () => {
    const job = jobOf({ durationEstimateMs: 1 });
    const all = ['d', 'c', 'b', 'a'].map((id, micros) => priced(id, micros, { startupMs: 0 }));
    const { ranked } = both({ ...plain, job }, all);
    expect(ranked.map(({ offer }) => offer.id)).toEqual(['a', 'b']);
    expect(new Set(ranked.map(({ expectedCost }) => expectedCost)).size).toBe(1);
  });

  it('forgets what rules said of reliability when something else is measured', () => {
    const rule: CompiledRule = {
      id: 'calm',
      because: 'calm',
      effect: 'require',
      applies: () => true,
      holds: (_job, offer, { reliabilityOf }) => reliabilityOf(offer).interruptionsPerHour < 0.5,
      reads: new Set(['health.interruptionsPerHour']),
      whenReads: new Set(),
    };
    const vocabulary = { offerFields: () => [], subjectKey: () => '' };
    const policy = { ...plain.policy, rules: [rule], vocabulary };
    const all = [priced('a', 1, { market: 'spot', interruptible: true }), priced('b', 2)];
    const index = indexOffers(all);
    const lossy = counted({ leaseMs: 3_600_000, interruptions: 900 });
    const [spot] = all;
    const narrow = healthKeysOf(spot ?? offerOf({})).at(-1) ?? '';
    const healths = [{}, { 'nimbus/spot': lossy }, {}, { [narrow]: lossy }];
    const ranked = healths.map(
      (health) => both({ ...plain, policy, health }, all, index).rankedCount,
    );
    expect(ranked).toEqual([2, 1, 2, 1]);
  });

  it('follows prices to where the budget ends', () => {
    const budget = { maxPricePerHour: usd(6), maxCost: usd(4) };
    const all = Array.from({ length: 30 }, (_, n) => priced(`offer-${n}`, 300_000 * n));
    const summary = both({ ...plain, job: jobOf({ budget }) }, all);
    expect(summary.rejectionCounts['price-too-high']).toBe(9);
    expect(summary.rejectionCounts['cost-over-budget']).toBeGreaterThan(9);
    expect(summary.rankedCount).toBeGreaterThan(9);
  });

  it('is made by the definition where an offer may have more reasons than can be counted', () => {
    const rules = Array.from({ length: 1_100 }, (_, n): CompiledRule => ({
      id: `rule-${n}`,
      because: '',
      effect: 'forbid',
      applies: () => true,
      holds: () => true,
    }));
    const { ruleCounts } = both({ ...plain, policy: { ...plain.policy, rules } }, [priced('a', 1)]);
    expect(Object.keys(ruleCounts)).toHaveLength(1_100);
  });
});
