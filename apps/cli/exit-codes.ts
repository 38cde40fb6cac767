import type { ProblemCode } from '#libs/contracts';

/** What the command ends with; scripts may rely on it. */
export const exitCodes = {
  ok: { code: 0, meaning: 'done' },
  'job-failed': {
    code: 1,
    meaning: 'the job did not succeed; with --follow the exit code of its workload, if it has one',
  },
  usage: { code: 2, meaning: 'the command line or a setting is wrong, or nobody could be asked' },
  refused: { code: 3, meaning: 'the router refused what was sent; every problem is printed' },
  'no-offer': { code: 4, meaning: 'no offer can serve the job' },
  auth: { code: 5, meaning: 'the API key is missing, wrong, or does not allow this' },
  'not-found': { code: 6, meaning: 'there is no such job, policy or key' },
  unreachable: { code: 7, meaning: 'the router cannot be reached, or cannot answer now' },
  budget: { code: 8, meaning: 'the budget of the project does not allow it' },
  broken: { code: 70, meaning: 'the command itself broke' },
  stopped: { code: 130, meaning: 'stopped with Ctrl-C, or the question was answered with no' },
} as const satisfies Readonly<Record<string, { readonly code: number; readonly meaning: string }>>;

export type ExitName = keyof typeof exitCodes;

interface Reaction {
  readonly exit: ExitName;
  /** What a person can do, where the router's answer does not say it. */
  readonly remedy: string | null;
}

const RESEND = 'try again in a moment';
const KEY = 'set FAIRLEAD_API_KEY, or give --key';

/** What each problem of the API means for the command; a new problem does not compile without a row. */
export const reactionTo: { readonly [C in ProblemCode]: Reaction } = {
  'malformed-request': { exit: 'refused', remedy: null },
  'project-required': { exit: 'refused', remedy: 'give --project' },
  unauthenticated: { exit: 'auth', remedy: KEY },
  forbidden: { exit: 'auth', remedy: 'use a key with a role that may do this' },
  'not-found': { exit: 'not-found', remedy: 'look for it with `fairlead ls`' },
  'key-reused': { exit: 'refused', remedy: 'choose another idempotency key' },
  'over-budget': { exit: 'budget', remedy: 'see `fairlead budgets`, or ask who sets them' },
  'still-running': { exit: 'refused', remedy: 'wait for its end, or cancel it first' },
  'approval-required': { exit: 'refused', remedy: null },
  'second-person-required': { exit: 'refused', remedy: null },
  'policy-state': { exit: 'refused', remedy: null },
  'inputs-gone': { exit: 'refused', remedy: null },
  'attempt-over': { exit: 'refused', remedy: null },
  'too-large': { exit: 'refused', remedy: 'put large inputs where an address leads to them' },
  'unsupported-media-type': { exit: 'refused', remedy: null },
  'invalid-job': { exit: 'refused', remedy: null },
  'invalid-policy': { exit: 'refused', remedy: null },
  'invalid-price-sheet': { exit: 'refused', remedy: null },
  'invalid-request': { exit: 'refused', remedy: null },
  'rate-limited': { exit: 'unreachable', remedy: RESEND },
  internal: { exit: 'unreachable', remedy: 'look for the request id in the log of the router' },
  unavailable: { exit: 'unreachable', remedy: RESEND },
};
