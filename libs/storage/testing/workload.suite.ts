import {
  NO_REPORT,
  asAttemptId,
  asJobId,
  asOfferId,
  usd,
  type Job,
  type MicroUsd,
} from '#libs/domain';
import { BUILT_AT_MS, aJob, aSpec, anAttempt, anOffer } from '../../testkit/builders';
import type { ApiKey, ArtifactMeta, CostQuery } from '../workload-ports';
import { eachTest, submissionOf, type Open, type WorkloadStores } from './open';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (read: Uint8Array) => new TextDecoder().decode(read);

/** What workloads send, who may ask, and what finance reads. */
export function describeWorkloadStores(open: Open<WorkloadStores>): void {
  const stores = eachTest(open);

  describe('logs', () => {
    const id = asAttemptId('att-1');
    const append = (offset: number, chunk: string) =>
      stores().logs.append(id, offset, bytes(chunk), 1);
    const readAll = async () => text(await stores().logs.read(id, 0, 1_000));

    it('append, and say what is expected next', async () => {
      expect(await append(0, 'hello ')).toBe(6);
      expect(await append(6, 'world')).toBe(11);
      expect(await readAll()).toBe('hello world');
    });

    it('drop what came before, whole or in part, and refuse a gap', async () => {
      await append(0, 'hello ');
      const cases: readonly [number, string, number, string][] = [
        [0, 'hello ', 6, 'a re-send changes nothing'],
        [2, 'llo', 6, 'a part of it neither'],
        [9, 'late', 6, 'a gap is not stored'],
        [4, 'o world', 11, 'an overlap adds its tail'],
        [11, '', 11, 'nothing adds nothing'],
      ];
      for (const [offset, chunk, length, reason] of cases)
        expect([await append(offset, chunk), reason]).toEqual([length, reason]);
      expect(await readAll()).toBe('hello world');
    });

    it('read any stretch, across chunks', async () => {
      await append(0, 'abc');
      await append(3, 'def');
      await append(6, 'ghi');
      const cases: readonly [number, number, string][] = [
        [0, 2, 'ab'],
        [1, 4, 'bcde'],
        [2, 100, 'cdefghi'],
        [6, 3, 'ghi'],
        [9, 10, ''],
        [50, 10, ''],
      ];
      for (const [offset, limit, expected] of cases)
        expect(text(await stores().logs.read(id, offset, limit))).toBe(expected);
      expect(await stores().logs.read(asAttemptId('att-none'), 0, 10)).toHaveLength(0);
    });

    it('keep a stream whole when two senders send it at once', async () => {
      const whole = 'abcdefghijklmnopqrstuvwxyz';
      const send = async () => {
        let offset = 0;
        for (let tries = 0; offset < whole.length && tries < 200; tries += 1)
          offset = await append(offset, whole.slice(offset, offset + 3));
      };
      await Promise.all([send(), send(), send()]);
      expect(await readAll()).toBe(whole);
    });
  });

  describe('artifacts', () => {
    const meta: Omit<ArtifactMeta, 'sizeBytes'> = {
      jobId: asJobId('job-1'),
      kind: 'output',
      index: 0,
      attemptId: asAttemptId('att-1'),
      contentType: 'text/plain',
      atMs: 5,
    };

    it('give back their bytes and replace them as a whole', async () => {
      const put = await stores().artifacts.put(meta, bytes('first'));
      expect(put).toEqual({ ...meta, sizeBytes: 5 });
      const next = { ...meta, attemptId: asAttemptId('att-2'), atMs: 6 };
      await stores().artifacts.put(next, bytes('2nd'));
      const read = await stores().artifacts.get(meta);
      expect(read?.meta).toEqual({ ...next, sizeBytes: 3 });
      expect(text(read?.bytes ?? bytes(''))).toBe('2nd');
      expect(await stores().artifacts.get({ ...meta, index: 1 })).toBeNull();
    });

    it('are listed by index, the checkpoint last', async () => {
      for (const [kind, index] of [
        ['checkpoint', 0],
        ['output', 10],
        ['output', 2],
      ] as const)
        await stores().artifacts.put({ ...meta, kind, index }, bytes(''));
      const listed = await stores().artifacts.list(meta.jobId);
      expect(listed.map(({ kind, index }) => `${kind} ${index}`)).toEqual([
        'output 2',
        'output 10',
        'checkpoint 0',
      ]);
      expect(await stores().artifacts.list(asJobId('job-none'))).toEqual([]);
    });
  });

  describe('API keys', () => {
    const key: ApiKey = {
      id: 'key-1',
      name: 'ci',
      roles: ['submitter', 'ops'],
      projects: ['red'],
      secretDigest: 'ab12',
      createdAtMs: 1,
      createdBy: 'key-0',
      revokedAtMs: null,
    };

    it('are found by id and listed newest first', async () => {
      const newer: ApiKey = { ...key, id: 'key-2', projects: null, roles: [], createdAtMs: 2 };
      await stores().apiKeys.create(key);
      await stores().apiKeys.create(newer);
      expect(await stores().apiKeys.get('key-1')).toEqual(key);
      expect(await stores().apiKeys.get('key-none')).toBeNull();
      expect(await stores().apiKeys.list()).toEqual([newer, key]);
    });

    it('stay revoked from the first time on', async () => {
      await stores().apiKeys.create(key);
      expect(await stores().apiKeys.revoke('key-1', 7)).toBe(true);
      expect(await stores().apiKeys.revoke('key-1', 9)).toBe(true);
      expect((await stores().apiKeys.get('key-1'))?.revokedAtMs).toBe(7);
      expect(await stores().apiKeys.revoke('key-none', 9)).toBe(false);
    });
  });

  describe('cost reports', () => {
    const all: CostQuery = {
      fromMs: 0,
      toMs: Number.MAX_SAFE_INTEGER,
      projects: null,
      providerId: null,
      groupBy: [],
    };
    const report = async (query: Partial<CostQuery>, limit = 100) =>
      stores().reports.costs({ ...all, ...query }, limit);

    /** A job whose one lease of an hour cost `cost` on the day given, ended unless `open`. */
    async function charged(
      name: string,
      wanted: {
        readonly job?: Partial<Omit<Job, 'id'>>;
        readonly cost: MicroUsd;
        readonly day?: number;
        readonly providerId?: string;
        readonly gpu?: string;
        readonly open?: boolean;
      },
    ): Promise<void> {
      const job = aJob({ id: `job-${name}`, ...wanted.job });
      await stores().jobs.submit(submissionOf(job));
      const fromMs = BUILT_AT_MS + (wanted.day ?? 0) * DAY_MS;
      const toMs = fromMs + HOUR_MS;
      const gpu =
        wanted.gpu === undefined
          ? null
          : ({ model: wanted.gpu, count: 1, memoryGib: 80, interconnect: 'any' } as const);
      const attempt = anAttempt({
        id: `att-${name}`,
        jobId: job.id,
        phase: 'released',
        offer: anOffer({ providerId: wanted.providerId ?? 'acme', gpu }),
        billedFromMs: fromMs,
        billedToMs: toMs,
        report: {
          bootId: 'b',
          startedAtMs: fromMs,
          heartbeatAtMs: toMs,
          checkpointAtMs: null,
          exit: { code: 0, reason: 'exited', atMs: toMs },
        },
      });
      await stores().attempts.plan(job, attempt, []);
      const slice = { sequence: 0, fromMs, toMs, amount: wanted.cost, final: true };
      await stores().costEntries.book(attempt, job, slice, toMs);
      const stored = await stores().jobs.get(job.id);
      if (stored === null || wanted.open === true) return;
      const ended = { ...stored, state: 'succeeded', outcome: 'completed' } as const;
      await stores().jobs.update(ended, { events: [], settled: wanted.cost });
    }

    const baseline = {
      offerId: asOfferId('aws/us/x/on-demand'),
      pricePerHour: usd(4),
      billing: { incrementMs: 1_000, minimumMs: 60_000 },
    };

    it('are empty without charges', async () => {
      const empty = {
        billed: 0,
        listCost: 0,
        baseline: null,
        comparable: 0,
        leaseMs: 0,
        jobs: 0,
      };
      expect(await report({})).toEqual({ rows: [{ group: [], ...empty }], more: false });
      expect(await report({ groupBy: ['project'] })).toEqual({ rows: [], more: false });
    });

    it('compare what was billed with the baseline, for jobs that have ended with one', async () => {
      await charged('1', { cost: usd(1), job: { baseline } });
      await charged('2', { cost: usd(2) });
      await charged('3', { cost: usd(5), job: { baseline }, open: true });
      const { rows } = await report({});
      expect(rows).toEqual([
        {
          group: [],
          billed: usd(8),
          listCost: usd(8),
          baseline: usd(4),
          comparable: usd(1),
          leaseMs: 3 * HOUR_MS,
          jobs: 3,
        },
      ]);
    });

    it('group by each dimension, in its order', async () => {
      const red = { spec: aSpec({ project: 'red', costCentre: 'cc-1' }), baseline };
      await charged('1', { cost: usd(1), job: red, gpu: 'H100' });
      await charged('2', { cost: usd(2), providerId: 'zeta', day: 1 });
      const groups = async (groupBy: CostQuery['groupBy']) =>
        (await report({ groupBy })).rows.map(({ group, billed }) => [...group, billed]);
      expect(await groups(['project'])).toEqual([
        ['default', usd(2)],
        ['red', usd(1)],
      ]);
      expect(await groups(['cost-centre'])).toEqual([
        ['cc-1', usd(1)],
        [null, usd(2)],
      ]);
      expect(await groups(['gpu', 'provider'])).toEqual([
        ['H100', 'acme', usd(1)],
        [null, 'zeta', usd(2)],
      ]);
      expect(await groups(['day'])).toEqual([
        ['2026-11-21', usd(1)],
        ['2026-11-22', usd(2)],
      ]);
    });

    it('filter by time, project and provider, and say when there is more', async () => {
      await charged('1', { cost: usd(1), job: { spec: aSpec({ project: 'red' }) } });
      await charged('2', { cost: usd(2), providerId: 'zeta', day: 1 });
      await charged('3', { cost: usd(4), day: 2 });
      const billed = async (query: Partial<CostQuery>) => (await report(query)).rows[0]?.billed;
      const secondDay = { fromMs: BUILT_AT_MS + DAY_MS, toMs: BUILT_AT_MS + 2 * DAY_MS };
      expect(await billed(secondDay)).toBe(usd(2));
      expect(await billed({ projects: ['red'] })).toBe(usd(1));
      expect(await billed({ projects: [] })).toBe(0);
      expect(await billed({ providerId: anOffer({ providerId: 'zeta' }).providerId })).toBe(usd(2));
      const page = await report({ groupBy: ['day'] }, 2);
      expect([page.rows.length, page.more]).toEqual([2, true]);
      expect((await report({ groupBy: ['day'] }, 3)).more).toBe(false);
    });

    it('show what is paid for already at list price, and data on the move apart, outside of the comparison', async () => {
      await charged('1', { cost: usd(1), job: { baseline } });
      const attempt = await stores().attempts.get(asAttemptId('att-1'));
      const job = await stores().jobs.get(asJobId('job-1'));
      if (attempt === null || job === null) throw new Error('nothing was charged');
      const fromMs = BUILT_AT_MS + 10;
      const covered = { commitment: 'year', amount: usd(3), leaseMs: HOUR_MS };
      const slice = { sequence: 1, fromMs, toMs: fromMs, amount: usd(0), final: true, covered };
      await stores().costEntries.book(attempt, job, slice, fromMs);
      const transfer = { attempt, kind: 'outputs', gb: 5, amount: usd(0.5), atMs: fromMs } as const;
      await stores().costEntries.bookTransfer(transfer, job, fromMs);
      const { rows } = await report({});
      expect(rows).toMatchObject([
        { billed: usd(1.5), listCost: usd(4.5), baseline: usd(4), comparable: usd(1), jobs: 1 },
      ]);
      const groups = async (groupBy: CostQuery['groupBy']) =>
        (await report({ groupBy })).rows.map(({ group, billed, listCost }) => [
          ...group,
          billed,
          listCost,
        ]);
      expect(await groups(['kind'])).toEqual([
        ['compute', usd(1), usd(4)],
        ['outputs', usd(0.5), usd(0.5)],
      ]);
      expect(await groups(['commitment'])).toEqual([
        ['year', usd(0), usd(3)],
        [null, usd(1.5), usd(1.5)],
      ]);
    });

    it('spread a baseline over the charges of its job, so that the parts add up', async () => {
      const job = aJob({ id: 'job-1', baseline });
      await stores().jobs.submit(submissionOf(job));
      const report1 = { ...NO_REPORT, bootId: 'b', startedAtMs: 0, heartbeatAtMs: HOUR_MS };
      const first = anAttempt({ id: 'att-1', jobId: 'job-1', report: report1, phase: 'released' });
      await stores().attempts.plan(job, first, []);
      for (const [sequence, amount] of [usd(1), usd(3)].entries()) {
        const fromMs = BUILT_AT_MS + sequence * DAY_MS;
        const slice = { sequence, fromMs, toMs: fromMs + 10, amount, final: sequence === 1 };
        await stores().costEntries.book(first, job, slice, fromMs);
      }
      const ended = { ...job, revision: 1, state: 'succeeded', outcome: 'completed' } as const;
      await stores().jobs.update(ended, { events: [], settled: usd(4) });
      const { rows } = await report({ groupBy: ['day'] });
      expect(rows.map((row) => row.baseline)).toEqual([usd(1), usd(3)]);
    });
  });
}
