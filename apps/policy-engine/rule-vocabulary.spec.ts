import fc from 'fast-check';
import { decideIndexed, indexOffers, keptDecision, type PolicyRule } from '#libs/domain';
import { book, scene } from '../../libs/domain/testing/scenes';
import { goldenCases, jobOf } from '../../test/golden/golden-cases';
import { syntheticBook } from '../../test/benchmarks/offer-books';
import { ruleSet } from '../../test/benchmarks/rule-sets';
import { builtinPolicies } from './builtin/builtin-policies';
import { compilePolicies } from './compile-policy';

type Text = Pick<PolicyRule, 'when' | 'require' | 'forbid'>;

/** Between them they ask about every field of an offer and of a provider, and about some of all else. */
const texts: readonly Text[] = [
  { forbid: 'offer.id.endsWith("3") || offer.provider == "nimbus"' },
  { require: 'offer.kind != "neocloud" || provider.kind == provider.id' },
  { require: 'offer.region.startsWith("us") || offer.country in ["DE", "US"]' },
  { forbid: 'offer.market == "spot" && offer.instanceType == "shape" && offer.gpuCount > 1.0' },
  { require: 'offer.gpuModel == "H100" || offer.gpuMemoryGib < 80.0' },
  { forbid: 'offer.interconnect == "nvlink" && offer.hostedBy == ""' },
  { require: ['offer.cpus > 2.0', 'offer.memoryGib > 8.0', 'offer.diskGb > 20.0'] },
  { forbid: 'offer.interruptible && offer.pricePerHour > 1.5' },
  { when: 'job.priority > 10.0', require: 'offer.egressPerGb < 0.1 || offer.token == ""' },
  { forbid: 'offer.startupSeconds > 900.0 || offer.minimumMinutes > 30.0' },
  { require: 'offer.certifications.size() < 3 && offer.features.size() == 0' },
  { when: 'job.workload != "training"', require: 'offer.slaAvailability >= 99.0' },
  { require: 'offer.confidential || !offer.consumerHardware' },
  { forbid: 'offer.failureDomain == "elsewhere/us-east-1"' },
  { require: 'health.interruptionsPerHour < 0.03 || health.measured' },
  { when: 'now.hour >= 0.0', forbid: 'health.startupSeconds > 600.0 && offer.country == "FI"' },
  { require: 'job.outputGb < 1000.0 || offer.kind == "hyperscaler"' },
  { when: 'job.hasCheckpoint', require: 'job.priority == 50.0' },
];

const documents = fc.subarray([...texts]).map((chosen) => ({
  document: {
    kind: 'RoutingPolicy' as const,
    name: 'test',
    description: 'Rules that look at many things.',
    rules: chosen.map((text, n) => ({ ...text, id: `rule-${n}`, because: 'because' })),
    preferences: {},
    prefer: [
      {
        id: 'european',
        when: 'job.workload == "general"',
        premium: { offers: 'offer.country != "DE"', perHour: 500_000 as never },
      },
    ],
    limits: [
      { id: 'tokens', offers: 'offer.kind != "neocloud"', maxTokenShareBps: 2_000, because: 'x' },
    ],
  },
  version: 1,
}));

function compiled(versions: Parameters<typeof compilePolicies>[0]) {
  const result = compilePolicies(versions);
  if (result.ok) return result.policy;
  throw new Error(result.problems.map(({ message }) => message).join('; '));
}

describe('what rules say that they read', () => {
  it('is all that their answers depend on: an index that believes it decides as the definition does', () => {
    fc.assert(
      fc.property(
        book,
        fc.array(scene, { minLength: 1, maxLength: 2 }),
        documents,
        (all, scenes, own) => {
          const index = indexOffers(all);
          const policy = compiled([own, ...builtinPolicies]);
          for (const one of [...scenes, ...scenes])
            expect(decideIndexed(index, { ...one, policy })).toEqual(
              keptDecision({ ...one, policy }, all),
            );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('holds for lists that are longer than rules may be shown', () => {
    const [offer, ...others] = syntheticBook(12);
    if (offer === undefined) throw new Error('there is no offer');
    const features = Array.from({ length: 200 }, (_, n) => `feature-${n}`);
    const all = [{ ...offer, features }, ...others];
    const rules = [{ id: 'where', require: 'offer.country != ""', because: 'somewhere' }];
    const document = {
      kind: 'RoutingPolicy',
      name: 'a',
      description: '',
      rules,
      preferences: {},
    } as const;
    const policy = compiled([{ document, version: 1 }]);
    for (const golden of goldenCases.slice(0, 3)) {
      const one = { job: jobOf(golden), policy, health: {}, suspensions: [], nowMs: 0 };
      const kept = keptDecision(one, all);
      expect(kept.summary.ruleCounts['a/where']).toBeGreaterThan(0);
      expect(decideIndexed(indexOffers(all), one)).toEqual(kept);
    }
  });

  it('holds for the rules and the books of the benchmarks', () => {
    const all = syntheticBook(700);
    const index = indexOffers(all);
    for (const size of [10, 200]) {
      const policy = compiled([...builtinPolicies, { document: ruleSet(size), version: 1 }]);
      for (const golden of [...goldenCases, ...goldenCases]) {
        const one = { job: jobOf(golden), policy, health: {}, suspensions: [], nowMs: 0 };
        expect(decideIndexed(index, one)).toEqual(keptDecision(one, all));
      }
    }
  });
});
