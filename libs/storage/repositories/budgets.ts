import { microUsd } from '#libs/domain';
import type { BudgetState } from '../ports';
import { firstRow, type Database, type Sql } from '../transaction';
import type { BudgetLimits, Budgets } from '../workload-ports';

interface BudgetRow {
  readonly project: string;
  readonly soft_limit: number | null;
  readonly hard_limit: number | null;
  readonly committed: number;
  readonly spent: number;
}

const selectState = `SELECT budget.project, soft_limit, hard_limit,
    coalesce(committed, 0) AS committed, coalesce(spent, 0) AS spent
  FROM budget LEFT JOIN budget_period p ON p.project = budget.project AND p.period = $1`;

/**
 * Inserts `budget.soft-limit` for each row of `source` (job_id, project, period, committed, soft_limit, at_ms), which holds
 * those that have just crossed. For use as a CTE of the statement in which they do.
 */
export function insertSoftLimitNews(source: string): string {
  return `INSERT INTO event (job_id, attempt_id, type, data, at_ms)
    SELECT job_id, NULL, 'budget.soft-limit', json_build_object('project', project, 'period', period,
      'committed', committed, 'softLimit', soft_limit), at_ms
    FROM ${source}`;
}

/** The UTC month of a moment, as budgets name it: `2026-11`. */
export function periodAt(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 7);
}

/** The state of a project's budget, or null when it has none. */
export async function budgetState(
  sql: Sql,
  project: string,
  period: string,
): Promise<BudgetState | null> {
  const text = `${selectState} WHERE budget.project = $2`;
  const row = await firstRow<BudgetRow>(sql, text, [period, project]);
  return row === null ? null : stateOf(row, period);
}

function stateOf(row: BudgetRow, period: string): BudgetState {
  return {
    project: row.project,
    period,
    softLimit: row.soft_limit === null ? null : microUsd(row.soft_limit),
    hardLimit: row.hard_limit === null ? null : microUsd(row.hard_limit),
    committed: microUsd(row.committed),
    spent: microUsd(row.spent),
  };
}

export class PostgresBudgets implements Budgets {
  constructor(private readonly database: Database) {}

  of(project: string, period: string): Promise<BudgetState | null> {
    return budgetState(this.database, project, period);
  }

  async list(period: string): Promise<readonly BudgetState[]> {
    const text = `${selectState} ORDER BY budget.project`;
    const rows = await this.database.rows<BudgetRow>(text, [period]);
    return rows.map((row) => stateOf(row, period));
  }

  async put({ project, softLimit, hardLimit }: BudgetLimits, nowMs: number): Promise<void> {
    await this.database.rows(
      `INSERT INTO budget (project, soft_limit, hard_limit, updated_at_ms) VALUES ($1, $2, $3, $4)
       ON CONFLICT (project) DO UPDATE SET soft_limit = excluded.soft_limit,
         hard_limit = excluded.hard_limit, updated_at_ms = excluded.updated_at_ms`,
      [project, softLimit, hardLimit, nowMs],
    );
  }
}
