import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAX_BOOT_BYTES } from '#libs/contracts';
import type { Attempt, JobSpec } from '#libs/domain';
import { AdapterRegistry, type ProviderDescriptor } from '#libs/provider-kit';
import { attemptToken, EC2_USER_DATA_LIMIT_BYTES } from '#libs/supervisor';
import {
  aJob,
  anAttempt,
  anOffer,
  aSpec,
  FakeCloud,
  fakeDescriptor,
  fakeOffers,
  ManualClock,
} from '#libs/testkit';
import { MemoryTables, memoryStores } from '../../test/simulation/memory-stores';
import { SupervisedRequests, type WorkloadSettings } from './lease-requests';
import { Stage } from './testing/stage';

const HOUR_MS = 3_600_000;
const ATTEMPT = 'att-019aa5b2-4c00-7000-8000-000000000000';
const JOB = 'job-019aa5b2-4c00-7000-8000-000000000000';

const settings: WorkloadSettings = {
  controlUrl: 'https://fairlead.example.com',
  serverSecret: 'k'.repeat(43),
  secretOf: (project, name) =>
    project === 'default' && name === 'hugging-face' ? 'hf_secret' : null,
  heartbeatMs: 10_000,
};
const token = attemptToken(settings.serverSecret, ATTEMPT);

/** What a provider of this kind is asked for, for a job like this. */
function requestOf(
  spec: Partial<JobSpec>,
  descriptor: Partial<ProviderDescriptor> = {},
  attempt: Partial<Omit<Attempt, 'id' | 'jobId'>> = {},
) {
  const tables = new MemoryTables();
  const job = aJob({ id: JOB, spec: aSpec({ command: ['node', 'train.js'], ...spec }) });
  tables.jobs.set(job.id, job);
  const cloud = new FakeCloud(new ManualClock(), {
    descriptor: { ...fakeDescriptor, ...descriptor },
  });
  const { jobs } = memoryStores(tables);
  const requests = new SupervisedRequests(jobs, new AdapterRegistry([cloud]), settings);
  const offer = anOffer({ providerId: fakeDescriptor.id });
  return requests.for(anAttempt({ offer, ...attempt, id: ATTEMPT, jobId: JOB }));
}

/** Everything that travels to the provider for the workload to begin. */
async function bootTextOf(...wanted: Parameters<typeof requestOf>): Promise<string> {
  const { workload } = await requestOf(...wanted);
  return [workload.script, ...Object.values(workload.env)].join('\n');
}

const kinds = ['vm', 'container'] as const;

describe('a lease request', () => {
  it.each(kinds)(
    'for a %s is the same bytes each time, and others for another attempt',
    async (runs) => {
      const spec = { env: { B: '2', A: '1' }, secrets: { HF_TOKEN: 'hugging-face' } };
      const once = await requestOf(spec, { runs });
      expect(JSON.stringify(await requestOf(spec, { runs }))).toBe(JSON.stringify(once));
      expect(once.leaseKey).toBe(ATTEMPT);
    },
  );

  it('asks for the price that was quoted and no longer than the attempt may last', async () => {
    const offer = anOffer({ providerId: fakeDescriptor.id });
    expect(await requestOf({}, {}, { maxLeaseMs: HOUR_MS })).toMatchObject({
      offer,
      limits: { maxDurationMs: HOUR_MS, maxPricePerHour: offer.pricePerHour },
      labels: { job: JOB, project: 'default', name: 'example' },
    });
  });

  it.each<{ reason: string; maxDurationMs: number; maxLeaseMs: number; centiseconds: number }>([
    {
      reason: 'the job says so',
      maxDurationMs: HOUR_MS,
      maxLeaseMs: 2 * HOUR_MS,
      centiseconds: 360_000,
    },
    {
      reason: 'the lease ends a minute later',
      maxDurationMs: 2 * HOUR_MS,
      maxLeaseMs: HOUR_MS,
      centiseconds: 354_000,
    },
    {
      reason: 'hardly any lease is left',
      maxDurationMs: HOUR_MS,
      maxLeaseMs: 30_000,
      centiseconds: 100,
    },
  ])(
    'stops the workload after $centiseconds hundredths of a second when $reason',
    async ({ maxDurationMs, maxLeaseMs, centiseconds }) => {
      const sla = { ...aSpec().sla, maxDurationMs };
      const text = await bootTextOf({ sla }, {}, { maxLeaseMs });
      expect(text).toContain(`\nmax=${centiseconds}\n`);
    },
  );

  it('sends checkpoints as often as was settled for the lease, else as the job says', async () => {
    const checkpoint = { path: 'c', intervalMs: 600_000, sizeGb: 1 };
    expect(await bootTextOf({ checkpoint })).toContain('60000');
    const agreed = { coverage: null, checkpointEveryMs: 123_450 };
    const text = await bootTextOf({ checkpoint: { ...checkpoint, auto: true } }, {}, { agreed });
    expect(text).toContain('12345');
    expect(text).not.toContain('60000');
  });

  it('tells a node its rank, and has the first deliver for all', async () => {
    const spec = {
      nodes: 3,
      outputs: [{ path: 'model', sizeGb: 1, dataClass: 'public' as const }],
    };
    const node = (slot: number) => bootTextOf(spec, {}, { role: 'node', slot });
    const [first, last] = await Promise.all([node(0), node(2)]);
    for (const boot of [first, last]) expect(boot).toMatch(/FAIRLEAD_NODES='?3/);
    expect(last).toMatch(/FAIRLEAD_NODE_RANK='?2/);
    expect(first).toMatch(/^output 0 /m);
    expect(last).not.toMatch(/^output 0 /m);
    expect(await bootTextOf({}, {}, { role: 'replica', slot: 4 })).toMatch(/FAIRLEAD_REPLICA='?4/);
  });

  it('fetches inline inputs from the router and others from where they are', async () => {
    const input = { sizeGb: 1, dataClass: 'public' } as const;
    const text = await bootTextOf({
      inputs: [
        { ...input, path: 'a.txt', uri: 'data:text/plain,secret-bytes' },
        { ...input, path: 'b.txt', uri: 'https://example.com/b.txt' },
      ],
    });
    expect(text).toContain(`fetch 0 './a.txt'\n`);
    expect(text).toContain(`fetch 1 './b.txt' 'https://example.com/b.txt'\n`);
    expect(text).not.toContain('secret-bytes');
  });

  it.each<{ reason: string; wanted: Partial<ProviderDescriptor>; end: string }>([
    {
      reason: 'machines that are billed until they are gone',
      wanted: { runs: 'vm' },
      end: 'poweroff',
    },
    { reason: 'containers that stay ended', wanted: { restartsWorkload: false }, end: 'exit' },
    {
      reason: 'containers that are started again',
      wanted: { restartsWorkload: true },
      end: 'idle',
    },
  ])('ends in $end for $reason', async ({ wanted, end }) => {
    expect(await bootTextOf({}, wanted)).toContain(`\nonEnd=${end}\n`);
  });

  it('gives a GPU container on a machine the GPUs and enough shared memory', async () => {
    const gpu = fakeOffers.find((offer) => offer.gpu !== null);
    const withGpu = await bootTextOf({}, { runs: 'vm' }, gpu === undefined ? {} : { offer: gpu });
    expect(withGpu).toContain('--gpus all --shm-size 8192m');
    expect(await bootTextOf({}, { runs: 'vm' })).not.toContain('--gpus');
  });
});

describe('secrets', () => {
  const secrets = { HF_TOKEN: 'hugging-face' };

  it.each(kinds)('reach the workload of a %s and nothing that a person reads', async (runs) => {
    const request = await requestOf({ secrets }, { runs });
    expect(await bootTextOf({ secrets }, { runs })).toContain('hf_secret');
    expect(JSON.stringify([request.labels, request.workload.image])).not.toContain('hf_secret');
  });

  it('are not given to another project', async () => {
    await expect(requestOf({ project: 'other', secrets })).rejects.toMatchObject({
      kind: 'unsupported',
      message: 'this router holds no secret "hugging-face" for project "other"',
    });
  });

  it('that the router does not hold stop the job, by name and without a lease', async () => {
    const stage = new Stage({
      requests: {
        for: () => requestOf({ secrets: { KEY: 'unknown-one' } }),
      },
    });
    await stage.submitted();
    await stage.placed();
    expect(await stage.released()).toMatchObject({
      outcome: 'refused',
      errorKind: 'unsupported',
      errorText: 'this router holds no secret "unknown-one" for project "default"',
      billedFromMs: null,
    });
    await stage.place.run(stage.job().id);
    expect(stage.job()).toMatchObject({ state: 'failed', outcome: 'unsupported' });
    expect(stage.cloud.leases()).toEqual([]);
  });
});

describe('the token of an attempt', () => {
  it.each(kinds)('travels to the %s', async (runs) => {
    expect(await bootTextOf({}, { runs })).toContain(token);
  });

  it('is in no variable, argument or file that the workload sees', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fairlead-request-'));
    try {
      const command = ['sh', '-c', 'env; cat "/proc/$$/cmdline" | tr "\\0" " "; ls -R .'];
      const { workload } = await requestOf({ command, workingDirectory: folder });
      // The launcher alone, as the supervisor runs it once the router has said that it may.
      const script = workload.env['FAIRLEAD_BOOTSTRAP'] ?? '';
      const launcher = /launcher\(\) \{\ncat <<'(END_*)'\n([\s\S]*?)\n\1\n/.exec(script)?.[2] ?? '';
      expect(launcher).toContain('exec');
      const { stdout } = spawnSync('sh', ['-c', launcher, 'sh', folder], {
        cwd: folder,
        env: { PATH: process.env['PATH'] ?? '' },
        encoding: 'utf8',
      });
      expect(stdout).toContain(`FAIRLEAD_ATTEMPT=${ATTEMPT}`);
      expect(stdout).toContain(`FAIRLEAD_JOB=${JOB}`);
      expect(stdout).not.toContain(token);
      expect(script.split('\n').filter((line) => line.includes(token))).toEqual([
        `token='${token}'`,
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the size of a lease request', () => {
  const sizeOf = async (spec: Partial<JobSpec>, runs: (typeof kinds)[number]) =>
    Buffer.byteLength(await bootTextOf(spec, { runs }));

  it.each(kinds)('leaves seven kilobytes of EC2’s user data to a job on a %s', async (runs) => {
    expect(await sizeOf({}, runs)).toBeLessThan(EC2_USER_DATA_LIMIT_BYTES - 7_000);
  });

  it.each(kinds)(
    'fits user data for the longest shell line that a job may have: %s',
    async (runs) => {
      const line = 'a'.repeat(MAX_BOOT_BYTES - 'sh-c'.length);
      expect(await sizeOf({ command: ['sh', '-c', line] }, runs)).toBeLessThan(
        EC2_USER_DATA_LIMIT_BYTES,
      );
    },
  );
});
