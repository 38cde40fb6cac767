import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ensureDist, Child, tempFolder, removeFolders, stopChildren, REPOSITORY } from './child';
import { workloadsUnder } from './processes';

const DEMO_LIMIT_MS = 90_000;
jest.setTimeout(DEMO_LIMIT_MS + 60_000);

const resultSchema = z.object({
  jobs: z.array(
    z.object({
      name: z.string(),
      workload: z.string(),
      providersTried: z.array(z.string()).min(1),
      attempts: z.int().min(1),
      outcome: z.string(),
      exitCode: z.int(),
      costMicroUsd: z.int().min(1),
      baselineMicroUsd: z.int().min(1),
    }),
  ),
  leasesLeft: z.int(),
  ok: z.boolean(),
});

beforeAll(ensureDist);
afterAll(async () => {
  await stopChildren();
  await removeFolders();
});

it('runs everything for real, loses a machine on the way, and leaves nothing behind', async () => {
  const folder = await tempFolder();
  symlinkSync(join(REPOSITORY, 'examples'), join(folder, 'examples'));
  const startedMs = performance.now();
  const demo = new Child('standalone/demo', { cwd: folder, args: ['--json'] });
  const code = await demo.exited(DEMO_LIMIT_MS);
  const tookMs = performance.now() - startedMs;
  expect([code, demo.err.slice(-2_000)]).toEqual([0, expect.stringContaining('leases left')]);
  expect(tookMs).toBeLessThan(DEMO_LIMIT_MS);

  const { jobs, leasesLeft, ok } = resultSchema.parse(JSON.parse(demo.out));
  expect({ leasesLeft, ok }).toEqual({ leasesLeft: 0, ok: true });
  expect(jobs.length).toBeGreaterThanOrEqual(8);
  expect(new Set(jobs.map(({ name }) => name)).size).toBe(jobs.length);
  expect(new Set(jobs.flatMap(({ providersTried }) => providersTried)).size).toBeGreaterThan(1);
  const named = (name: string) => jobs.find((job) => job.name === name);
  expect(named('training')?.attempts).toBeGreaterThanOrEqual(2);
  expect(named('training')).toMatchObject({ outcome: 'completed', exitCode: 0 });
  expect(named('failing')).toMatchObject({ outcome: 'workload-failed', exitCode: 3 });
  expect(demo.err).toMatch(/resumed from epoch \d+/);
  expect(workloadsUnder(folder)).toEqual([]);
});
