import {
  Environment,
  EvaluationError,
  ParseError,
  TypeError as CelTypeError,
  type ASTNode,
  type ParseResult,
} from '@marcbachmann/cel-js';
import type { FieldsRead } from '#libs/domain';
import {
  boundsOf,
  fieldsRead,
  MAX_DEPTH,
  MAX_EXPRESSION_LENGTH,
  MAX_LIST_LITERAL,
  MAX_NODES,
  type Finding,
} from './policy-bounds';
import {
  HealthContext,
  JobContext,
  NowContext,
  OfferContext,
  ProviderContext,
  type RuleContext,
} from './policy-context';
import {
  healthFields,
  jobFields,
  nowFields,
  offerFields,
  providerFields,
  type FieldDeclaration,
  type PolicyVariable,
} from './policy-fields';

const limits = {
  maxAstNodes: MAX_NODES,
  maxDepth: MAX_DEPTH,
  maxListElements: MAX_LIST_LITERAL,
  maxMapEntries: MAX_LIST_LITERAL,
  maxCallArguments: 4,
};

const typesOf = (
  fields: Readonly<Record<string, FieldDeclaration>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(fields).map(([name, { type }]) => [name, type]));

/** `when` is asked once per job and decision, and therefore knows no offer. */
const jobEnvironment = new Environment({ limits })
  .registerType('Job', { ctor: JobContext, fields: typesOf(jobFields) })
  .registerVariable('job', 'Job')
  .registerType('Now', { ctor: NowContext, fields: typesOf(nowFields) })
  .registerVariable('now', 'Now');

const offerEnvironment = jobEnvironment
  .clone()
  .registerType('Offer', { ctor: OfferContext, fields: typesOf(offerFields) })
  .registerType('Provider', { ctor: ProviderContext, fields: typesOf(providerFields) })
  .registerVariable('offer', 'Offer')
  .registerVariable('provider', 'Provider')
  .registerType('Health', { ctor: HealthContext, fields: typesOf(healthFields) })
  .registerVariable('health', 'Health');

export type Subject = 'job' | 'job-and-offer';

const subjects: {
  readonly [S in Subject]: {
    readonly environment: Environment;
    readonly variables: readonly PolicyVariable[];
  };
} = {
  job: { environment: jobEnvironment, variables: ['job', 'now'] },
  'job-and-offer': {
    environment: offerEnvironment,
    variables: ['job', 'offer', 'provider', 'health', 'now'],
  },
};

/** Asks an expression. Never throws: where evaluation fails, the answer is `whenFailed`. */
export type Ask = (contextOf: () => RuleContext, whenFailed: boolean) => boolean;

export type Compiled =
  | {
      readonly ok: true;
      readonly ask: Ask;
      readonly reads: FieldsRead;
      readonly ast: ASTNode;
    }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/** Parse, bound and type-check one expression. An expression that passes cannot run for long, whatever it is asked about. */
export function compileExpression(source: string, subject: Subject): Compiled {
  if (source.length > MAX_EXPRESSION_LENGTH)
    return refused({
      at: 0,
      message: `has ${source.length} characters, the limit is ${MAX_EXPRESSION_LENGTH}`,
      remedy: 'split it into several rules',
    });
  const { environment, variables } = subjects[subject];
  const parsed = parse(source, environment);
  if ('at' in parsed) return refused(parsed);
  const findings = boundsOf(parsed.ast, variables);
  if (findings.length > 0) return { ok: false, findings };
  const mistake = typeMistake(parsed);
  return mistake === null
    ? { ok: true, ask: askWith(parsed), reads: fieldsRead(parsed.ast), ast: parsed.ast }
    : refused(mistake);
}

function refused(finding: Finding): Compiled {
  return { ok: false, findings: [finding] };
}

function parse(source: string, environment: Environment): ParseResult | Finding {
  try {
    return environment.parse(source);
  } catch (error) {
    if (!(error instanceof ParseError || error instanceof EvaluationError)) throw error;
    return {
      at: error.range?.start ?? 0,
      message: `cannot be read: ${error.summary}`,
      remedy: 'write one CEL expression, such as `offer.kind == "hyperscaler"`',
    };
  }
}

function typeMistake(parsed: ParseResult): Finding | null {
  const { valid, type, error } = parsed.check();
  if (valid)
    return type === 'bool'
      ? null
      : {
          at: parsed.ast.start,
          message: `gives ${type ?? 'no type'}, a rule needs true or false`,
          remedy: 'compare it with something',
        };
  if (!(error instanceof CelTypeError || error instanceof ParseError)) throw error;
  return { at: error.range?.start ?? 0, message: error.summary, remedy: typeRemedy(error.summary) };
}

function typeRemedy(summary: string): string {
  return /\bdouble\b/.test(summary) && /\bint\b/.test(summary)
    ? 'write numbers with a decimal point, for example 8.0'
    : 'compare values of the same type: text with "text", numbers with 1.0, lists with `in`';
}

/** Failing closed is the caller's choice of `whenFailed`; this is the one place where a rule's error is swallowed. */
function askWith(parsed: ParseResult): Ask {
  return (contextOf, whenFailed) => {
    try {
      const answer: unknown = parsed(contextOf());
      return typeof answer === 'boolean' ? answer : whenFailed;
    } catch {
      return whenFailed;
    }
  };
}
