import type {
  Attempt,
  AttemptId,
  HealthSnapshot,
  Knowledge,
  LifetimeCounts,
  OfferId,
  ProviderId,
  Suspension,
  SuspensionScope,
} from '#libs/domain';

/** Evidence for one level of supply, see `healthKeysOf`. */
export interface KeyedLesson {
  readonly key: string;
  readonly lesson: Knowledge;
}

/**
 * How far an attempt has been learned from. `lease`: what its lease has shown. `all`: also what fell together with it, which is
 * known only some time after a loss; attempts that were not lost come there at once.
 */
export type LearningStage = 'lease' | 'all';

/** What one released attempt taught, and how far that takes it. */
export interface AttemptLesson {
  readonly attemptId: AttemptId;
  readonly stage: LearningStage;
  readonly lessons: readonly KeyedLesson[];
}

/** A released attempt that has not been learned from in full, and what is there already. */
export interface Unlearned {
  readonly attempt: Attempt;
  readonly stage: 'nothing' | 'lease';
}

/** Calls of one provider from one process in one span of time, added up. */
export interface CallTally {
  readonly providerId: ProviderId;
  readonly calls: number;
  /** Those that got no answer. */
  readonly unanswered: number;
  readonly atMs: number;
}

/** How many levels are known at most; of more, those whose evidence is oldest are forgotten. */
export const MAX_HEALTH_LEVELS = 5_000;
/** How many leases beside a lost one are looked at. */
export const MAX_COMPANIONS = 500;

/** What has been measured of supply. Only the health monitor adds to it, but for tallies, which anyone may hand in. */
export abstract class Health {
  /** Everything known now. The same object for as long as nothing was added. */
  abstract snapshot(): Promise<HealthSnapshot>;
  /**
   * Adds lessons, all or none. An attempt teaches each stage once: what comes a second time, or for a stage that is behind it,
   * is left out. Returns how many were new. Lessons without an attempt, `others`, are always added.
   */
  abstract learn(
    lessons: readonly AttemptLesson[],
    others: readonly KeyedLesson[],
    nowMs: number,
  ): Promise<number>;
  /** One attempt and how far it has been learned from; null when there is none, it is not released, or there is nothing left. */
  abstract toLearn(id: AttemptId): Promise<Unlearned | null>;
  /**
   * Released attempts with something to learn, oldest first, at most `limit`: those that have taught nothing, and those whose
   * lease was learned and that were released before `settledBeforeMs`.
   */
  abstract unlearned(settledBeforeMs: number, limit: number): Promise<readonly Unlearned[]>;
  /** Attempts of a failure domain whose lease had begun by `toMs` and had not ended before `fromMs`; at most `MAX_COMPANIONS`. */
  abstract companions(domain: string, fromMs: number, toMs: number): Promise<readonly Attempt[]>;
  /** Hands in what calls came to; kept until it is taken. */
  abstract tally(tallies: readonly CallTally[]): Promise<void>;
  /** Takes what was handed in, at most `limit`, and adds the lessons that `teach` makes of it, in one transaction. Returns how many. */
  abstract takeTallies(
    limit: number,
    nowMs: number,
    teach: (tallies: readonly CallTally[]) => readonly KeyedLesson[],
  ): Promise<number>;
  /**
   * Forgets levels whose evidence is from before `beforeMs`, and the oldest beyond `MAX_HEALTH_LEVELS`; deletes versions of levels
   * that were replaced before `replacedBeforeMs` and that no decision was made from, at most `limit`. Returns how many went.
   */
  abstract prune(
    beforeMs: number,
    replacedBeforeMs: number,
    limit: number,
    nowMs: number,
  ): Promise<number>;
}

/** An offer's run of being available or not, as of when it was last written. */
export interface StoredRun {
  readonly offerId: OfferId;
  readonly providerId: ProviderId;
  /** The level that its times count for. */
  readonly key: string;
  readonly available: boolean;
  readonly sinceMs: number;
  readonly aged: boolean;
}

/** One change of an offer in the book: what it became, and when. */
export interface AvailabilityChange {
  readonly offerId: OfferId;
  readonly providerId: ProviderId;
  /** The level that the offer's times count for. */
  readonly key: string;
  /** False as well for an offer that is gone from the book. */
  readonly available: boolean;
  readonly atMs: number;
}

/** Up-times and outages of one level's offers. */
export interface SupplyTimes {
  readonly up: LifetimeCounts;
  readonly down: LifetimeCounts;
}

export interface SupplyCursor {
  readonly bookVersion: number;
  readonly atMs: number;
}

/** What a look at the book's changes came to. */
export interface SupplyLesson {
  /** Nothing is written, and false returned, unless the cursor still is this; null before the first. */
  readonly from: SupplyCursor | null;
  readonly to: SupplyCursor;
  /** Runs that began; each replaces the one of its offer. */
  readonly runs: readonly StoredRun[];
  /** Offers that have been away since before then are no longer watched; what was seen of them stays. */
  readonly forgetAwayBeforeMs: number;
  /** Runs that ended, by level, weighted as of `to.atMs`. */
  readonly ended: Readonly<Record<string, SupplyTimes>>;
  readonly halfLifeMs: number;
}

/** How offers come and go, learned from the book's own history. Only the health monitor writes it. */
export abstract class Supply {
  abstract cursor(): Promise<SupplyCursor | null>;
  /** The changes of availability after a version of the book and up to another, in the order in which they came. */
  abstract changes(afterVersion: number, toVersion: number): Promise<readonly AvailabilityChange[]>;
  /** The runs of these offers, those that are watched. */
  abstract runs(offers: readonly OfferId[]): Promise<readonly StoredRun[]>;
  abstract record(lesson: SupplyLesson): Promise<boolean>;
  /**
   * Times by level as of `nowMs`: runs that ended, and those that go on as far as they have come (right-censored).
   */
  abstract times(nowMs: number, halfLifeMs: number): Promise<Readonly<Record<string, SupplyTimes>>>;
}

/** A suspension as it is kept. */
export interface StoredSuspension extends Suspension {
  readonly id: string;
  /** Who asked for it; null where the router did by itself. */
  readonly by: string | null;
  /** When it was lifted before its time, or null. */
  readonly liftedAtMs: number | null;
}

/** Which suspensions end. */
export interface Lift {
  readonly scope: SuspensionScope;
  readonly key: string;
  /** Only those for this reason; null for all. */
  readonly ofReason: string | null;
  readonly atMs: number;
  /** Who lifts them; null where the router does. */
  readonly by: string | null;
  /** Why. */
  readonly because: string;
}

/** Append-only: a suspension ends by its time or by a row that lifts it, never by deletion, so that history can be replayed. */
export abstract class Suspensions {
  abstract inForce(nowMs: number): Promise<readonly Suspension[]>;
  abstract add(suspensions: readonly Suspension[], by?: string | null): Promise<void>;
  /** Ends at `atMs` those in force then; returns how many. What is added later is not touched. */
  abstract lift(lift: Lift): Promise<number>;
  /** Those that ended, or will end, after `endsAfterMs`, newest first, at most `limit`. */
  abstract list(endsAfterMs: number, limit: number): Promise<readonly StoredSuspension[]>;
}
