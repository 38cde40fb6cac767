import {
  asProviderId,
  microUsd,
  type Commitment,
  type CommitmentState,
  type CommittedQuantity,
} from '#libs/domain';
import { FORGET_ENDED_AFTER_MS, MAX_COMMITMENTS, type Commitments } from '../cost-ports';
import { json, prepared, type Database } from '../transaction';

interface CommitmentRow {
  readonly name: string;
  readonly provider_id: string;
  readonly region: string | null;
  readonly instance_type: string | null;
  readonly gpu_model: string | null;
  readonly quantity: CommittedQuantity;
  readonly from_ms: number;
  readonly until_ms: number;
  readonly used_ms: number;
  readonly used_list_cost: number;
  readonly drawing: number;
  readonly granted_ms: number;
  readonly granted_list_cost: number;
}

/** What each name's attempts draw now: grants without a bound in one unit grant nothing in it. */
const drawn = `SELECT agreed -> 'coverage' ->> 'commitment' AS name, count(*)::integer AS drawing,
    sum(greatest(coalesce((agreed -> 'coverage' ->> 'leaseMs')::numeric - booked_covered_ms, 0), 0))::bigint AS granted_ms,
    sum(greatest(coalesce((agreed -> 'coverage' ->> 'listCost')::numeric - booked_covered, 0), 0))::bigint AS granted_list_cost
  FROM attempt WHERE phase <> 'released' AND agreed IS NOT NULL
  GROUP BY 1`;

const selectStates = `SELECT c.*, coalesce(drawn.drawing, 0) AS drawing, coalesce(drawn.granted_ms, 0) AS granted_ms,
    coalesce(drawn.granted_list_cost, 0) AS granted_list_cost
  FROM commitment c LEFT JOIN (${drawn}) AS drawn ON drawn.name = c.name`;

const inForce = prepared(
  `${selectStates} WHERE c.from_ms <= $1 AND c.until_ms > $1 ORDER BY c.name`,
);
const all = prepared(`${selectStates} ORDER BY c.name`);

const put = prepared(`WITH forgotten AS (
    DELETE FROM commitment WHERE until_ms < $9::bigint - ${FORGET_ENDED_AFTER_MS} AND name <> $1
  )
  INSERT INTO commitment (name, provider_id, region, instance_type, gpu_model, quantity, from_ms, until_ms, used_ms,
    used_list_cost, updated_at_ms)
  SELECT $1, $2, $3, $4, $5, $6::jsonb, $7::bigint, $8::bigint, 0, 0, $9::bigint
  WHERE (SELECT count(*) FROM commitment WHERE name <> $1) < ${MAX_COMMITMENTS}
  ON CONFLICT (name) DO UPDATE SET provider_id = excluded.provider_id, region = excluded.region,
    instance_type = excluded.instance_type, gpu_model = excluded.gpu_model, quantity = excluded.quantity,
    from_ms = excluded.from_ms, until_ms = excluded.until_ms, updated_at_ms = excluded.updated_at_ms
  RETURNING name`);

const end = prepared(`WITH
  forgotten AS (
    DELETE FROM commitment WHERE name = $1 AND used_ms = 0 AND used_list_cost = 0 AND NOT EXISTS (
      SELECT FROM attempt WHERE phase <> 'released' AND agreed IS NOT NULL AND agreed -> 'coverage' ->> 'commitment' = $1)
    RETURNING name
  ),
  ended AS (
    UPDATE commitment SET until_ms = greatest(from_ms, least(until_ms, $2::bigint)), updated_at_ms = $2::bigint
    WHERE name = $1 AND NOT EXISTS (SELECT FROM forgotten)
    RETURNING name
  )
  SELECT name FROM forgotten UNION ALL SELECT name FROM ended`);

export class PostgresCommitments implements Commitments {
  constructor(private readonly database: Database) {}

  async inForce(nowMs: number): Promise<readonly CommitmentState[]> {
    return (await this.database.rows<CommitmentRow>(inForce, [nowMs])).map(stateOf);
  }

  async list(): Promise<readonly CommitmentState[]> {
    return (await this.database.rows<CommitmentRow>(all)).map(stateOf);
  }

  async put(commitment: Commitment, nowMs: number): Promise<boolean> {
    const { name, providerId, region, instanceType, gpuModel, quantity, fromMs, untilMs } =
      commitment;
    const rows = await this.database.rows(put, [
      name,
      providerId,
      region,
      instanceType,
      gpuModel,
      json(quantity),
      fromMs,
      untilMs,
      nowMs,
    ]);
    return rows.length > 0;
  }

  async end(name: string, nowMs: number): Promise<boolean> {
    return (await this.database.rows(end, [name, nowMs])).length > 0;
  }
}

function stateOf(row: CommitmentRow): CommitmentState {
  return {
    name: row.name,
    providerId: asProviderId(row.provider_id),
    region: row.region,
    instanceType: row.instance_type,
    gpuModel: row.gpu_model,
    quantity: row.quantity,
    fromMs: row.from_ms,
    untilMs: row.until_ms,
    usedMs: row.used_ms,
    usedListCost: microUsd(row.used_list_cost),
    drawing: row.drawing,
    grantedMs: row.granted_ms,
    grantedListCost: microUsd(row.granted_list_cost),
  };
}
