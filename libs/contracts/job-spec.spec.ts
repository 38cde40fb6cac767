import type { JobSpec } from '#libs/domain';
import { parseJobSpec } from './parse-job-spec';

const smallest = { name: 'hello', image: 'alpine:3.22', command: ['echo', 'hello'] };

function parsed(extra: object): JobSpec {
  const result = parseJobSpec({ ...smallest, ...extra });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.spec;
}

function problems(input: unknown): readonly string[] {
  const result = parseJobSpec(input);
  return result.ok ? [] : result.problems.map(({ pointer, code }) => `${pointer} ${code}`);
}

describe('a job as people write it', () => {
  it('is complete with name, image and command', () => {
    expect(parsed({})).toEqual({
      version: 'fairlead/v1',
      name: 'hello',
      project: 'default',
      labels: {},
      costCentre: null,
      purchaseOrder: null,
      image: 'alpine:3.22',
      command: ['echo', 'hello'],
      env: {},
      secrets: {},
      workingDirectory: null,
      inputs: [],
      outputs: [],
      resources: {
        gpus: [],
        cpus: { min: 1, max: null },
        memoryGib: { min: 1, max: null },
        diskGb: 10,
        interconnect: 'any',
      },
      workload: 'general',
      dataClass: 'internal',
      compliance: [],
      residency: [],
      confidential: false,
      interruptible: true,
      checkpoint: null,
      sla: {
        deadlineMs: null,
        queueTimeoutMs: 86_400_000,
        maxDurationMs: 86_400_000,
        availabilityBps: null,
        hedgedStart: 'never',
      },
      nodes: 1,
      replicas: null,
      durationEstimateMs: 3_600_000,
      budget: { maxPricePerHour: null, maxCost: null },
      priority: 50,
      retry: { on: ['interruption', 'start-failure'], limit: 3 },
      infra: { include: [], exclude: [] },
    });
  });

  const gpuCases: readonly (readonly [unknown, unknown])[] = [
    ['H100:8', [{ model: 'H100', count: 8, memoryGib: { min: 0, max: null } }]],
    [
      'A100-80GB,H100:1',
      [
        { model: 'A100-80GB', count: 1, memoryGib: { min: 0, max: null } },
        { model: 'H100', count: 1, memoryGib: { min: 0, max: null } },
      ],
    ],
    [
      'A100,h100:4',
      [
        { model: 'A100', count: 4, memoryGib: { min: 0, max: null } },
        { model: 'H100', count: 4, memoryGib: { min: 0, max: null } },
      ],
    ],
    ['24GB..:1', [{ model: null, count: 1, memoryGib: { min: 24, max: null } }]],
    ['24..80GB:2', [{ model: null, count: 2, memoryGib: { min: 24, max: 80 } }]],
    ['NVIDIA A100:40GB:2', [{ model: 'A100', count: 2, memoryGib: { min: 40, max: 40 } }]],
    ['RTX 4090', [{ model: 'RTX4090', count: 1, memoryGib: { min: 0, max: null } }]],
    [2, [{ model: null, count: 2, memoryGib: { min: 0, max: null } }]],
    ['0', []],
  ];
  it.each(gpuCases)('understands gpus %j', (gpus, want) => {
    expect(parsed({ resources: { gpus } }).resources.gpus).toEqual(want);
  });

  const resourceCases: readonly (readonly [object, object])[] = [
    [{ cpus: '4+' }, { cpus: { min: 4, max: null } }],
    [{ cpus: '4..8' }, { cpus: { min: 4, max: 8 } }],
    [{ cpus: 4 }, { cpus: { min: 4, max: 4 } }],
    [{ memory: '32GB+' }, { memoryGib: { min: 32, max: null } }],
    [{ memory: '512MB..2GB' }, { memoryGib: { min: 0.5, max: 2 } }],
    [{ memory: '..16GiB' }, { memoryGib: { min: 0, max: 16 } }],
    [{ disk: '2TB' }, { diskGb: 2_000 }],
  ];
  it.each(resourceCases)('understands %j', (resources, want) => {
    expect(parsed({ resources }).resources).toMatchObject(want);
  });

  const durationCases = [
    ['90m', 5_400_000],
    ['4h', 14_400_000],
    ['2d', 172_800_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['1w', 604_800_000],
  ] as const;
  it.each(durationCases)('understands the duration %s', (durationEstimate, want) => {
    expect(parsed({ durationEstimate, sla: { maxDuration: '30d' } }).durationEstimateMs).toBe(want);
  });

  const moneyCases: readonly (readonly [unknown, number])[] = [
    ['$2.50', 2_500_000],
    ['2.50 USD', 2_500_000],
    ['USD 0.000001', 1],
    ['$2.50/h', 2_500_000],
    [{ amount: '0.1', currency: 'usd' }, 100_000],
    [{ amount: 2.5, currency: 'USD' }, 2_500_000],
  ];
  it.each(moneyCases)('understands the price %j', (maxPricePerHour, want) => {
    expect(parsed({ budget: { maxPricePerHour } }).budget.maxPricePerHour).toBe(want);
  });

  const service = { workload: 'inference' };
  it.each<[Record<string, unknown>, Record<string, unknown>]>([
    [{ nodes: 4 }, { nodes: 4 }],
    [{ ...service, replicas: 2 }, { replicas: { target: 2, extra: 1 } }],
    [{ ...service, replicas: { target: 3 } }, { replicas: { target: 3, extra: 1 } }],
    [{ ...service, replicas: { target: 3, extra: 0 } }, { replicas: { target: 3, extra: 0 } }],
    [{ sla: { hedgedStart: true } }, { sla: { hedgedStart: 'always' } }],
    [{ sla: { hedgedStart: false } }, { sla: { hedgedStart: 'never' } }],
    [{ sla: { hedgedStart: 'auto' } }, { sla: { hedgedStart: 'auto' } }],
  ])('understands how many machines %j asks for', (wanted, want) => {
    expect(parsed(wanted)).toMatchObject(want);
  });

  it('expands blocs, countries and aliases once each', () => {
    expect(parsed({ residency: ['benelux', 'BE', 'uk'] }).residency).toEqual([
      'BE',
      'GB',
      'LU',
      'NL',
    ]);
    expect(parsed({ residency: 'EU' }).residency).toHaveLength(27);
    expect(parsed({ residency: 'EEA' }).residency).toHaveLength(30);
  });

  it('takes places as a short list or as two', () => {
    const want = { include: ['aws/us-*'], exclude: ['akash'] };
    expect(parsed({ infra: ['aws/us-*', '!akash'] }).infra).toEqual(want);
    expect(parsed({ infra: want }).infra).toEqual(want);
  });

  it('gives a single text to the shell and appends arguments to a list', () => {
    expect(parsed({ command: 'a | b' }).command).toEqual(['sh', '-c', 'a | b']);
    expect(parsed({ command: ['a'], args: ['-b'] }).command).toEqual(['a', '-b']);
  });

  it('knows where data lies, and leaves the checkpoint interval to the router where it is told to', () => {
    const job = parsed({
      inputs: [{ path: 'a', uri: 'https://c/a', location: 'acme/north-1' }],
      outputs: [{ path: 'b', location: 'DE' }, { path: 'c' }],
      checkpoint: { path: 'd', interval: 'auto' },
    });
    expect(job.inputs[0]?.location).toBe('acme/north-1');
    expect(job.outputs.map(({ location }) => location)).toEqual(['DE', undefined]);
    expect(job.checkpoint).toEqual({ path: 'd', intervalMs: 600_000, sizeGb: 1, auto: true });
    expect(parsed({ checkpoint: { path: 'd' } }).checkpoint).not.toHaveProperty('auto');
  });

  it('keeps work that cannot stand it from being interrupted unless it checkpoints', () => {
    const checkpoint = { path: 'ck' };
    expect(parsed({ workload: 'training' }).interruptible).toBe(false);
    expect(parsed({ workload: 'training', checkpoint }).interruptible).toBe(true);
    expect(parsed({ workload: 'training', checkpoint, interruptible: false }).interruptible).toBe(
      false,
    );
    expect(parsed({ workload: 'confidential' }).confidential).toBe(true);
  });

  it('lets the longest run grow with the estimate', () => {
    expect(parsed({ durationEstimate: '3d' }).sla.maxDurationMs).toBe(6 * 86_400_000);
  });

  it('measures inline data itself', () => {
    const inputs = [{ path: 'a.txt', uri: 'data:text/plain;base64,aGVsbG8=' }];
    expect(parsed({ inputs }).inputs[0]?.sizeGb).toBe(5e-9);
  });
});

describe('what is wrong with a job', () => {
  const refusals: readonly (readonly [string, object, readonly string[]])[] = [
    ['a program without a name', { command: [''] }, ['/command/0 required']],
    ['a missing image', { image: undefined }, ['/image required']],
    ['an option for an image', { image: '--privileged' }, ['/image unreadable']],
    ['an empty command', { command: [] }, ['/command too-small']],
    ['a misspelt field', { imgae: 'x' }, ['/imgae unknown-field']],
    ['money without unit', { budget: { maxCost: '25' } }, ['/budget/maxCost unreadable']],
    ['money as a number', { budget: { maxCost: 25 } }, ['/budget/maxCost wrong-type']],
    ['another currency', { budget: { maxCost: '25 EUR' } }, ['/budget/maxCost unreadable']],
    ['a duration without unit', { durationEstimate: '90' }, ['/durationEstimate unreadable']],
    ['a number of a duration', { durationEstimate: 90 }, ['/durationEstimate wrong-type']],
    ['an unknown country', { residency: ['XX'] }, ['/residency unreadable']],
    ['an environment name', { env: { '1A': 'x' } }, ['/env/1A unreadable']],
    ['a reserved environment name', { env: { FAIRLEAD_X: 'x' } }, ['/env/FAIRLEAD_X unreadable']],
    ['a path upwards', { outputs: [{ path: '../x' }] }, ['/outputs/0/path unreadable']],
    ['a file in /', { outputs: [{ path: '/x' }] }, ['/outputs/0/path unreadable']],
    [
      'a local address',
      { inputs: [{ path: 'x', uri: 'file:///etc/passwd' }] },
      ['/inputs/0/uri unreadable'],
    ],
    [
      'credentials in an address',
      { inputs: [{ path: 'x', uri: 'https://a:b@c/d' }] },
      ['/inputs/0/uri unreadable'],
    ],
    [
      'an unknown field of an input',
      { inputs: [{ path: 'x', uri: 'https://c/d', url: 'y' }] },
      ['/inputs/0/url unknown-field'],
    ],
    ['no machine', { nodes: 0 }, ['/nodes too-small']],
    [
      'copies of a gang',
      { workload: 'inference', nodes: 2, replicas: 2 },
      ['/nodes replicas-of-gangs'],
    ],
    ['copies of work that ends', { replicas: 2 }, ['/replicas not-a-service']],
    [
      'a hedged start of many',
      { nodes: 2, sla: { hedgedStart: true } },
      ['/sla/hedgedStart hedged-start-of-many'],
    ],
    [
      'a deadline before the end',
      { durationEstimate: '4h', sla: { deadline: '2h' } },
      ['/sla/deadline deadline-before-end'],
    ],
    [
      'a cut-off',
      { durationEstimate: '4h', sla: { maxDuration: '2h' } },
      ['/sla/maxDuration cut-off-before-end'],
    ],
    [
      'FedRAMP in Europe',
      { compliance: ['fedramp-high'], residency: 'EU' },
      ['/residency fedramp-outside-us'],
    ],
    [
      'health data in an internal job',
      { inputs: [{ path: 'x', uri: 'https://c/d', dataClass: 'health' }] },
      ['/inputs/0/dataClass data-class-too-low'],
    ],
    [
      'a second spelling of a secret',
      { secrets: { A: 'hugging_face' } },
      ['/secrets/A unreadable'],
    ],
    ['capitals in a secret', { secrets: { A: 'Hugging-face' } }, ['/secrets/A unreadable']],
    ['a name twice', { env: { A: '1' }, secrets: { A: 'b' } }, ['/secrets/A contradiction']],
    ['a priority', { priority: 101 }, ['/priority too-large']],
    ['a workload class', { workload: 'trainning' }, ['/workload not-allowed']],
    ['an entry of a list', { infra: { include: ['a b'] } }, ['/infra/include/0 unreadable']],
    [
      'a bloc as the place of data',
      { inputs: [{ path: 'x', uri: 'https://c/d', location: 'EU' }] },
      ['/inputs/0/location unreadable'],
    ],
    [
      'an interval',
      { checkpoint: { path: 'c', interval: 'always' } },
      ['/checkpoint/interval unreadable'],
    ],
    [
      'too much inline',
      { inputs: [{ path: 'x', uri: `data:,${'a'.repeat(262_145)}` }] },
      ['/inputs too-large'],
    ],
    ['too long a command', { command: ['sh', '-c', 'x'.repeat(7_000)] }, ['/command too-large']],
  ];
  it.each(refusals)('names %s', (_reason, extra, want) => {
    expect(problems({ ...smallest, ...extra })).toEqual(want);
  });

  it('tells everything at once, contradictions between readable fields included', () => {
    const input = {
      name: 'a b',
      command: ['x'],
      imgae: 'y',
      durationEstimate: '4h',
      sla: { deadline: '1h' },
      budget: { maxCost: 3 },
    };
    expect([...problems(input)].sort()).toEqual([
      '/budget/maxCost wrong-type',
      '/image required',
      '/imgae unknown-field',
      '/name unreadable',
      '/sla/deadline deadline-before-end',
    ]);
  });

  it('suggests the field that was meant, at every depth', () => {
    const result = parseJobSpec({ ...smallest, costCenter: 'x', resources: { gpu: 'H100' } });
    const remedies = result.ok ? [] : result.problems.map(({ remedy }) => remedy);
    expect([...remedies].sort()).toEqual(['did you mean "costCentre"?', 'did you mean "gpus"?']);
  });

  it('gives every problem a message and a remedy', () => {
    for (const [, extra] of refusals) {
      const result = parseJobSpec({ ...smallest, ...extra });
      const found = result.ok ? [] : result.problems;
      expect(found.every(({ message, remedy }) => message !== '' && remedy !== '')).toBe(true);
    }
  });
});
