import { Pool } from 'pg';
import { UuidIds } from '#libs/runtime';
import type { Bench } from './bench';
import { timeTogether, type Timing } from './measure';
import { sampleJob } from './sample-job';

/** The least that intake has to do: one row of the sample job into a table with the columns and indexes of `job`. */
export interface BareInsert {
  run(count: number): Promise<Timing>;
}

const columns = [
  'id',
  'project',
  'workload',
  'labels',
  'spec',
  'submitted_at_ms',
  'submitted_by',
  'state',
  'line_key',
  'revision',
  'due_at_ms',
];

const statement = {
  name: 'bare-insert',
  text: `INSERT INTO bare_job (${columns.join(', ')}) VALUES (${columns.map((_, n) => `$${n + 1}`).join(', ')})`,
};

/** Connects `width` times: as many rows are under way. Each is committed, and so flushed to disk, for itself. */
export async function openBareInsert(
  url: string,
  width: number,
  bench: Pick<Bench, 'atEnd'>,
): Promise<BareInsert> {
  const pool = new Pool({ connectionString: url, max: width });
  bench.atEnd(() => pool.end());
  await pool.query('CREATE TABLE bare_job (LIKE job INCLUDING ALL)');
  const ids = new UuidIds();
  return {
    run: (count) =>
      timeTogether(count, width, () =>
        pool.query({ ...statement, values: valuesOf(ids.next('job')) }),
      ),
  };
}

function valuesOf(id: string): unknown[] {
  const job = sampleJob(id, Date.now());
  const { spec } = job;
  return [
    id,
    spec.project,
    spec.workload,
    JSON.stringify(spec.labels),
    JSON.stringify(spec),
    job.submittedAtMs,
    job.submittedBy,
    job.state,
    job.lineKey,
    job.revision,
    job.dueAtMs,
  ];
}
