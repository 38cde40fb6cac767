import { queues, queueNames } from '#libs/contracts';
import {
  EXHAUSTED_CALL_SUSPENSION,
  NO_REPORT,
  SAME_CALL_LIMIT,
  advanced,
  attemptMachine,
  attemptOutcomes,
  attemptPhases,
  jobOutcomes,
  jobStateOf,
  mayHoldLease,
  meaningOf,
  moveIn,
  policyInForce,
  policyMachine,
  policyPending,
  policyRefusals,
  policyRemedies,
  policyStates,
  providerErrorKinds,
  reactions,
  workloadExitReasons,
  type AttemptOutcome,
  type AttemptPhase,
  type LoopTerms,
  type PolicyState,
  type Reaction,
  type Sighting,
  type WorkloadExitReason,
} from '#libs/domain';
import { BUILT_AT_MS, anAttempt } from '#libs/testkit';
import { code, duration, generatedFrom, table } from './markdown';

/** The tables of the dispatch loop, for people. */
export function stateMachines(): string {
  return [
    '# State machines',
    generatedFrom('the tables of `libs/domain` and `libs/contracts/queues.ts`'),
    'The code looks these tables up; this page is printed from them.',
    '## An attempt: phases',
    attemptDiagram(),
    'What the dispatcher does in each phase, and whether the provider may be charging us there:',
    phaseTable(),
    '## An attempt: events',
    eventTable(),
    '## A provider refuses: the failover table',
    reactionTable(),
    `\`same-call\` is tried ${SAME_CALL_LIMIT} times at most and then becomes \`next-offer\`, ` +
      `with the ${EXHAUSTED_CALL_SUSPENSION.scope} resting for ${duration(EXHAUSTED_CALL_SUSPENSION.forMs)}.`,
    '## A workload ends: the attempt’s outcome',
    exitTable(),
    '## An attempt ends: what it means for the job',
    meaningTable(),
    '## A job’s state',
    'It follows from the job’s outcome and its attempts, by one pure function (`jobStateOf`).',
    jobStateTable(),
    jobOutcomeTable(),
    '## A version of a policy: states',
    'At most one version of a name is in force. The text of a version never changes; who did what to it, and why, is its history.',
    policyDiagram(),
    policyTable(),
    'What a step is refused for, and what helps:',
    refusalTable(),
    '## Wake-ups',
    'A message carries an id, never a fact.',
    queueTable(),
  ].join('\n\n');
}

function arrows(): readonly (readonly [AttemptPhase, string, AttemptPhase])[] {
  return attemptPhases.flatMap((from) =>
    Object.entries(attemptMachine.transitions[from]).map(
      ([event, to]) => [from, event, to] as const,
    ),
  );
}

function attemptDiagram(): string {
  const ends = attemptPhases.filter((phase) => moveIn[phase] === 'rest');
  return [
    '```mermaid',
    'stateDiagram-v2',
    `  [*] --> ${attemptMachine.initial}`,
    ...arrows().map(([from, event, to]) => `  ${from} --> ${to}: ${event}`),
    ...ends.map((phase) => `  ${phase} --> [*]`),
    '```',
  ].join('\n');
}

function policyDiagram(): string {
  return [
    '```mermaid',
    'stateDiagram-v2',
    `  [*] --> ${word(policyMachine.initial)}`,
    ...policyStates.flatMap((from) =>
      Object.entries(policyMachine.transitions[from]).map(
        ([move, to]) => `  ${word(from)} --> ${word(to)}: ${move}`,
      ),
    ),
    '```',
  ].join('\n');
}

/** Mermaid takes a hyphen in a name for an arrow. */
function word(state: PolicyState): string {
  return state.replaceAll('-', '_');
}

function policyTable(): string {
  return table(
    ['state', 'in force', 'on its way', 'may'],
    policyStates.map((state) => [
      code(state),
      policyInForce.has(state) ? 'yes' : 'no',
      policyPending.has(state) ? 'yes' : 'no',
      Object.keys(policyMachine.transitions[state]).map(code).join(', '),
    ]),
  );
}

function refusalTable(): string {
  return table(
    ['refusal', 'what helps'],
    policyRefusals.map((refusal) => [code(refusal), policyRemedies[refusal]]),
  );
}

function phaseTable(): string {
  return table(
    ['phase', 'move', 'may hold a lease'],
    attemptPhases.map((phase) => [
      code(phase),
      moveIn[phase],
      mayHoldLease.has(phase) ? 'yes' : 'no',
    ]),
  );
}

function eventTable(): string {
  const events = [...new Set(arrows().map(([, event]) => event))];
  return table(
    ['in', ...events.map(code)],
    attemptPhases.map((phase) => [
      code(phase),
      ...events.map(
        (event) => arrows().find(([from, by]) => from === phase && by === event)?.[2] ?? '',
      ),
    ]),
  );
}

function reactionTable(): string {
  return table(
    ['kind', 'next', 'suspends', 'a person looks'],
    providerErrorKinds.map((kind) => {
      const { next, suspend, page } = reactions[kind];
      return [code(kind), next, rest(suspend), page ? 'yes' : 'no'];
    }),
  );
}

function rest(suspend: Reaction['suspend']): string {
  return suspend === null ? 'nothing' : `${suspend.scope}, ${duration(suspend.forMs)}`;
}

const terms: LoopTerms = {
  repeatable: true,
  quietMs: 0,
  observeEveryMs: 1_000,
  startLimitMs: 1_000,
  silenceLimitMs: 1_000,
};

const active: Sighting = {
  state: 'active',
  externalId: null,
  cause: null,
  billedFromMs: null,
  billedToMs: null,
  pricePerHour: null,
};

/** Asked of the loop itself: what it records when the supervisor reports this exit. */
function outcomeAfter(reason: WorkloadExitReason, exitCode: number): AttemptOutcome | null {
  const exit = { code: exitCode, reason, atMs: BUILT_AT_MS };
  const report = { ...NO_REPORT, bootId: 'boot', startedAtMs: BUILT_AT_MS, exit };
  const attempt = anAttempt({ id: 'att-example', jobId: 'job-example', phase: 'running', report });
  return advanced(attempt, 'observe', { saw: active }, terms, BUILT_AT_MS).attempt.outcome;
}

function exitTable(): string {
  return table(
    ['the supervisor reports', 'with exit code 0', 'with another'],
    workloadExitReasons.map((reason) => [
      code(reason),
      code(outcomeAfter(reason, 0)),
      code(outcomeAfter(reason, 1)),
    ]),
  );
}

function meaningTable(): string {
  return table(
    ['attempt', 'the job', 'uses up a retry for'],
    attemptOutcomes.map((outcome) => {
      const meaning = meaningOf[outcome];
      if (meaning.is === 'end') return [code(outcome), `ends: ${code(meaning.outcome)}`, ''];
      return [
        code(outcome),
        'is tried again',
        meaning.uses === null ? 'nothing' : code(meaning.uses),
      ];
    }),
  );
}

function jobStateTable(): string {
  type Last = { readonly phase: AttemptPhase; readonly outcome: AttemptOutcome | null };
  const state = (cancelRequestedAtMs: number | null, last: Last | null): string =>
    code(
      jobStateOf(
        { outcome: null, cancelRequestedAtMs },
        last === null ? [] : [{ role: 'solo', round: 1, ...last }],
      ),
    );
  const row = (name: string, last: Last | null): readonly string[] => [
    name,
    state(null, last),
    state(BUILT_AT_MS, last),
  ];
  const live = attemptPhases.filter((phase) => phase !== 'released');
  return table(
    ['last attempt', 'state', 'once cancellation is asked for'],
    [
      row('none yet', null),
      ...live.map((phase) => row(code(phase), { phase, outcome: null })),
      row(`${code('released')}, tried again`, { phase: 'released', outcome: 'interrupted' }),
      row(`${code('released')}, ends the job`, { phase: 'released', outcome: 'succeeded' }),
    ],
  );
}

function jobOutcomeTable(): string {
  return table(
    ['outcome', 'state'],
    jobOutcomes.map((outcome) => [
      code(outcome),
      code(jobStateOf({ outcome, cancelRequestedAtMs: null }, [])),
    ]),
  );
}

function queueTable(): string {
  return table(
    ['queue', 'answered by', 'the id names', 'one per provider', 'at a time'],
    queueNames.map((name) => {
      const { answeredBy, idOf, perProvider, concurrency } = queues[name];
      return [code(name), answeredBy, idOf, perProvider ? 'yes' : 'no', String(concurrency)];
    }),
  );
}
