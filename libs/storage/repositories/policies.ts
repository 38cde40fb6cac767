import type { PolicyDocument, PolicyMove, PolicyState } from '#libs/domain';
import {
  MAX_POLICY_EVENTS,
  Policies,
  type PolicyChange,
  type PolicyEvent,
  type PolicyKnowledge,
  type PolicySetting,
  type PolicyVersion,
  type StoredPolicyEvent,
} from '../policy-ports';
import { json, type Database, type Sql } from '../transaction';

interface PolicyRow {
  readonly document: PolicyDocument;
  readonly version: number;
  readonly created_at_ms: number;
  readonly created_by: string;
  readonly active: boolean;
  readonly activated_at_ms: number | null;
  readonly state: string;
  readonly proposed_by: string | null;
  readonly approved_by: string | null;
  readonly activate_at_ms: number | null;
}

interface EventRow {
  readonly sequence: number;
  readonly name: string;
  readonly version: number;
  readonly type: string;
  readonly from_state: string | null;
  readonly to_state: string;
  readonly made_by: string;
  readonly comment: string | null;
  readonly at_ms: number;
}

interface SettingRow {
  readonly project: string;
  readonly require_approval: boolean;
  readonly set_by: string;
  readonly set_at_ms: number;
}

const policyColumns = `document, version, created_at_ms, created_by, active, activated_at_ms, state, proposed_by,
  approved_by, activate_at_ms`;

/** Changes of policies are few, and made one after the other: each may depend on all that is in force. */
const POLICY_LOCK = `SELECT pg_advisory_xact_lock(hashtextextended('fairlead.policies', 0))`;

const write = `INSERT INTO policy_version (name, ${policyColumns})
  SELECT v->'document'->>'name', v->'document', (v->>'version')::integer, (v->>'createdAtMs')::bigint,
    v->>'createdBy', (v->>'active')::boolean, (v->>'activatedAtMs')::bigint, v->>'state', v->>'proposedBy',
    v->>'approvedBy', (v->>'activateAtMs')::bigint
  FROM json_array_elements($1::json) AS v
  ON CONFLICT (name, version) DO UPDATE SET
    active = excluded.active, activated_at_ms = excluded.activated_at_ms, state = excluded.state,
    proposed_by = excluded.proposed_by, approved_by = excluded.approved_by, activate_at_ms = excluded.activate_at_ms`;

const append = `INSERT INTO policy_event (name, version, type, from_state, to_state, made_by, comment, at_ms)
  SELECT e->>'name', (e->>'version')::integer, e->>'type', e->>'from', e->>'to', e->>'by', e->>'comment',
    (e->>'atMs')::bigint
  FROM json_array_elements($1::json) WITH ORDINALITY AS news(e, place) ORDER BY place`;

/** `$1` names, `$2` how many lines each keeps. */
const forget = `DELETE FROM policy_event USING unnest($1::text[]) AS meant(name)
  WHERE policy_event.name = meant.name AND sequence <= (
    SELECT sequence FROM policy_event AS kept WHERE kept.name = meant.name
    ORDER BY sequence DESC OFFSET $2 LIMIT 1)`;

export class PostgresPolicies extends Policies {
  constructor(private readonly database: Database) {
    super();
  }

  change<T>(
    names: readonly string[] | 'all',
    think: (known: PolicyKnowledge) => PolicyChange<T>,
  ): Promise<T> {
    return this.database.transaction(async (sql) => {
      await sql.rows(POLICY_LOCK);
      const change = think(await knowledge(sql, names));
      await store(sql, change);
      return change.answer;
    });
  }

  list(): Promise<readonly PolicyVersion[]> {
    return select(this.database, 'ORDER BY name, version DESC');
  }

  ofName(name: string): Promise<readonly PolicyVersion[]> {
    return select(this.database, 'WHERE name = $1 ORDER BY version DESC', [name]);
  }

  active(): Promise<readonly PolicyVersion[]> {
    return select(this.database, 'WHERE active ORDER BY name');
  }

  due(
    nowMs: number,
    limit: number,
  ): Promise<readonly { readonly name: string; readonly version: number }[]> {
    return this.database.rows<{ readonly name: string; readonly version: number }>(
      `SELECT name, version FROM policy_version
       WHERE state = 'scheduled' AND activate_at_ms <= $1 ORDER BY activate_at_ms, name, version LIMIT $2`,
      [nowMs, limit],
    );
  }

  async events(name: string, limit: number): Promise<readonly StoredPolicyEvent[]> {
    const rows = await this.database.rows<EventRow>(
      'SELECT * FROM policy_event WHERE name = $1 ORDER BY sequence DESC LIMIT $2',
      [name, Math.min(MAX_POLICY_EVENTS, limit)],
    );
    return rows.map(eventOf);
  }

  settings(): Promise<readonly PolicySetting[]> {
    return settingsIn(this.database);
  }

  async put({ project, requireApproval, setBy, setAtMs }: PolicySetting): Promise<void> {
    const key = project ?? '';
    if (project !== null && !requireApproval) {
      await this.database.rows('DELETE FROM policy_setting WHERE project = $1', [key]);
      return;
    }
    await this.database.rows(
      `INSERT INTO policy_setting (project, require_approval, set_by, set_at_ms) VALUES ($1, $2, $3, $4)
       ON CONFLICT (project) DO UPDATE SET require_approval = excluded.require_approval,
         set_by = excluded.set_by, set_at_ms = excluded.set_at_ms`,
      [key, requireApproval, setBy, setAtMs],
    );
  }
}

async function knowledge(sql: Sql, names: readonly string[] | 'all'): Promise<PolicyKnowledge> {
  const versions =
    names === 'all'
      ? await select(sql, 'ORDER BY name, version DESC')
      : await select(sql, 'WHERE name = ANY ($1::text[]) ORDER BY name, version DESC', [names]);
  return {
    versions,
    inForce: await select(sql, 'WHERE active ORDER BY name'),
    settings: await settingsIn(sql),
  };
}

/** What leaves force is written before what takes its place: the index that holds a name to one looks at each row. */
async function store(
  sql: Sql,
  { versions, events }: Pick<PolicyChange<unknown>, 'versions' | 'events'>,
): Promise<void> {
  for (const isInForce of [false, true]) {
    const rows = versions.filter(({ active }) => active === isInForce);
    if (rows.length > 0) await sql.rows(write, [json(rows)]);
  }
  if (events.length === 0) return;
  await sql.rows(append, [json(events)]);
  await sql.rows(forget, [namesIn(events), MAX_POLICY_EVENTS]);
}

function namesIn(events: readonly PolicyEvent[]): readonly string[] {
  return [...new Set(events.map(({ name }) => name))];
}

async function select(
  sql: Sql,
  rest: string,
  values: readonly unknown[] = [],
): Promise<readonly PolicyVersion[]> {
  const text = `SELECT ${policyColumns} FROM policy_version ${rest}`;
  return (await sql.rows<PolicyRow>(text, values)).map(versionOf);
}

function versionOf(row: PolicyRow): PolicyVersion {
  return {
    document: row.document,
    version: row.version,
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    active: row.active,
    activatedAtMs: row.activated_at_ms,
    state: row.state as PolicyState,
    proposedBy: row.proposed_by,
    approvedBy: row.approved_by,
    activateAtMs: row.activate_at_ms,
  };
}

function eventOf(row: EventRow): StoredPolicyEvent {
  return {
    sequence: row.sequence,
    name: row.name,
    version: row.version,
    type: row.type as 'create' | PolicyMove,
    from: row.from_state as PolicyState | null,
    to: row.to_state as PolicyState,
    by: row.made_by,
    comment: row.comment,
    atMs: row.at_ms,
  };
}

async function settingsIn(sql: Sql): Promise<readonly PolicySetting[]> {
  const rows = await sql.rows<SettingRow>('SELECT * FROM policy_setting ORDER BY project');
  return rows.map((row) => ({
    project: row.project === '' ? null : row.project,
    requireApproval: row.require_approval,
    setBy: row.set_by,
    setAtMs: row.set_at_ms,
  }));
}
