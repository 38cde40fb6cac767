import type { PolicyDocument } from '#libs/domain';
import { analyse } from './analyse-policy';
import { compileDocument } from './compile-document';
import { compilePolicies } from './compile-policy';
import { RuleContexts } from './policy-context';
import { problemIn, type PolicyProblem } from './policy-problem';
import { strangeWords } from './policy-words';
import { runPolicyTests } from './run-policy-tests';

/** What was found in a policy: problems refuse it, warnings do not. */
export interface PolicyFindings {
  readonly problems: readonly PolicyProblem[];
  readonly warnings: readonly PolicyProblem[];
}

/**
 * Everything that can be said of a document by itself: what does not compile, words that never occur, what follows from its
 * expressions (see `analyse`), and, once it compiles, which of its tests fail. Bounded in time whatever is written.
 */
export function checkDocument(document: PolicyDocument): PolicyFindings {
  const compiled = compilePolicies([{ document, version: 1 }]);
  const parts = compileDocument(document, new RuleContexts());
  const { problems, warnings } = analyse(parts);
  return {
    problems: [
      ...(compiled.ok ? [] : compiled.problems),
      ...parts.clauses.flatMap(({ place, source, ast }) =>
        strangeWords(ast).map((finding) => problemIn(place, source, finding)),
      ),
      ...problems,
      ...(compiled.ok ? runPolicyTests(document, compiled.policy) : []),
    ],
    warnings,
  };
}
