import fc from 'fast-check';
import { canonicalJson } from './canonical';
import { decide } from './decide';
import { temporaryRejections, type DecisionInput, type RankedOffer } from './decision';
import { asOfferId } from './ids';
import { summarise } from './explain';
import type { JobSpec } from './job';
import { microUsd } from './money';
import { factsOf, idsOf, input, money, NOW_MS, rules, suspension } from './testing/arbitraries';

/** Two terms are rounded apart from each other. */
const ROUNDING_MICRO_USD = 2;
const RUNS = { numRuns: 400 };

/** Of an offer that is not sold any more. */
const oldBaseline = {
  offerId: asOfferId('gone-long-ago'),
  pricePerHour: microUsd(6_880_000),
  billing: { incrementMs: 1, minimumMs: 0 },
};

const bytes = (one: DecisionInput): string => canonicalJson(decide(one));

const withSpec = (one: DecisionInput, change: Partial<JobSpec>): DecisionInput => ({
  ...one,
  job: factsOf({ ...one.job.spec, ...change }, one.job.spent),
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

describe('decide', () => {
  it('generates markets in which offers are both ranked and refused, for every kind of reason', () => {
    const seen = new Set<string>();
    let ranked = 0;
    fc.assert(
      fc.property(input, (one) => {
        const decision = decide(one);
        ranked += decision.ranked.length;
        for (const { reasons } of decision.rejected) for (const { code } of reasons) seen.add(code);
      }),
      { numRuns: 1_000, seed: 1 },
    );
    expect(ranked).toBeGreaterThan(200);
    expect([...seen].sort()).toEqual([
      'certification-missing',
      'confidential-computing-missing',
      'cost-over-budget',
      'cpus-out-of-range',
      'deadline-at-risk',
      'disk-too-small',
      'gpu-mismatch',
      'infra-excluded',
      'interconnect-too-slow',
      'interruption-not-tolerated',
      'memory-out-of-range',
      'policy-forbids',
      'policy-requires',
      'price-too-high',
      'residency-violated',
      'sla-too-weak',
      'suspended',
      'unavailable',
      'work-would-be-lost',
    ]);
  });

  it('gives every offer exactly once, ranked by expected cost and then by id', () => {
    fc.assert(
      fc.property(input, (one) => {
        const { ranked, rejected } = decide(one);
        expect([...idsOf(ranked), ...idsOf(rejected)].sort()).toEqual(
          one.offers.map(({ id }) => id).sort(),
        );
        ranked.forEach((offer, index) => {
          const next = ranked[index + 1];
          if (next === undefined) return;
          expect(offer.expectedCost).toBeLessThanOrEqual(next.expectedCost);
          if (offer.expectedCost === next.expectedCost)
            expect(offer.offer.id < next.offer.id).toBe(true);
        });
        for (const { reasons } of rejected) expect(reasons.length).toBeGreaterThan(0);
      }),
      RUNS,
    );
  });

  it('does not depend on the order of offers, rules or suspensions', () => {
    const shuffled = input.chain((one) =>
      fc
        .tuple(
          fc.shuffledSubarray([...one.offers], { minLength: one.offers.length }),
          fc.shuffledSubarray([...one.policy.rules], { minLength: one.policy.rules.length }),
          fc.shuffledSubarray([...one.suspensions], { minLength: one.suspensions.length }),
        )
        .map(([offers, reordered, suspensions]) => ({
          one,
          other: { ...one, offers, suspensions, policy: { ...one.policy, rules: reordered } },
        })),
    );
    fc.assert(
      fc.property(shuffled, ({ one, other }) => {
        expect(bytes(other)).toBe(bytes(one));
      }),
      RUNS,
    );
  });

  const withdrawn = (one: DecisionInput, pick: number) => {
    const gone = one.offers[pick % Math.max(1, one.offers.length)];
    const all = decide(one);
    const rest = decide({ ...one, offers: one.offers.filter((offer) => offer !== gone) });
    return { gone, rest, left: all.ranked.filter(({ offer }) => offer !== gone), all };
  };

  it('keeps the order, the costs and the reasons of the rest when an offer is withdrawn, once there is a baseline', () => {
    fc.assert(
      fc.property(input, fc.nat(), money(20_000_000), (one, pick, pricePerHour) => {
        const baseline = { ...oldBaseline, pricePerHour };
        const { gone, rest, left, all } = withdrawn(
          { ...one, job: { ...one.job, baseline } },
          pick,
        );
        expect(rest.ranked).toEqual(left);
        expect(rest.rejected).toEqual(all.rejected.filter(({ offer }) => offer !== gone));
      }),
      RUNS,
    );
  });

  it('keeps them at a first decision as well, unless the offer was the one to fall back on', () => {
    fc.assert(
      fc.property(input, fc.nat(), (one, pick) => {
        const { gone, rest, left } = withdrawn(one, pick);
        if (gone?.providerKind !== 'hyperscaler' || gone.market !== 'on-demand')
          expect(rest.ranked).toEqual(left);
        // Even then only what failing and being late cost is different.
        const withoutRisk = ({ terms, ...ranked }: RankedOffer) => ({
          ...ranked,
          expectedCost: 0,
          terms: { ...terms, 'provider-failure': 0, lateness: 0 },
        });
        const byId = (a: RankedOffer, b: RankedOffer) => (a.offer.id < b.offer.id ? -1 : 1);
        expect([...rest.ranked].sort(byId).map(withoutRisk)).toEqual(
          [...left].sort(byId).map(withoutRisk),
        );
      }),
      RUNS,
    );
  });

  it('never gains a candidate by one more rule, and keeps the order of the rest once there is a baseline', () => {
    fc.assert(
      fc.property(input, fc.constantFrom(...rules), fc.boolean(), (one, extra, isFirst) => {
        const from = isFirst ? one : { ...one, job: { ...one.job, baseline: oldBaseline } };
        const policy = { ...one.policy, rules: [...one.policy.rules, { ...extra, id: 'test/z' }] };
        const before = idsOf(decide(from).ranked);
        const after = idsOf(decide({ ...from, policy }).ranked);
        const left = new Set(after);
        const kept = before.filter((id) => left.has(id));
        expect(isFirst ? [...after].sort() : after).toEqual(isFirst ? kept.sort() : kept);
      }),
      RUNS,
    );
  });

  it.each<[string, (spec: JobSpec) => Partial<JobSpec>]>([
    [
      'a lower price limit',
      ({ budget }) => ({ budget: { ...budget, maxPricePerHour: microUsd(1) } }),
    ],
    [
      'half the budget',
      ({ budget }) => ({
        budget: { ...budget, maxCost: microUsd(Math.floor((budget.maxCost ?? 1_000_000) / 2)) },
      }),
    ],
    ['one more regime', ({ compliance }) => ({ compliance: [...compliance, 'soc2'] })],
    ['a smaller residency', ({ residency }) => ({ residency: [residency[0] ?? 'DE'] })],
    ['no interruptions', () => ({ interruptible: false })],
    ['confidential computing', () => ({ confidential: true })],
    ['contractual availability', ({ sla }) => ({ sla: { ...sla, availabilityBps: 9_999 } })],
    [
      'half the time',
      ({ sla }) => ({
        sla: { ...sla, deadlineMs: Math.floor((sla.deadlineMs ?? 40_000_000) / 2) },
      }),
    ],
    ['more disk', ({ resources }) => ({ resources: { ...resources, diskGb: 1_000 } })],
    [
      'faster links',
      ({ resources }) => ({ resources: { ...resources, interconnect: 'infiniband' } }),
    ],
    [
      'fewer alternatives',
      ({ resources }) => ({ resources: { ...resources, gpus: resources.gpus.slice(0, 1) } }),
    ],
    [
      'one more exclusion',
      ({ infra }) => ({ infra: { ...infra, exclude: [...infra.exclude, 'aws/us-*'] } }),
    ],
  ])('never gains a candidate by %s', (_name, stricter) => {
    fc.assert(
      fc.property(input, (one) => {
        const before = new Set(idsOf(decide(one).ranked));
        const after = idsOf(decide(withSpec(one, stricter(one.job.spec))).ranked);
        expect(after.filter((id) => !before.has(id))).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('never ranks an offer lower, and never refuses it anew, because it became cheaper', () => {
    fc.assert(
      fc.property(input, fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (one, pick, cut) => {
        const target = one.offers[pick % Math.max(1, one.offers.length)];
        if (target === undefined) return;
        const pricePerHour = microUsd(Math.floor(target.pricePerHour * cut));
        const offers = one.offers.map((offer) =>
          offer === target ? { ...offer, pricePerHour } : offer,
        );
        const before = idsOf(decide(one).ranked).indexOf(target.id);
        const after = idsOf(decide({ ...one, offers }).ranked).indexOf(target.id);
        if (before >= 0) {
          expect(after).toBeGreaterThanOrEqual(0);
          expect(after).toBeLessThanOrEqual(before);
        }
      }),
      RUNS,
    );
  });

  it('prices in safe whole amounts that are never negative and add up', () => {
    fc.assert(
      fc.property(input, (one) => {
        const free: JobSpec = { ...one.job.spec, budget: { maxCost: null, maxPricePerHour: null } };
        for (const { terms, expectedCost, latenessBps } of decide(withSpec(one, free)).ranked) {
          const amounts = Object.values(terms);
          for (const amount of amounts) expect(Number.isSafeInteger(amount)).toBe(true);
          expect(Math.min(...amounts)).toBeGreaterThanOrEqual(0);
          expect(amounts.reduce((total, amount) => total + amount, 0)).toBe(expectedCost);
          expect(latenessBps).toBeGreaterThanOrEqual(0);
          expect(latenessBps).toBeLessThanOrEqual(10_000);
        }
      }),
      RUNS,
    );
  });

  it('replays to the same bytes from frozen inputs that went through storage', () => {
    fc.assert(
      fc.property(input, (one) => {
        const first = bytes(one);
        const stored = JSON.parse(
          canonicalJson({ ...one, policy: { ...one.policy, rules: [] } }),
        ) as DecisionInput;
        const replayed = deepFreeze({ ...stored, policy: one.policy });
        expect(bytes(replayed)).toBe(first);
        expect(bytes(replayed)).toBe(first);
      }),
      RUNS,
    );
  });

  it('only moves offers from ranked to refused when something is suspended', () => {
    fc.assert(
      fc.property(input, suspension, (one, extra) => {
        const before = decide(one);
        const after = decide({ ...one, suspensions: [...one.suspensions, extra] });
        const left = new Set(idsOf(after.ranked));
        expect(after.ranked).toEqual(before.ranked.filter(({ offer }) => left.has(offer.id)));
        const refusedNow = before.ranked.filter(({ offer }) => !left.has(offer.id));
        for (const { offer } of refusedNow) {
          const reasons = after.rejected.find((refused) => refused.offer === offer)?.reasons;
          expect(reasons?.map(({ code }) => code)).toEqual(['suspended']);
        }
        if (extra.fromMs > NOW_MS || extra.untilMs <= NOW_MS) expect(after).toEqual(before);
      }),
      RUNS,
    );
  });

  it('takes as baseline an on-demand hyperscaler that is refused for nothing lasting', () => {
    fc.assert(
      fc.property(input, (one) => {
        const { rejected, baseline } = decide(one);
        const lasting = new Set(
          rejected
            .filter(({ reasons }) => reasons.some(({ code }) => !temporaryRejections.has(code)))
            .map(({ offer }) => offer.id),
        );
        const fit = one.offers.filter(
          ({ id, providerKind, market }) =>
            providerKind === 'hyperscaler' && market === 'on-demand' && !lasting.has(id),
        );
        expect(baseline === null).toBe(fit.length === 0);
        if (baseline === null) return;
        expect(fit.map(({ id }) => id)).toContain(baseline.offerId);
      }),
      RUNS,
    );
  });

  it('takes the cheapest of them, where nothing but the offers themselves tells them apart', () => {
    // What finishing elsewhere would cost is added once the baseline is known; measurements weigh it differently for each.
    const alike = input.map((one) => ({
      ...one,
      job: { ...one.job, deadlineAtMs: null },
      health: {},
      ...(one.pricing && { pricing: { ...one.pricing, commitments: [] } }),
    }));
    fc.assert(
      fc.property(alike, (one) => {
        const { ranked, baseline } = decide(one);
        const reliable = ranked.filter(
          ({ offer }) => offer.providerKind === 'hyperscaler' && offer.market === 'on-demand',
        );
        const chosen = reliable.find(({ offer }) => offer.id === baseline?.offerId);
        if (chosen === undefined) return;
        const least = Math.min(...reliable.map(({ expectedCost }) => expectedCost));
        expect(chosen.expectedCost - least).toBeLessThanOrEqual(ROUNDING_MICRO_USD);
      }),
      RUNS,
    );
  });
});

describe('summarise', () => {
  it('counts what the decision holds and keeps its head', () => {
    fc.assert(
      fc.property(input, fc.nat({ max: 5 }), (one, keep) => {
        const decision = decide(one);
        const summary = summarise(decision, { ranked: keep, nearestMisses: keep, awaited: keep });
        const codes = decision.rejected.flatMap(({ reasons }) => reasons.map(({ code }) => code));
        const counted = Object.entries(summary.rejectionCounts);
        expect(summary.ranked).toEqual(decision.ranked.slice(0, keep));
        expect(summary.rankedCount).toBe(decision.ranked.length);
        expect(summary.rejectedCount).toBe(decision.rejected.length);
        for (const [code, count] of counted)
          expect(codes.filter((each) => each === code).length).toBe(count);
        expect(counted.reduce((total, [, count]) => total + count, 0)).toBe(codes.length);
        const rulesCounted = Object.values(summary.ruleCounts).reduce((a, b) => a + b, 0);
        expect(rulesCounted).toBe(codes.filter((code) => code.startsWith('policy-')).length);
        const fewest = Math.min(...decision.rejected.map(({ reasons }) => reasons.length));
        const [nearest] = summary.nearestMisses;
        if (nearest !== undefined) expect(nearest.reasons.length).toBe(fewest);
      }),
      RUNS,
    );
  });

  it('waits only for offers that nothing lasting keeps out, until the first suspension ends', () => {
    fc.assert(
      fc.property(input, (one) => {
        const decision = decide(one);
        const summary = summarise(decision);
        const waiting = decision.rejected.filter(({ reasons }) =>
          reasons.every(
            (reason) =>
              temporaryRejections.has(reason.code) &&
              !(reason.code === 'suspended' && reason.scope === 'offer-for-job'),
          ),
        );
        const ends = waiting.flatMap(({ reasons }) =>
          reasons.flatMap((reason) => (reason.code === 'suspended' ? [reason.untilMs] : [])),
        );
        expect([...summary.awaited].sort()).toEqual([...idsOf(waiting)].sort());
        expect(summary.awaitedUntilMs).toBe(ends.length === 0 ? null : Math.min(...ends));
        if (summary.awaitedUntilMs !== null) expect(summary.awaitedUntilMs).toBeGreaterThan(NOW_MS);
      }),
      RUNS,
    );
  });
});
