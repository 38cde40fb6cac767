import type { Job } from '#libs/domain';
import type { JobRow } from '../entities/jobs';
import type { JobFilter, Page } from '../ports';
import { json, type Sql } from '../transaction';
import { jobColumns, jobOf } from './job-row';

const MAX_PAGE = 200;

interface Place {
  readonly submittedAtMs: number;
  readonly id: string;
}

/** A page of jobs, newest first; the cursor is the place of the last one shown. */
export async function listJobs(
  sql: Sql,
  filter: JobFilter,
  cursor: string | null,
  limit: number,
): Promise<Page<Job>> {
  const size = Math.max(1, Math.min(MAX_PAGE, limit));
  const { conditions, values } = whereOf(filter, cursor === null ? null : placeOf(cursor));
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const rows = await sql.rows<JobRow>(
    `SELECT ${jobColumns} FROM job ${where} ORDER BY submitted_at_ms DESC, id DESC LIMIT ${size + 1}`,
    values,
  );
  const items = rows.slice(0, size).map(jobOf);
  const last = items.at(-1);
  return { items, next: rows.length > size && last !== undefined ? cursorAt(last) : null };
}

/** Only the conditions that are asked for, so that each filter finds its index. */
function whereOf(
  { project, states, workload, label }: JobFilter,
  place: Place | null,
): { readonly conditions: readonly string[]; readonly values: readonly unknown[] } {
  const conditions: string[] = [];
  const values: unknown[] = [];
  const add = (condition: (parameter: string) => string, value: unknown) => {
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  if (project !== null) add((p) => `project = ${p}`, project);
  if (states.length > 0) add((p) => `state = ANY (${p})`, states);
  if (workload !== null) add((p) => `workload = ${p}`, workload);
  if (label !== null) add((p) => `labels @> ${p}`, json({ [label.name]: label.value }));
  if (place !== null) {
    values.push(place.submittedAtMs, place.id);
    conditions.push(`(submitted_at_ms, id) < ($${values.length - 1}, $${values.length})`);
  }
  return { conditions, values };
}

function cursorAt({ submittedAtMs, id }: Place): string {
  return Buffer.from(`${submittedAtMs} ${id}`).toString('base64url');
}

/** A cursor that was not made here is a caller's mistake. */
function placeOf(cursor: string): Place {
  const [time, id] = Buffer.from(cursor, 'base64url').toString().split(' ');
  const submittedAtMs = Number(time);
  if (id === undefined || !Number.isSafeInteger(submittedAtMs))
    throw new RangeError('not a cursor of this list');
  return { submittedAtMs, id };
}
