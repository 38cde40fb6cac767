import type { AttemptEvent } from '#libs/domain';

/** Every type of event and what its `data` holds. Attempt events carry the machine's words, see the state diagrams. */
const attemptMoves = {
  'attempt.acquire': 'The lease is about to be asked for.',
  'attempt.lease-granted': 'The provider holds a lease for the attempt.',
  'attempt.lease-refused': 'The provider refused; it is looked at once more before the next offer.',
  'attempt.lease-gone': 'The provider confirmed that nothing is left.',
  'attempt.workload-started': 'The supervisor has started the workload.',
  'attempt.workload-exited': 'The supervisor has reported how the workload ended.',
  'attempt.interrupted': 'The lease went away under the workload.',
  'attempt.abandon': 'The attempt was given up.',
} as const satisfies { readonly [E in `attempt.${AttemptEvent}`]: string };

const MOVE_DATA = 'from, to: phases; offer; outcome and errorKind where known';

export interface EventContract {
  readonly type: string;
  readonly meaning: string;
  /** What `data` holds. */
  readonly payload: string;
}

export const eventCatalogue: readonly EventContract[] = [
  {
    type: 'job.submitted',
    meaning: 'The job was accepted.',
    payload: 'name, project, submittedBy, retryOf where it is one',
  },
  {
    type: 'job.decided',
    meaning: 'Every offer was ranked or refused.',
    payload: 'decision: its id; ranked, rejected: counts; best: the first offer or null',
  },
  {
    type: 'job.placed',
    meaning: 'An attempt was planned at an offer.',
    payload: 'offer; number: of the attempt; expectedCost in micro-dollars',
  },
  {
    type: 'job.waiting',
    meaning: 'No offer can serve now; the job stands in line.',
    payload: 'awaited: how many offers; untilMs: when it is looked at again',
  },
  {
    type: 'job.feasibility-changed',
    meaning: 'Whether any offer can ever run the waiting job is answered differently than before.',
    payload: 'from, to: now, not-now, never or unknown; because: why, in words',
  },
  {
    type: 'job.reconsidered',
    meaning: 'The job was looked at again, and something else is to be done or for another reason.',
    payload:
      'do: stay, move, start or wait; to: an offer or null; because; latenessBps; noReturnAtMs or null',
  },
  {
    type: 'job.cancel-requested',
    meaning: 'Somebody asked to end the job.',
    payload: 'by: who asked',
  },
  {
    type: 'job.ended',
    meaning: 'The job is over; no event of it follows.',
    payload: 'outcome, costMicroUsd, attempts: how many',
  },
  {
    type: 'budget.soft-limit',
    meaning: 'The budget of the project passed its soft limit.',
    payload: 'project, period, committed, softLimit in micro-dollars',
  },
  ...Object.entries(attemptMoves).map(([type, meaning]) => ({ type, meaning, payload: MOVE_DATA })),
  {
    type: 'workload.started',
    meaning: 'The supervisor asked and was told to run the workload.',
    payload: 'nothing',
  },
  {
    type: 'workload.exited',
    meaning: 'The supervisor told how the workload ended.',
    payload: 'code, reason',
  },
  {
    type: 'workload.lost',
    meaning: 'The machine was started anew and what ran there is lost.',
    payload: 'nothing',
  },
  {
    type: 'attempt.notice',
    meaning: 'The provider will take the lease back soon.',
    payload: 'offer',
  },
  {
    type: 'attempt.price-drifted',
    meaning: 'The provider charges more than it quoted.',
    payload: 'quoted, seen: micro-dollars per hour',
  },
];

/** After this event a job has no further ones. */
export const LAST_JOB_EVENT = 'job.ended';
