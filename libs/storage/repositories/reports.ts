import { microUsd } from '#libs/domain';
import type { Database } from '../transaction';
import type { CostDimension, CostQuery, CostRow, Reports } from '../workload-ports';

interface GroupRow {
  readonly dimensions: readonly (string | null)[];
  readonly billed: number;
  readonly list_cost: number;
  readonly baseline: number | null;
  readonly comparable: number;
  readonly lease_ms: number;
  readonly jobs: number;
}

/** What each dimension is of an entry `e`. A slice belongs to the day on which it begins. */
const expressions: { readonly [D in CostDimension]: string } = {
  project: 'e.project',
  'cost-centre': 'e.cost_centre',
  provider: 'e.provider_id',
  gpu: 'e.gpu_model',
  day: `to_char(to_timestamp(e.charge_from_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD')`,
  kind: 'e.kind',
  commitment: 'e.commitment',
};

const MAX_ROWS = 10_000;

/**
 * A job's baseline is one amount, priced when the job ends. A charge of the job carries the part of it that the charge is of
 * the job's cost, so that the parts add up over whatever groups and intervals a report makes. A free job's baseline is spread
 * evenly over its charges. Charges of jobs that have not ended, or had no baseline, are billed but not compared.
 */
const share = `CASE WHEN job.cost > 0 THEN job.baseline_cost * e.amount::numeric / job.cost
  ELSE job.baseline_cost::numeric / (SELECT count(*) FROM cost_entry o WHERE o.job_id = e.job_id AND o.kind = 'compute') END`;

/** A baseline is compute alone, so that data on the move is billed but not compared. */
const compared = `job.baseline_cost IS NOT NULL AND e.kind = 'compute'`;

export class PostgresReports implements Reports {
  constructor(private readonly database: Database) {}

  async costs(
    query: CostQuery,
    limit: number,
  ): Promise<{ readonly rows: readonly CostRow[]; readonly more: boolean }> {
    const size = Math.max(1, Math.min(MAX_ROWS, limit));
    const groups = query.groupBy.map((dimension) => expressions[dimension]);
    const found = await this.database.rows<GroupRow>(textFor(groups, size + 1), [
      query.fromMs,
      query.toMs,
      query.projects,
      query.providerId,
    ]);
    return { rows: found.slice(0, size).map(rowOf), more: found.length > size };
  }
}

function textFor(groups: readonly string[], limit: number): string {
  const grouped = groups.length === 0 ? '' : `GROUP BY ${groups.join(', ')}`;
  return `SELECT ARRAY[${groups.join(', ')}]::text[] AS dimensions,
      coalesce(sum(e.amount), 0)::bigint AS billed,
      coalesce(sum(e.amount + e.covered_amount), 0)::bigint AS list_cost,
      round(sum(${share}) FILTER (WHERE ${compared}))::bigint AS baseline,
      coalesce(sum(e.amount) FILTER (WHERE ${compared}), 0)::bigint AS comparable,
      coalesce(sum(e.charge_to_ms - e.charge_from_ms), 0)::bigint AS lease_ms,
      count(DISTINCT e.job_id) AS jobs
    FROM cost_entry e JOIN job ON job.id = e.job_id
    WHERE e.charge_from_ms >= $1 AND e.charge_from_ms < $2
      AND ($3::text[] IS NULL OR e.project = ANY ($3::text[]))
      AND ($4::text IS NULL OR e.provider_id = $4::text)
    ${grouped} ORDER BY dimensions LIMIT ${limit}`;
}

function rowOf(row: GroupRow): CostRow {
  return {
    group: row.dimensions,
    billed: microUsd(row.billed),
    listCost: microUsd(row.list_cost),
    baseline: row.baseline === null ? null : microUsd(row.baseline),
    comparable: microUsd(row.comparable),
    leaseMs: row.lease_ms,
    jobs: row.jobs,
  };
}
