import { EntitySchema } from 'typeorm';
import { policyStates } from '#libs/domain';
import { columns, named, nullable, oneOf } from './columns';

export const policyVersionEntity = new EntitySchema({
  name: 'policy_version',
  columns: {
    name: columns.id,
    version: { ...columns.int, primary: true },
    // Plain `json`: people wrote it, and get it back as they wrote it.
    document: { type: 'json' },
    createdAtMs: named('created_at_ms', columns.bigint),
    createdBy: named('created_by', columns.text),
    /** Whether the state is one of those in force; repeated so that the database holds every name to one. */
    active: columns.boolean,
    activatedAtMs: named('activated_at_ms', nullable(columns.bigint)),
    state: columns.text,
    proposedBy: named('proposed_by', nullable(columns.text)),
    approvedBy: named('approved_by', nullable(columns.text)),
    activateAtMs: named('activate_at_ms', nullable(columns.bigint)),
  },
  checks: [{ name: 'policy_version_state', expression: oneOf('state', policyStates) }],
  indices: [
    { name: 'policy_version_active', columns: ['name'], unique: true, where: '"active"' },
    {
      name: 'policy_version_due',
      columns: ['activateAtMs'],
      where: `"state" = 'scheduled'::text`,
    },
  ],
});

/** Who did what to which version, and why. */
export const policyEventEntity = new EntitySchema({
  name: 'policy_event',
  columns: {
    sequence: { type: 'bigint', primary: true, generated: 'increment' },
    name: columns.text,
    version: columns.int,
    type: columns.text,
    fromState: named('from_state', nullable(columns.text)),
    toState: named('to_state', columns.text),
    madeBy: named('made_by', columns.text),
    comment: nullable(columns.text),
    atMs: named('at_ms', columns.bigint),
  },
  indices: [{ name: 'policy_event_of_name', columns: ['name', 'sequence'] }],
});

export const policySettingEntity = new EntitySchema({
  name: 'policy_setting',
  columns: {
    /** Empty for the whole installation. */
    project: columns.id,
    requireApproval: named('require_approval', columns.boolean),
    setBy: named('set_by', columns.text),
    setAtMs: named('set_at_ms', columns.bigint),
  },
});
