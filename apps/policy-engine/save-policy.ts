import { canonicalJson, type PolicyDocument } from '#libs/domain';
import type { Clock } from '#libs/runtime';
import { draftOf, type Policies, type PolicyVersion } from '#libs/storage';
import { checkDocument } from './check-policy';
import type { PolicyProblem } from './compile-policy';

export type SavedPolicy =
  | { readonly kind: 'created'; readonly version: PolicyVersion }
  /** The newest version of its name says the same already, and is not at its end. */
  | { readonly kind: 'known'; readonly version: PolicyVersion }
  | { readonly kind: 'refused'; readonly problems: readonly PolicyProblem[] };

/** Check a policy, run its tests, and store it as the next version of its name, not yet in force. Repeatable. */
export class SavePolicy {
  constructor(
    private readonly policies: Policies,
    private readonly clock: Clock,
  ) {}

  async run(
    document: PolicyDocument,
    by: string,
    comment: string | null = null,
  ): Promise<SavedPolicy> {
    const problems = this.check(document);
    if (problems.length > 0) return { kind: 'refused', problems };
    const nowMs = this.clock.nowMs();
    return this.policies.change<SavedPolicy>([document.name], ({ versions: known }) => {
      const [latest] = known;
      if (latest !== undefined && isStillMeant(latest, document))
        return { answer: { kind: 'known', version: latest }, versions: [], events: [] };
      const { version, event } = draftOf(document, known, { by, comment, nowMs });
      return { answer: { kind: 'created', version }, versions: [version], events: [event] };
    });
  }

  /** Every mistake at once; empty when the policy could be saved. */
  check(document: PolicyDocument): readonly PolicyProblem[] {
    return checkDocument(document).problems;
  }
}

/** What has ended or was refused begins anew when somebody saves it again. */
function isStillMeant({ document, state }: PolicyVersion, wanted: PolicyDocument): boolean {
  const isOver = state === 'retired' || state === 'rejected';
  return !isOver && canonicalJson(document) === canonicalJson(wanted);
}
