import type { ASTNode } from '@marcbachmann/cel-js';
import type { Applies, FieldsRead, Holds } from '#libs/domain';
import type { RuleContexts } from './policy-context';
import { compileExpression, type Ask, type Subject } from './policy-expression';
import { problemIn, type DocumentPlace, type PolicyProblem } from './policy-problem';

/** One expression of a document that compiles. */
export interface Clause {
  readonly place: DocumentPlace;
  readonly source: string;
  readonly ast: ASTNode;
  readonly reads: FieldsRead;
  readonly ask: Ask;
}

/** Compiles the expressions of a document, and gathers what is wrong with them. */
export class Clauses {
  readonly problems: PolicyProblem[] = [];
  /** Every expression that compiled. */
  readonly all: Clause[] = [];

  constructor(readonly contexts: RuleContexts) {}

  /** Null when there is no expression, or it does not compile; the latter is among the problems then. */
  compile(source: string | undefined, subject: Subject, place: DocumentPlace): Clause | null {
    if (source === undefined) return null;
    const compiled = compileExpression(source, subject);
    if (compiled.ok) {
      const { ask, reads, ast } = compiled;
      const clause: Clause = { place, source, ast, reads, ask };
      this.all.push(clause);
      return clause;
    }
    this.problems.push(...compiled.findings.map((finding) => problemIn(place, source, finding)));
    return null;
  }

  /** Asks an expression over a job and the moment. A failing one gives `whenFailed`. */
  appliesBy({ ask, reads }: Clause, whenFailed: boolean): Applies {
    const { contexts } = this;
    if (!readsOf(reads, 'now')) return (job) => ask(() => contexts.ofJob(job), whenFailed);
    return (job, nowMs) => ask(() => contexts.ofJobAt(job, nowMs), whenFailed);
  }

  /** Asks an expression over a job, an offer and what is around. A failing one gives `whenFailed`. */
  holdsBy({ ask, reads }: Clause, whenFailed: boolean): Holds {
    const { contexts } = this;
    const volatile = { health: readsOf(reads, 'health'), now: readsOf(reads, 'now') };
    if (!volatile.health && !volatile.now)
      return (job, offer) => ask(() => contexts.of(job, offer), whenFailed);
    return (job, offer, around) =>
      ask(() => contexts.around(job, offer, around, volatile), whenFailed);
  }
}

/** Whether anything of a variable is read. */
export function readsOf(reads: FieldsRead, variable: string): boolean {
  return [...reads].some((field) => field === variable || field.startsWith(`${variable}.`));
}
