import type { PolicyDocument } from '#libs/domain';
import type { Clock } from '#libs/runtime';
import type { Policies, PolicyVersion } from '#libs/storage';
import { compilePolicies, type PolicyProblem } from './compile-policy';

export type SavedPolicy =
  | { readonly kind: 'created'; readonly version: PolicyVersion }
  | { readonly kind: 'refused'; readonly problems: readonly PolicyProblem[] };

/** Check a policy's expressions and store it as the next version of its name, not yet in force. */
export class SavePolicy {
  constructor(
    private readonly policies: Policies,
    private readonly clock: Clock,
  ) {}

  async run(document: PolicyDocument, by: string): Promise<SavedPolicy> {
    const problems = this.check(document);
    if (problems.length > 0) return { kind: 'refused', problems };
    return {
      kind: 'created',
      version: await this.policies.create(document, by, this.clock.nowMs()),
    };
  }

  /** Every mistake at once; empty when the policy could be saved. */
  check(document: PolicyDocument): readonly PolicyProblem[] {
    const result = compilePolicies([{ document, version: 1 }]);
    return result.ok ? [] : result.problems;
  }
}
