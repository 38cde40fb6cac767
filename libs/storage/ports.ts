import type {
  Accrual,
  Accrued,
  Attempt,
  AttemptId,
  AttemptOutcome,
  DecisionId,
  DecisionSummary,
  FeedFreshness,
  HealthSnapshot,
  Job,
  JobFacts,
  LeasedOffer,
  LimitUsages,
  JobId,
  JobState,
  MicroUsd,
  Offer,
  OfferId,
  PricingInput,
  ProviderId,
  Preferences,
  RankedOffer,
  StepNews,
  Suspension,
  Transfer,
  WorkloadReport,
} from '#libs/domain';
import type { Feeds, FxRates, Prices, PriceSheets } from './price-ports';
import type { Health, Supply, Suspensions } from './health-ports';
import type { Policies } from './policy-ports';
import type { Calibrations, Commitments } from './cost-ports';

/**
 * The stores that use cases work on. Abstract classes, so that each is a type and an injection token at once; Postgres
 * implements them for real and the simulator in memory, and one suite holds both to the words below.
 *
 * Every write of a job or attempt is guarded by the revision that was loaded. Losing that race throws `StaleRevision`:
 * somebody else moved the row, so drop what you know and let the next wake-up load it again.
 */
export class StaleRevision extends Error {
  constructor(what: string) {
    super(`${what} was changed by somebody else since it was loaded`);
    this.name = 'StaleRevision';
  }
}

/** An event to append in the transaction that causes it. */
export interface NewEvent extends StepNews {
  readonly jobId: JobId;
  readonly attemptId: AttemptId | null;
  readonly atMs: number;
}

export interface StoredEvent extends NewEvent {
  /** Strictly growing in the order in which readers see events; a cursor for resuming. */
  readonly sequence: number;
}

/** A page of at most `limit`; `next` is an opaque cursor, null at the end. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface JobFilter {
  readonly project: string | null;
  readonly states: readonly JobState[];
  readonly workload: string | null;
  readonly label: { readonly name: string; readonly value: string } | null;
}

/** What a budget sets aside for a job until its real cost is known. */
export interface Reservation {
  readonly project: string;
  /** `2026-11`, the UTC month of submission. */
  readonly period: string;
  /** Null when the cost is unknown: nothing is set aside then, and a hard limit refuses the job. */
  readonly amount: MicroUsd | null;
}

export interface BudgetState {
  readonly project: string;
  readonly period: string;
  readonly softLimit: MicroUsd | null;
  readonly hardLimit: MicroUsd | null;
  /** What is still reserved for jobs of the period, beyond what has been charged for them, plus `spent`. */
  readonly committed: MicroUsd;
  /** All charges that begin in the period, whenever their jobs were submitted. */
  readonly spent: MicroUsd;
}

export type SubmitResult =
  | { readonly kind: 'created'; readonly job: Job }
  /** The same key came with the same body before. */
  | { readonly kind: 'repeated'; readonly job: Job }
  /** The same key came with another body before. */
  | { readonly kind: 'key-reused' }
  | { readonly kind: 'over-budget'; readonly budget: BudgetState };

export interface Submission {
  readonly job: Job;
  readonly idempotency: {
    readonly scope: string;
    readonly key: string;
    readonly bodyDigest: string;
  } | null;
  readonly reservation: Reservation | null;
  readonly events: readonly NewEvent[];
}

export abstract class Jobs {
  /**
   * Stores job, idempotency key, reservation and events together, or nothing. When this takes the project over its soft limit,
   * `budget.soft-limit` is appended as well.
   */
  abstract submit(submission: Submission): Promise<SubmitResult>;
  abstract get(id: JobId): Promise<Job | null>;
  /** Newest first. `limit` is 1 to 200. */
  abstract list(filter: JobFilter, cursor: string | null, limit: number): Promise<Page<Job>>;
  /**
   * Writes `next` where the revision still matches and returns it with the new revision. `awaited` replaces the job's
   * places in line (empty: it waits for nothing). `settled` replaces the reservation by the real cost,
   * of which only what has not been booked yet still counts as reserved.
   */
  abstract update(
    next: Job,
    change: {
      readonly events: readonly NewEvent[];
      readonly awaited?: readonly OfferId[];
      readonly settled?: MicroUsd;
    },
  ): Promise<Job>;
  /** Of these offers, those for which a job earlier in line (lower `lineKey`, then lower id) is waiting. */
  abstract spokenFor(
    job: Pick<Job, 'id' | 'lineKey'>,
    offers: readonly OfferId[],
  ): Promise<ReadonlySet<string>>;
  /**
   * Makes the first job in line for each of these offers due at `nowMs` and returns them: whoever stood before them has left.
   * At most one job for each offer.
   */
  abstract wakeHeads(offers: readonly OfferId[], nowMs: number): Promise<readonly JobId[]>;
  /**
   * Marks the job as cancelled-to-be and every unreleased attempt `abandonAs: 'cancelled'`, due at once, and appends the
   * events. Repeatable: asking again changes and tells nothing.
   * Returns null for an unknown job, and the ids of what must be woken.
   */
  abstract requestCancel(
    id: JobId,
    nowMs: number,
    events: readonly NewEvent[],
  ): Promise<{ readonly job: Job; readonly attempts: readonly AttemptId[] } | null>;
  /** Jobs overdue at `nowMs`, most overdue first, at most `limit`. */
  abstract overdue(nowMs: number, limit: number): Promise<readonly JobId[]>;
  /** The offers in whose lines the job stands. */
  abstract awaited(id: JobId): Promise<readonly OfferId[]>;
  /**
   * Brings forward the due time of unplaced jobs to `nowMs`: of those in line for one of `offers`, or with null of all. At
   * most `limit`, in line order.
   */
  abstract wakeWaiting(
    offers: readonly OfferId[] | null,
    nowMs: number,
    limit: number,
  ): Promise<readonly JobId[]>;
}

export interface ReportChange {
  readonly report: WorkloadReport;
  /** Set when what ran is lost, null to leave it as it is. */
  readonly abandonAs: AttemptOutcome | null;
  readonly events: readonly NewEvent[];
}

/** How many leases of one project are looked at when its limits are asked. */
export const MAX_LEASED_OFFERS = 10_000;

export abstract class Attempts {
  abstract get(id: AttemptId): Promise<Attempt | null>;
  /** Oldest first. */
  abstract ofJob(jobId: JobId): Promise<readonly Attempt[]>;
  /** Inserts all or none, writes the job (revision-guarded), clears its line. `StaleRevision` where a slot is taken in its role. */
  abstract planRound(
    job: Job,
    attempts: readonly Attempt[],
    events: readonly NewEvent[],
  ): Promise<void>;
  /** `planRound` of one. */
  abstract plan(job: Job, attempt: Attempt, events: readonly NewEvent[]): Promise<void>;
  /**
   * Writes all but the workload report where the revision matches; inserts events and suspensions, sets the job's derived state
   * (null leaves it to others), makes the job due at once when `wakeJob`. Returns the attempt with its new revision.
   */
  abstract update(
    next: Attempt,
    change: {
      readonly events: readonly NewEvent[];
      readonly suspensions: readonly Suspension[];
      readonly jobState: JobState | null;
      readonly wakeJob: boolean;
      readonly nowMs: number;
    },
  ): Promise<Attempt>;
  /**
   * Writes a workload report. A start, an exit or a loss also bumps the revision and makes the attempt due at once, so that a step
   * under way notices; a heartbeat does neither. `change` sees the row, and its round, under a lock; null leaves it as it is.
   */
  abstract report(
    id: AttemptId,
    change: (attempt: Attempt, mates: readonly Attempt[]) => ReportChange | null,
    nowMs: number,
  ): Promise<Attempt | null>;
  /** Which of these lease keys belong to attempts that are not released. */
  abstract holding(ids: readonly AttemptId[]): Promise<ReadonlySet<AttemptId>>;
  /**
   * What the unreleased attempts of a project's jobs hold, planned ones included and those of one job left out; at most
   * `MAX_LEASED_OFFERS` of them, the oldest first.
   */
  abstract leasedBy(project: string, except: JobId): Promise<readonly LeasedOffer[]>;
  abstract overdue(
    nowMs: number,
    limit: number,
  ): Promise<readonly { readonly id: AttemptId; readonly providerId: ProviderId }[]>;
  /**
   * Attempts with charges to book: released ones without their final slice, and live ones that were last booked (or began to
   * be charged) before `bookedBeforeMs`. Longest unbooked first.
   */
  abstract unbooked(bookedBeforeMs: number, limit: number): Promise<readonly AttemptId[]>;
}

export abstract class Events {
  /** In order, after `afterSequence`; `jobId` null means all. `limit` is 1 to 1,000. */
  abstract after(
    afterSequence: number,
    jobId: JobId | null,
    limit: number,
  ): Promise<readonly StoredEvent[]>;
}

/** Everything needed to show a decision again, and to make it again. */
export interface DecisionRecord {
  readonly id: DecisionId;
  readonly jobId: JobId;
  readonly atMs: number;
  readonly engine: string;
  readonly policyVersion: string;
  readonly bookVersion: number;
  /** The measurements and suspensions that were used, kept whole because they are small. */
  readonly health: HealthSnapshot;
  readonly suspensions: readonly Suspension[];
  /** What the project held of what limits count; absent in records from before there were limits. */
  readonly usage?: LimitUsages;
  /** The sources of prices that were stale; absent in records from before there were any. */
  readonly feeds?: FeedFreshness;
  readonly spent: MicroUsd;
  /** Token rates, calibration and commitments as they were; absent where none was known. Rates of egress follow from the book. */
  readonly pricing?: Omit<PricingInput, 'egressPerGb'>;
  /** The baseline that the job had then, and where its checkpoint lay. Absent: it had neither. */
  readonly known?: Pick<JobFacts, 'baseline' | 'checkpointAt'>;
  /** `reconsideration`: made while the job held a lease, and replaced by the next unless an attempt came of it. */
  readonly kind: 'placement' | 'reconsideration';
  /** The work that it was made for; null stands for the whole of the job's estimate. */
  readonly leftMs: number | null;
  /** The cheapest ranked offers that are not interruptible, even where the kept head of the ranking has none. */
  readonly reserves: readonly RankedOffer[];
  /** The exchange rates of the policies for this job. */
  readonly preferences: Preferences;
  readonly summary: DecisionSummary;
  /** SHA-256 of each input and of the whole decision in canonical JSON, so that a replay can name what differs. */
  readonly digests: {
    readonly job: string;
    readonly policy: string;
    readonly offers: string;
    readonly decision: string;
  };
}

export interface StoredDecision extends DecisionRecord {
  /** When deciding again last came to the same; `atMs` until it has. How fresh the decision is, while `atMs` is when it was made. */
  readonly confirmedAtMs: number;
}

/** Which decisions are meant; null leaves nothing out. */
export interface DecisionFilter {
  readonly projects: readonly string[] | null;
  /** Made at that moment or later. */
  readonly fromMs: number | null;
  /** Made before that moment. */
  readonly toMs: number | null;
}

/** What a list says of a decision. */
export interface DecisionEntry {
  readonly id: DecisionId;
  readonly jobId: JobId;
  readonly project: string;
  readonly atMs: number;
  readonly bookVersion: number;
}

export abstract class Decisions {
  /** Stores the decision and gives it to the job (revision-guarded) in one transaction; `replaces` names an earlier one of the job to delete. */
  abstract record(
    decision: DecisionRecord,
    job: Job,
    events: readonly NewEvent[],
    replaces?: DecisionId | null,
  ): Promise<Job>;
  /** Deciding again came to what the job has already: writes the job (revision-guarded) and when its decision was confirmed. */
  abstract confirm(job: Job, atMs: number): Promise<Job>;
  abstract get(id: DecisionId): Promise<StoredDecision | null>;
  /** Newest first, at most `limit`. */
  abstract list(filter: DecisionFilter, limit: number): Promise<readonly DecisionEntry[]>;
}

/** All offers at one moment. Versions grow by one with every refresh that changed something. */
export interface OfferBook {
  readonly version: number;
  readonly offers: readonly Offer[];
}

/** How the book differs from an earlier version of it. */
export interface BookChange {
  /** Offers that were there and are different now, or gone. */
  readonly changed: readonly OfferId[];
  /** Whether there are offers that were not there. */
  readonly hasNew: boolean;
}

/** A part of what is different between two versions of the book, in some order of the offers' ids. */
export interface BookPatchPage {
  readonly gone: readonly OfferId[];
  /** Offers that are new or changed, as they are in the later version. */
  readonly come: readonly Offer[];
  /** Where the next page goes on; null when this is the last. */
  readonly next: OfferId | null;
}

export abstract class Offers {
  abstract version(): Promise<number>;
  abstract changesSince(version: number): Promise<BookChange>;
  /**
   * What makes the book of version `since` (0 is the empty one) that of version `until`, for at most `limit` offers after `after`.
   * Complete as long as nothing that was replaced after `since` has been forgotten.
   */
  abstract patch(
    versions: { readonly since: number; readonly until: number },
    after: OfferId | null,
    limit: number,
  ): Promise<BookPatchPage>;
  abstract book(): Promise<OfferBook>;
  /** The book as it was at an earlier version. */
  abstract bookAt(version: number): Promise<OfferBook>;
  /** The book as it was at a moment; version 0 and no offers before the first. What was replaced is kept for as long as offers are. */
  abstract bookAtTime(atMs: number): Promise<OfferBook>;
  /** When each provider's offers were last read; absent for one that was never reached. */
  abstract refreshedAtMs(): Promise<ReadonlyMap<ProviderId, number>>;
  /** Makes `offers` all that the provider sells now; history is kept. Returns the version, unchanged when nothing differs. */
  abstract replace(
    providerId: ProviderId,
    offers: readonly Offer[],
    nowMs: number,
  ): Promise<number>;
}

export abstract class CostEntries {
  abstract accrued(attemptId: AttemptId): Promise<Accrued>;
  /**
   * Books a slice; false when that sequence number is booked already. It counts in the month in which the charge begins and
   * reduces the job's reservation. When this takes the project over its soft limit while the job is not over,
   * `budget.soft-limit` is appended.
   */
  abstract book(attempt: Attempt, job: Job, accrual: Accrual, nowMs: number): Promise<boolean>;
  /**
   * Books data that has left the attempt's place; false when it is booked already. It counts for the project as a slice does, and
   * is none of those that add up to the attempt's lease.
   */
  abstract bookTransfer(transfer: Transfer, job: Job, nowMs: number): Promise<boolean>;
}

/** All stores together, as the composition root opens them. Use cases take the few they need. */
export interface Stores {
  readonly jobs: Jobs;
  readonly attempts: Attempts;
  readonly suspensions: Suspensions;
  readonly events: Events;
  readonly decisions: Decisions;
  readonly offers: Offers;
  readonly health: Health;
  readonly supply: Supply;
  readonly costEntries: CostEntries;
  readonly commitments: Commitments;
  readonly calibrations: Calibrations;
  readonly policies: Policies;
  readonly feeds: Feeds;
  readonly prices: Prices;
  readonly fxRates: FxRates;
  readonly priceSheets: PriceSheets;
}
