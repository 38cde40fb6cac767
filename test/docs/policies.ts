import { stringify } from 'yaml';
import { builtinPolicies } from '#apps/policy-engine/builtin/builtin-policies';
import {
  MAX_DEPTH,
  MAX_EXPRESSION_LENGTH,
  MAX_LIST_LITERAL,
  MAX_NESTED_LOOPS,
  MAX_NODES,
  MAX_VISITS,
  policyFunctions,
} from '#apps/policy-engine/policy-bounds';
import { policyFields, type FieldDeclaration } from '#apps/policy-engine/policy-fields';
import { formatPolicyDocument, policyDocumentSchema } from '#libs/contracts';
import { UNPROMISED_AVAILABILITY_BPS, type PolicyDocument } from '#libs/domain';
import { code, generatedFrom, table } from './markdown';
import { fieldRows } from './schema-fields';

/** Everything about policies: the document, the expressions, the checks, and the library that is shipped. */
export function policiesPage(): string {
  return [
    generatedFrom('the policy schema, the fields of expressions and the built-in policies'),
    '# Policies',
    INTRODUCTION,
    EXAMPLE,
    '## The document',
    DOCUMENT,
    table(
      ['field', 'holds', 'means'],
      fieldRows(policyDocumentSchema).map(([path, holds, means]) => [code(path), holds, means]),
    ),
    ...PARTS,
    '## Expressions',
    expressions(),
    ...Object.entries(policyFields).flatMap(([variable, fields]) => [
      `### \`${variable}\``,
      fieldTable(variable, fields),
    ]),
    ...CHECKS,
    '## The library',
    LIBRARY,
    table(
      ['policy', 'says'],
      builtinPolicies.map(({ document: { name, description } }) => [
        `[${name}](#${name})`,
        description,
      ]),
    ),
    ...builtinPolicies.flatMap(({ document }) => [`### ${document.name}`, written(document)]),
  ].join('\n\n');
}

const INTRODUCTION = `A policy says where jobs may run and what is worth how much. It is a versioned document in YAML or JSON. Three things hold:

- **Refusals add up.** A rule or limit can only refuse. An offer that one policy forbids is forbidden, whatever others say, and neither
  the order of documents nor that of rules means anything.
- **Worth is money.** Preferences are exchange rates, such as what an hour of waiting costs. Where several policies name the same rate, the
  one with more precedence holds: any policy before a shipped one, then the higher \`priority\`, then the later name.
- **What cannot be asked refuses.** A rule whose evaluation fails, for example because a label is not there, refuses the offer. Ask
  \`"team" in job.labels\` first.`;

const EXAMPLE = `\`\`\`yaml
kind: RoutingPolicy
name: vision
description: How the vision team buys.
scope: { projects: ['vision-*'] }
priority: 10
effective: { from: 2027-01-01T00:00:00Z, until: null }
rules:
  - id: training-stays-in-europe
    when: job.workload == "training"
    require: offer.country in ["DE", "FI", "FR", "IE", "NL", "SE"]
    forbid: health.measured && health.startFailureChance > 0.2
    because: the data set is licensed for Europe
prefer:
  - id: office-hours
    when: now.hour >= 7.0 && now.hour < 17.0 && !(now.weekday in ["saturday", "sunday"])
    rates: { waitingCostPerHour: $50 }
  - id: audited
    discount: { offers: '"soc2" in offer.certifications', perHour: $0.40 }
limits:
  - id: sixteen-gpus
    offers: provider.kind == "decentralised"
    maxGpus: 16
    because: agreed with finance for the first quarter
profiles:
  batch-inference: { interruptible: allowed, latenessToleranceBps: 1000 }
tests:
  - name: training does not leave Europe
    given:
      job: { workload: training }
      offer: { country: US }
    expect: { refusedBy: training-stays-in-europe }
\`\`\``;

const DOCUMENT =
  'Money is written with its currency (`$2.50`, `2.50 USD`), per hour as `$2.50/h`; instants in ISO 8601 with their zone.';

const PARTS: readonly string[] = [
  '### Preferences',
  `\`preferences\` names rates by workload class; \`prefer\` names them under a condition, and overrules \`preferences\` of the same document. Of several
conditions of one document that hold, that with the later id counts. Both may be written; the former is the short form of the latter.

A \`premium\` makes matching offers count as dearer; a \`discount\` makes all others count as dearer, which comes to the same order and keeps every
term of an expected cost above zero. They are weights in the ranking, for the hours that the work takes, and show as the term
\`preference\`: no budget or bill sees them. Premiums and discounts of several policies add up. \`availabilityPointPerHour\` counts the points that the
promised availability falls short of 100 %; where nothing is promised, ${UNPROMISED_AVAILABILITY_BPS / 100} % is taken.`,
  '### Limits',
  `A limit refuses what is above it. What an offer exceeds by itself (\`limit-exceeded\`) does not pass. What it exceeds together with the leases that the
project holds already (\`limit-reached\`) passes when they end, and the job waits for that. Leases are counted when a job is decided: jobs that
are decided in the same moment do not see each other, so that a limit can be passed by as many as are placed at once. A budget is the
hard stop for money.

The share of tokens is that of the hourly spend at the moment of decision, of leases whose price is fixed in a token that is not
pegged to a currency. What the token will be worth when it is settled cannot be known then; that risk is priced by \`tokenRiskBps\`.`,
  '### Profiles',
  `A profile holds for a workload class unless a policy of more precedence names the same field: unlike a rule it can be overruled. It
never widens what a job allows: a job that is not \`interruptible\` is not interrupted.`,
  '### Tests',
  `The tests of a policy are run when it is saved, against that policy alone, and one that fails refuses it with what happened instead. \`given\`
takes the fields of expressions; what is left out is neutral: a general job of an hour, a firm offer at $1/h without certifications,
nothing measured. \`now\` is the beginning of the policy's period, else the first of January 2027. \`expect\` is \`allowed\`; or \`refusedBy\` with exactly the
ids of rules, limits and profiles (\`profiles/training\`) that refuse; or \`rates\` and \`chargedPerHour\`.`,
];

function expressions(): string {
  return `Expressions are written in [CEL](https://cel.dev). \`when\` is asked once per job and sees \`job\` and \`now\`; all others see \`job\`, \`offer\`, \`provider\`,
\`health\` and \`now\`. Numbers are written with a decimal point. Available are \`&& || ! ?: == != < <= > >= in + - * / %\`, lists in brackets, and
${policyFunctions.map((name) => `\`${name}\``).join(', ')}.

No expression can run for long or reach out: at most ${MAX_EXPRESSION_LENGTH} characters, ${MAX_NODES} nodes, ${MAX_DEPTH} levels, lists of ${MAX_LIST_LITERAL}, ${MAX_NESTED_LOOPS} loops within each other
and ${MAX_VISITS} steps over the longest lists there can be; there are no regular expressions.`;
}

const CHECKS: readonly string[] = [
  '## What is checked',
  `\`fairlead policies check FILE\` and every save report all of it at once, each with its place in the document. Refused are

- unknown fields and variables, with what was probably meant; wrong types; expressions without a bound;
- words that a field never has, such as \`job.workload == "trainning"\`;
- what is proven from the expressions: a \`when\` that is never true, a rule that can never refuse, one that refuses every offer there can be
  (written as plain \`true\` or \`false\` it is taken to be meant), two rules that leave nothing to the jobs of one of them, a rule
  whose refusals another one has already, rates that others overrule whenever they would hold, charges that make no difference;
- tests that fail.

Proofs look at all ways in which the values that are asked about can be: on each side of every number they are compared with, equal to
each text or to none. What is not understood, such as \`startsWith\`, may be either. Where there are too many ways, nothing is claimed.

Warned of, without refusing, are rules that leave nothing to jobs that two of them are about, what other policies in force make of a
rule, and rules, charges and limits that refuse or miss every offer that there is now, for the latest jobs.`,
];

const LIBRARY = `These are in force from the first start on. Each can be switched off or replaced by a version of one's own under the same name; a new release
then leaves it alone. They carry their tests.`;

function fieldTable(variable: string, fields: Readonly<Record<string, FieldDeclaration>>): string {
  return table(
    ['field', 'type', 'means'],
    Object.entries(fields).map(([name, { type, means, values, limit }]) => [
      code(`${variable}.${name}`),
      type,
      [
        means,
        ...(values === undefined ? [] : [`one of ${values.map(code).join(', ')}`]),
        ...(limit === undefined || values !== undefined ? [] : [`at most ${limit}`]),
      ].join('; '),
    ]),
  );
}

function written(document: PolicyDocument): string {
  return `\`\`\`yaml\n${stringify(formatPolicyDocument(document), { lineWidth: 130 }).trimEnd()}\n\`\`\``;
}
