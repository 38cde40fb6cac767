import {
  factorsFrom,
  type CalibrationSnapshot,
  type CommitmentState,
  type CompiledPolicy,
  type EgressRates,
  type FeedFreshness,
  type FxSnapshot,
  type HealthSnapshot,
  type OfferIndex,
  type Suspension,
} from '#libs/domain';
import type { OfferBook, PolicyVersion, Stores } from '#libs/storage';
import { compilePolicies } from './compile-policy';
import { BookKeeper } from './book-keeper';
import { digestOfPolicies } from './digest';

/** Everything a decision looks at besides the job, at one moment. */
export interface Snapshot {
  readonly book: OfferBook;
  /** The same, ready to be decided on in a fraction of the time; null where nobody has made it ready. */
  readonly index: OfferIndex | null;
  readonly bookDigest: string;
  readonly policy: CompiledPolicy;
  readonly policyDigest: string;
  readonly health: HealthSnapshot;
  readonly suspensions: readonly Suspension[];
  /** When each source of prices was last read to its end. */
  readonly feeds: FeedFreshness;
  /** What tokens and currencies are worth, and how much they move. */
  readonly fx: FxSnapshot;
  /** What leaving each provider costs, as its offers say. */
  readonly egressPerGb: EgressRates;
  readonly calibration: CalibrationSnapshot;
  readonly commitments: readonly CommitmentState[];
}

/**
 * The book and the compiled policies in memory, reloaded only when their versions have moved: a decision costs a few small
 * reads, and goes on with the last good book while a feed is down or a new one is made ready.
 */
export class Snapshots {
  private readonly books: BookKeeper;
  private policy: {
    readonly key: string;
    readonly value: CompiledPolicy;
    readonly digest: string;
  } | null = null;

  constructor(
    private readonly stores: Pick<
      Stores,
      | 'offers'
      | 'policies'
      | 'health'
      | 'suspensions'
      | 'feeds'
      | 'fxRates'
      | 'calibrations'
      | 'commitments'
    >,
  ) {
    this.books = new BookKeeper(stores.offers);
  }

  async current(nowMs: number): Promise<Snapshot> {
    const book = await this.books.current(nowMs);
    const policy = await this.currentPolicy();
    const health = await this.stores.health.snapshot();
    const suspensions = await this.stores.suspensions.inForce(nowMs);
    const feeds = await this.stores.feeds.freshness();
    const fx = await this.stores.fxRates.snapshot();
    const calibration = factorsFrom(await this.stores.calibrations.all(), nowMs);
    const commitments = await this.stores.commitments.inForce(nowMs);
    return {
      book: book.value,
      index: book.index,
      bookDigest: book.digest,
      policy: policy.value,
      policyDigest: policy.digest,
      health,
      suspensions,
      feeds,
      fx,
      egressPerGb: book.egressPerGb,
      calibration,
      commitments,
    };
  }

  private async currentPolicy(): Promise<{
    readonly value: CompiledPolicy;
    readonly digest: string;
  }> {
    const active = await this.stores.policies.active();
    const key = versionsOf(active);
    if (this.policy === null || this.policy.key !== key) {
      this.policy = {
        key,
        value: compiled(active),
        digest: digestOfPolicies(active.map(({ document }) => document)),
      };
    }
    return this.policy;
  }
}

function versionsOf(policies: readonly PolicyVersion[]): string {
  return policies.map(({ document, version }) => `${document.name}@${version}`).join(',');
}

/** Stored policies were checked when saved; one that no longer compiles stops decisions rather than being left out. */
function compiled(active: readonly PolicyVersion[]): CompiledPolicy {
  const result = compilePolicies(active);
  if (!result.ok)
    throw new Error(
      `active policies do not compile: ${result.problems.map(({ message }) => message).join('; ')}`,
    );
  return result.policy;
}
