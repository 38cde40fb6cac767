import fc from 'fast-check';
import {
  asJobId,
  circumstances,
  reliabilityOf,
  usd,
  ZERO_USD,
  type JobFacts,
  type JobSpec,
  type Offer,
  type PolicyRule,
} from '#libs/domain';
import { fakeOffer } from '#libs/testkit';
import { builtinPolicies } from './builtin/builtin-policies';
import {
  BUILTIN_PREFIX,
  compilePolicies,
  type PolicyCompilation,
  type PolicyProblem,
} from './compile-policy';
import { MAX_VISITS } from './policy-bounds';
import {
  HealthContext,
  JobContext,
  NowContext,
  OfferContext,
  ProviderContext,
} from './policy-context';
import {
  healthFields,
  jobFields,
  nowFields,
  offerFields,
  providerFields,
  type FieldDeclaration,
} from './policy-fields';

const spec: JobSpec = {
  version: 'fairlead/v1',
  name: 'probe',
  project: 'research',
  labels: { team: 'vision' },
  costCentre: null,
  purchaseOrder: null,
  image: 'node:24',
  command: [],
  env: {},
  secrets: {},
  workingDirectory: null,
  inputs: [],
  outputs: [],
  resources: {
    gpus: [{ model: 'H100', count: 8, memoryGib: { min: 0, max: null } }],
    cpus: { min: 0, max: null },
    memoryGib: { min: 0, max: null },
    diskGb: 0,
    interconnect: 'any',
  },
  workload: 'training',
  dataClass: 'internal',
  compliance: ['hipaa', 'soc2'],
  residency: [],
  confidential: false,
  interruptible: true,
  checkpoint: null,
  sla: {
    deadlineMs: null,
    queueTimeoutMs: 1,
    maxDurationMs: 1,
    availabilityBps: 9_990,
    hedgedStart: 'never',
  },
  nodes: 1,
  replicas: null,
  durationEstimateMs: 4 * 3_600_000,
  budget: { maxPricePerHour: null, maxCost: null },
  priority: 50,
  retry: { on: [], limit: 0 },
  infra: { include: [], exclude: [] },
};

/** A Wednesday evening. */
const NOW_MS = Date.parse('2027-01-06T18:30:00Z');
const AROUND = circumstances(NOW_MS, {});

const jobWith = (over: Partial<JobSpec> = {}): JobFacts => ({
  id: asJobId('job-1'),
  spec: { ...spec, ...over },
  deadlineAtMs: null,
  spent: ZERO_USD,
});

const offer: Offer = fakeOffer({
  instanceType: 'h100',
  certifications: ['hipaa'],
  slaBps: 9_990,
  country: null,
  gpu: { model: 'H100', count: 8, memoryGib: 80, interconnect: 'nvlink' },
});

type Parts = Partial<Pick<PolicyRule, 'when' | 'require' | 'forbid'>>;

const compile = (...rules: readonly Parts[]): PolicyCompilation =>
  compilePolicies([
    {
      version: 3,
      document: {
        kind: 'RoutingPolicy',
        name: 'acme',
        description: '',
        rules: rules.map((parts, index) => ({ id: `r${index}`, because: 'so', ...parts })),
        preferences: {},
      },
    },
  ]);

function problemsOf(parts: Parts): readonly PolicyProblem[] {
  const result = compile(parts);
  return result.ok ? [] : result.problems;
}

/** The only rule of a policy that must compile. */
function ruleOf(parts: Parts) {
  const result = compile(parts);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  const [rule] = result.policy.rules;
  if (rule === undefined) throw new Error('no rule');
  return rule;
}

const holds = (require: string, job = jobWith(), about = offer) =>
  ruleOf({ require }).holds(job, about, AROUND);

describe('what a rule can ask', () => {
  it.each([
    ['job.workload == "training"', true],
    ['job.durationHours == 4.0 && job.gpuCount >= 8', true],
    ['job.slaAvailability == 99.9 && offer.slaAvailability == 99.9', true],
    ['job.compliance.all(c, c in offer.certifications)', false],
    ['job.compliance.exists(c, c in offer.certifications)', true],
    ['"team" in job.labels && job.labels["team"].startsWith("vis")', true],
    ['has(job.labels.owner)', false],
    ['offer.pricePerHour < 0.21', true],
    ['offer.country == ""', true],
    ['offer.gpuModel.contains("100") && offer.interconnect == "nvlink"', true],
    ['provider.kind == offer.kind && provider.id == "memory"', true],
    ['size(offer.features) == 0', true],
    ['now.hour == 18.0 && now.minute == 30.0 && now.weekday == "wednesday"', true],
    ['now.date >= "2027-01-06" && now.timestamp < "2027-01-06T19"', true],
    ['now.epochHours > 499000.0', true],
    ['!health.measured && health.measuredHours == 0.0', true],
    ['health.interruptionsPerHour > 0.0 && health.calmHour > 90.0', true],
    ['health.startupSeconds == offer.startupSeconds', true],
    ['job.nodes == 1.0 && job.replicas == 0.0 && job.checkpointMinutes == 0.0', true],
    ['offer.failureDomain == "memory/north" && offer.hostedBy == ""', true],
    ['offer.gpuCount / job.gpuCount * 2.0 == 2.0', true],
  ])('%s is %s', (require, expected) => {
    expect(holds(require)).toBe(expected);
  });

  it('sees the data classes of inputs and outputs as well as of the job', () => {
    const inputs = [{ path: 'in', uri: 'https://x', sizeGb: 1, dataClass: 'health' }] as const;
    expect(holds('job.dataClasses == ["health", "internal"]', jobWith({ inputs }))).toBe(true);
  });

  it('shows every declared field of every variable with its declared type, and no other', () => {
    const typeOf = (value: unknown) =>
      Array.isArray(value)
        ? 'list<string>'
        : ({ string: 'string', boolean: 'bool', number: 'double' }[typeof value as string] ??
          'map<string, string>');
    const shown = (context: object) =>
      Object.fromEntries(Object.entries(context).map(([name, value]) => [name, typeOf(value)]));
    const declared = (fields: Readonly<Record<string, FieldDeclaration>>) =>
      Object.fromEntries(Object.entries(fields).map(([name, { type }]) => [name, type]));
    expect(shown(new JobContext(jobWith()))).toEqual(declared(jobFields));
    expect(shown(new OfferContext(offer))).toEqual(declared(offerFields));
    expect(shown(new ProviderContext(offer))).toEqual(declared(providerFields));
    expect(shown(new HealthContext(reliabilityOf(offer, {})))).toEqual(declared(healthFields));
    expect(shown(new NowContext(NOW_MS))).toEqual(declared(nowFields));
  });

  it('asks `when` of the job alone', () => {
    const rule = ruleOf({ when: 'job.workload == "rendering"', require: 'true' });
    expect(rule.applies(jobWith(), NOW_MS)).toBe(false);
    expect(rule.applies(jobWith({ workload: 'rendering' }), NOW_MS)).toBe(true);
  });
});

describe('mistakes are found when a policy is saved', () => {
  it.each<[Parts, string, string]>([
    [
      { require: 'offer.regoin == "eu"' },
      'unknown field `offer.regoin`',
      'did you mean `offer.region`?',
    ],
    [
      { require: 'offer.workload == "x"' },
      'unknown field `offer.workload`',
      'did you mean `job.workload`?',
    ],
    [
      { require: 'has(offer.nothingLikeIt)' },
      'unknown field `offer.nothingLikeIt`',
      'use one of `offer.id`',
    ],
    [{ require: 'ofer.region == "eu"' }, 'unknown variable `ofer`', 'did you mean `offer`?'],
    [
      { when: 'offer.confidential', require: 'true' },
      '`offer` is not known here',
      'ask it in require or forbid, or in offers',
    ],
    [{ require: 'offer["reg" + "ion"] == "eu"' }, '`offer` cannot be indexed', 'name the field'],
    [{ require: 'offer.region == 3.0' }, 'string == double', 'same type'],
    [{ require: 'offer.gpuCount == 8' }, 'double == int', 'write numbers with a decimal point'],
    [{ require: 'offer.region' }, 'gives string, a rule needs true or false', 'compare it'],
    [{ require: 'offer.region == ' }, 'cannot be read', 'write one CEL expression'],
    [{ require: 'offer.region == "eu" "x"' }, 'cannot be read', 'write one CEL expression'],
    [{ require: '' }, 'cannot be read', 'write one CEL expression'],
    [{ require: 'offer.region.matches("^(a+)+$")' }, '`matches` is not available', 'startsWith'],
    [{ require: 'cel.bind(x, 1, x == 1)' }, '`bind` is not available', 'use one of'],
    [{ require: 'timestamp(0) == 1' }, '`timestamp` is not available', 'use one of'],
    [{ require: '{"a": 1}.a == 1' }, 'maps cannot be written', 'use a list'],
    [
      { require: 'job.compliance.map(c, c + c).size() == 1' },
      '`+` is not available inside loops',
      'one by one',
    ],
    [
      { require: 'job.compliance.all(a, job.compliance.all(b, job.compliance.all(c, a == b)))' },
      'nests loops more than 2 deep',
      'split the rule',
    ],
    [
      { require: 'job.residency.all(a, job.residency.all(b, a == b))' },
      'may take',
      'nest fewer loops',
    ],
    [
      { require: Array.from({ length: 200 }, () => 'true').join(' && ') },
      'cannot be read: Exceeded maxAstNodes',
      'CEL',
    ],
    [{ require: `${'('.repeat(500)}true${')'.repeat(500)}` }, 'cannot be read', 'CEL'],
    [{ require: `${' '.repeat(4_000)}true` }, 'the limit is 4000', 'split it'],
    [{}, 'has neither require nor forbid', 'add the one that is missing'],
  ])('%j', (parts, message, remedy) => {
    expect(problemsOf(parts)).toEqual([
      expect.objectContaining({
        policy: 'acme',
        ruleId: 'r0',
        message: expect.stringContaining(message),
        remedy: expect.stringContaining(remedy),
      }),
    ]);
  });

  it('reports all of them at once, each with its line and column', () => {
    const result = compile(
      { when: 'job.workloud == "x"', require: 'offer.regoin == "eu" &&\n  offer.kindd == "x"' },
      { require: 'true' },
      { forbid: 'offer.region' },
    );
    expect(result.ok ? [] : result.problems).toMatchObject([
      { ruleId: 'r0', field: 'when', position: { line: 1, column: 5 } },
      { ruleId: 'r0', field: 'require', position: { line: 1, column: 7 } },
      { ruleId: 'r0', field: 'require', position: { line: 2, column: 9 } },
      { ruleId: 'r2', field: 'forbid', position: { line: 1, column: 1 } },
    ]);
  });

  it('lets a loop variable hide a variable of ours', () => {
    expect(problemsOf({ require: 'job.compliance.all(offer, offer == "hipaa")' })).toEqual([]);
  });

  it('refuses names that occur twice', () => {
    const [first] = builtinPolicies;
    if (first === undefined) throw new Error('no built-in policy');
    const result = compilePolicies([first, first]);
    expect(result.ok ? [] : result.problems).toMatchObject([
      { policy: first.document.name, ruleId: null, field: 'name' },
    ]);
  });
});

describe('a rule that fails refuses', () => {
  const failing = 'job.labels["absent"] == "x"';

  it('whichever way it is written', () => {
    expect(ruleOf({ require: failing }).holds(jobWith(), offer, AROUND)).toBe(false);
    expect(ruleOf({ forbid: failing }).holds(jobWith(), offer, AROUND)).toBe(true);
    expect(ruleOf({ forbid: `!(${failing})` }).holds(jobWith(), offer, AROUND)).toBe(true);
    expect(ruleOf({ when: failing, require: 'false' }).applies(jobWith(), NOW_MS)).toBe(true);
  });

  it('when a list is longer than rules may be shown', () => {
    const certifications = Array.from({ length: 33 }, () => 'soc2' as const);
    const crowded = { ...offer, certifications };
    expect(ruleOf({ forbid: 'offer.confidential' }).holds(jobWith(), crowded, AROUND)).toBe(true);
    const labels = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 'v']));
    expect(ruleOf({ when: 'false', require: 'true' }).applies(jobWith({ labels }), NOW_MS)).toBe(
      true,
    );
  });

  it('and a label called like a member of every object is just a label', () => {
    expect(holds('"constructor" in job.labels || has(job.labels.toString)')).toBe(false);
  });
});

describe('evaluation is bounded', () => {
  it('answers the dearest rule that is accepted, over the longest lists, in bounded steps', () => {
    const residency = Array.from({ length: 256 }, (_, index) => `C${index}`);
    const dear = 'job.residency.all(a, a in job.residency && a != "x")';
    const cheap = 'job.labels.all(a, job.labels.all(b, a != "" && b != ""))';
    expect(problemsOf({ require: dear })).toMatchObject([
      { message: expect.stringContaining(`the limit is ${MAX_VISITS}`) },
    ]);
    expect(problemsOf({ require: cheap })).toMatchObject([
      { message: expect.stringContaining('may take') },
    ]);
    expect(holds('job.residency.all(a, a != "x" && a.size() > 0)', jobWith({ residency }))).toBe(
      true,
    );
  });

  it('never throws, whatever is written and whatever it is asked about', () => {
    const word = fc.constantFrom(
      'job',
      'offer',
      '.',
      'labels',
      'residency',
      'gpuCount',
      'region',
      '"x"',
      '1.0',
      '2',
      '(',
      ')',
      '[',
      ']',
      '==',
      '<',
      '&&',
      '||',
      '!',
      '+',
      '/',
      'in',
      '.all(a, ',
      '.map(b, ',
      'a',
      'b',
      ',',
      '?',
      ':',
      'size',
      'has',
      '-',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 14 }), (words) => {
        const result = compile({ require: words.join(' ') }, { forbid: words.join('') });
        if (!result.ok) return;
        for (const rule of result.policy.rules)
          expect(typeof rule.holds(jobWith(), offer, AROUND)).toBe('boolean');
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('policies together', () => {
  it('carry their versions, sorted, and overrule built-in preferences field by field, in any order', () => {
    const own = {
      version: 7,
      document: {
        kind: 'RoutingPolicy' as const,
        name: 'acme',
        description: '',
        rules: [],
        preferences: { training: { latenessToleranceBps: 1, latenessCost: usd(7) } },
      },
    };
    expect(builtinPolicies.every(({ document }) => document.name.startsWith(BUILTIN_PREFIX))).toBe(
      true,
    );
    const result = compilePolicies([own, ...builtinPolicies]);
    const other = compilePolicies([...builtinPolicies].reverse().concat(own));
    if (!result.ok || !other.ok) throw new Error('must compile');
    expect(other.policy.preferences).toEqual(result.policy.preferences);
    expect(result.policy.version).toBe(
      `acme@7,${builtinPolicies.map(({ document }) => `${document.name}@1`).join(',')}`,
    );
    const training = { waitingCostPerHour: usd(5), latenessCost: usd(7), latenessToleranceBps: 1 };
    expect(result.policy.preferences.training).toEqual(training);
  });
});
