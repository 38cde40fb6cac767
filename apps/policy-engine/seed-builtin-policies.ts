import {
  approvalNeeded,
  canonicalJson,
  policyInForce,
  policyStep,
  POLICY_SYSTEM_AUTHOR,
  type PolicyDocument,
} from '#libs/domain';
import type { Clock } from '#libs/runtime';
import {
  draftOf,
  storable,
  type Policies,
  type PolicyChange,
  type PolicyKnowledge,
  type PolicyVersion,
} from '#libs/storage';
import { builtinPolicies, predecessorOf, succeeded } from './builtin/builtin-policies';

/**
 * Puts the shipped policies in force at start. A shipped text that has changed becomes a new version, which takes over only
 * where the one before it was in force: who has switched a built-in policy off, or replaced it, keeps it that way, also
 * where it is shipped in several parts now. Where
 * changes need a second person, a new text waits for one; the first set does not, since before it there is nothing. What is
 * no longer shipped ends, unless somebody has made it their own.
 */
export class SeedBuiltinPolicies {
  constructor(
    private readonly policies: Policies,
    private readonly clock: Clock,
  ) {}

  /** All of it or nothing, and once however many processes start together. */
  async run(): Promise<void> {
    const names = builtinPolicies.map(({ document }) => document.name);
    const nowMs = this.clock.nowMs();
    await this.policies.change([...names, ...Object.keys(succeeded)], (known) => {
      const dropped = known.inForce.filter(
        ({ document, createdBy }) =>
          createdBy === POLICY_SYSTEM_AUTHOR && !names.includes(document.name),
      );
      const changes = [
        ...builtinPolicies.map(({ document }) => seeded(document, known, nowMs)),
        ...dropped.map((version) => ended(version, known, nowMs)),
      ];
      return {
        answer: null,
        versions: changes.flatMap(({ versions }) => versions),
        events: changes.flatMap(({ events }) => events),
      };
    });
  }
}

type Seeded = Pick<PolicyChange<null>, 'versions' | 'events'>;
const NOTHING: Seeded = { versions: [], events: [] };

/** Whether a new name was part of a shipped policy before that somebody has switched off or replaced. */
function hasPredecessorOff(name: string, { versions }: PolicyKnowledge): boolean {
  const before = versions.filter(({ document }) => document.name === predecessorOf(name));
  const shipped = before.find(({ createdBy }) => createdBy === POLICY_SYSTEM_AUTHOR);
  return before.length > 0 && !isInForce(shipped);
}

/** What the shipped text of one name comes to. */
function seeded(document: PolicyDocument, known: PolicyKnowledge, nowMs: number): Seeded {
  const versions = known.versions.filter((version) => version.document.name === document.name);
  const shipped = versions.find(({ createdBy }) => createdBy === POLICY_SYSTEM_AUTHOR);
  if (shipped !== undefined && canonicalJson(shipped.document) === canonicalJson(document))
    return NOTHING;
  const actor = { by: POLICY_SYSTEM_AUTHOR, comment: 'shipped with this release', nowMs };
  const draft = draftOf(document, versions, actor);
  const isFirst = versions.length === 0;
  if (isFirst ? hasPredecessorOff(document.name, known) : !isInForce(shipped))
    return { versions: [draft.version], events: [draft.event] };
  const needsApproval =
    !isFirst && approvalNeeded(known.settings, [document.scope, shipped?.document.scope]);
  const { version } = draft.version;
  const all = [draft.version, ...versions];
  const step = policyStep(
    all,
    needsApproval
      ? { do: 'submit', version, atMs: nowMs }
      : { do: 'activate', version, atMs: null },
    { ...actor, needsApproval },
  );
  if (!step.ok) throw new Error(`a shipped policy cannot take effect: ${step.refusal}`);
  const moved = storable(document.name, all, step);
  return { versions: moved.versions, events: [draft.event, ...moved.events] };
}

function ended(version: PolicyVersion, { settings }: PolicyKnowledge, nowMs: number): Seeded {
  const { name, scope } = version.document;
  const needsApproval = approvalNeeded(settings, [scope]);
  const actor = { by: POLICY_SYSTEM_AUTHOR, comment: 'no longer shipped', nowMs };
  const step = policyStep([version], { do: 'retire' }, { ...actor, needsApproval });
  return step.ok ? storable(name, [version], step) : NOTHING;
}

function isInForce(version: PolicyVersion | undefined): boolean {
  return version !== undefined && policyInForce.has(version.state);
}
