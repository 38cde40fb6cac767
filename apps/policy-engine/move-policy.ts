import {
  approvalNeeded,
  policyStep,
  versionInForce,
  type PolicyRefusal,
  type PolicyState,
  type PolicyWish,
} from '#libs/domain';
import type { Clock } from '#libs/runtime';
import {
  storable,
  type Policies,
  type PolicyChange,
  type PolicyKnowledge,
  type PolicyVersion,
} from '#libs/storage';
import { compilePolicies, type PolicyProblem } from './compile-policy';
import type { PolicyBell } from './policy-bell';

/** Who acts, and why. */
export interface PolicyActor {
  readonly by: string;
  readonly comment: string | null;
}

export type MovedPolicy =
  | {
      readonly kind: 'moved';
      /** The version that it is about as it stands now; null when a policy without one in force was to end. */
      readonly version: PolicyVersion | null;
      /** False when everything was so before. */
      readonly changed: boolean;
    }
  | {
      readonly kind: 'refused';
      readonly refusal: PolicyRefusal;
      readonly state: PolicyState | null;
    }
  /** What would be in force together does not compile. */
  | { readonly kind: 'invalid'; readonly problems: readonly PolicyProblem[] };

interface Outcome {
  readonly moved: MovedPolicy;
  readonly changed: readonly PolicyVersion[];
  readonly wasInForce: ReadonlySet<string>;
}

/** Take one policy a step further in its life. Repeating a step that was taken is harmless. */
export class MovePolicy {
  constructor(
    private readonly policies: Policies,
    private readonly bell: PolicyBell,
    private readonly clock: Clock,
  ) {}

  async run(name: string, wish: PolicyWish, actor: PolicyActor): Promise<MovedPolicy> {
    const nowMs = this.clock.nowMs();
    const { moved, changed, wasInForce } = await this.policies.change([name], (known) =>
      thought(name, wish, { ...actor, nowMs }, known),
    );
    await this.bell.ring(changed, (version) => wasInForce.has(labelOf(version)), nowMs);
    return moved;
  }
}

function thought(
  name: string,
  wish: PolicyWish,
  actor: PolicyActor & { readonly nowMs: number },
  known: PolicyKnowledge,
): PolicyChange<Outcome> {
  const wasInForce = new Set(known.inForce.map(labelOf));
  const nothing = (moved: MovedPolicy): PolicyChange<Outcome> => ({
    answer: { moved, changed: [], wasInForce },
    versions: [],
    events: [],
  });
  const needsApproval = isApprovalNeeded(known, wish);
  const step = policyStep(known.versions, wish, { ...actor, needsApproval });
  if (!step.ok) return nothing({ kind: 'refused', refusal: step.refusal, state: step.state });
  const { versions, events } = storable(name, known.versions, step);
  const after = replaced(known.versions, versions);
  const moved: MovedPolicy = {
    kind: 'moved',
    version: subjectOf(wish, after, versions),
    changed: versions.length > 0,
  };
  const problems = setProblems(known.inForce, versions);
  if (problems.length > 0) return nothing({ kind: 'invalid', problems });
  return { answer: { moved, changed: versions, wasInForce }, versions, events };
}

/** Both what is in force and what is to be are asked: neither may take a project out of the reach of its own wish. */
function isApprovalNeeded({ versions, settings }: PolicyKnowledge, wish: PolicyWish): boolean {
  const about = 'version' in wish ? wish.version : null;
  const concerned = [versionInForce(versions), versions.find(({ version }) => version === about)];
  return approvalNeeded(
    settings,
    concerned.flatMap((each) => (each === undefined ? [] : [each.document.scope])),
  );
}

/** Everything wrong with what would be in force together; nothing when no version comes in force. */
export function setProblems(
  inForce: readonly PolicyVersion[],
  changed: readonly PolicyVersion[],
): readonly PolicyProblem[] {
  const before = new Set(inForce.map(labelOf));
  if (!changed.some((version) => version.active && !before.has(labelOf(version)))) return [];
  const compiled = compilePolicies(replaced(inForce, changed).filter(({ active }) => active));
  return compiled.ok ? [] : compiled.problems;
}

/** The versions with those that are different now in their places, and new ones behind. */
export function replaced(
  known: readonly PolicyVersion[],
  changed: readonly PolicyVersion[],
): readonly PolicyVersion[] {
  const labels = new Set(changed.map(labelOf));
  return [...known.filter((version) => !labels.has(labelOf(version))), ...changed];
}

export function labelOf({ document, version }: PolicyVersion): string {
  return `${document.name}@${version}`;
}

function subjectOf(
  wish: PolicyWish,
  after: readonly PolicyVersion[],
  changed: readonly PolicyVersion[],
): PolicyVersion | null {
  if ('version' in wish) return after.find(({ version }) => version === wish.version) ?? null;
  if (wish.do === 'roll-back') return versionInForce(after) ?? null;
  return changed[0] ?? versionInForce(after) ?? null;
}
