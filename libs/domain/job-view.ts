import type { Attempt, AttemptOutcome, AttemptRole, Leaving } from './attempt';
import type { DecisionSummary, RankedOffer } from './decision';
import type { HealthSnapshot } from './health';
import type { AttemptId, OfferId } from './ids';
import type { Job, JobOutcome } from './job';
import type { Reconsideration } from './outlook';
import type { Preferences } from './policy';
import type { SuspensionIndex } from './suspension';

/** What is known of the decision that the job names. */
export interface DecisionView {
  /** When it was made, or last confirmed. */
  readonly atMs: number;
  readonly summary: DecisionSummary;
  /** The cheapest offers that nobody takes back, even where the kept head of the ranking has none. */
  readonly reserves: readonly RankedOffer[];
  readonly health: HealthSnapshot;
  readonly preferences: Preferences;
}

/** All that the next step of a job follows from. */
export interface JobView {
  readonly job: Job;
  /** Oldest first. */
  readonly attempts: readonly Attempt[];
  /** The one that the job names, or null when it has none. */
  readonly decision: DecisionView | null;
  readonly suspensions: SuspensionIndex;
  /** Offers for which an earlier job is waiting; they are not for us yet. */
  readonly spokenFor: ReadonlySet<string>;
  readonly nowMs: number;
}

/** One attempt to plan. */
export interface Placement {
  readonly ranked: RankedOffer;
  readonly role: AttemptRole;
  readonly slot: number;
  readonly maxLeaseMs: number;
  readonly maxLeaseMeans: Attempt['maxLeaseMeans'];
}

export type JobStep =
  /** Nothing now; `untilMs` null: whatever happens next will wake the job. */
  | { readonly do: 'rest'; readonly untilMs: number | null }
  | { readonly do: 'decide' }
  /** Plan all of them, or none. */
  | {
      readonly do: 'place';
      readonly placements: readonly Placement[];
      readonly outlook: Reconsideration;
    }
  | {
      readonly do: 'wait';
      readonly untilMs: number;
      readonly awaited: readonly OfferId[];
      readonly outlook: Reconsideration | null;
    }
  /** It was looked at and goes on where it is. */
  | { readonly do: 'stay'; readonly outlook: Reconsideration }
  /** Have the workloads save and end, then release the leases; the job is placed anew after that. */
  | {
      readonly do: 'leave';
      readonly attempts: readonly AttemptId[];
      readonly leaving: Leaving;
      readonly outlook: Reconsideration;
    }
  /** Give these up at once. */
  | {
      readonly do: 'abandon';
      readonly attempts: readonly AttemptId[];
      readonly as: AttemptOutcome;
    }
  | { readonly do: 'end'; readonly outcome: JobOutcome };

export const REST: JobStep = { do: 'rest', untilMs: null };
