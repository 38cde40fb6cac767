import {
  canonicalJson,
  type CompiledPolicy,
  type HealthSnapshot,
  type Suspension,
} from '#libs/domain';
import type { OfferBook, PolicyVersion, Stores } from '#libs/storage';
import { compilePolicies } from './compile-policy';
import { digestOf, digestOfPolicies } from './digest';

/** Everything a decision looks at besides the job, at one moment. */
export interface Snapshot {
  readonly book: OfferBook;
  readonly bookDigest: string;
  readonly policy: CompiledPolicy;
  readonly policyDigest: string;
  readonly health: HealthSnapshot;
  readonly suspensions: readonly Suspension[];
}

/**
 * The book and the compiled policies in memory, reloaded only when their versions have moved: a decision costs two small
 * reads, and goes on with the last good book while a feed is down.
 */
export class Snapshots {
  private book: { readonly value: OfferBook; readonly digest: string } | null = null;
  private policy: {
    readonly key: string;
    readonly value: CompiledPolicy;
    readonly digest: string;
  } | null = null;

  constructor(
    private readonly stores: Pick<Stores, 'offers' | 'policies' | 'health' | 'suspensions'>,
  ) {}

  async current(nowMs: number): Promise<Snapshot> {
    const book = await this.currentBook();
    const policy = await this.currentPolicy();
    const health = await this.stores.health.snapshot();
    const suspensions = await this.stores.suspensions.inForce(nowMs);
    return {
      book: book.value,
      bookDigest: book.digest,
      policy: policy.value,
      policyDigest: policy.digest,
      health,
      suspensions,
    };
  }

  private async currentBook(): Promise<{ readonly value: OfferBook; readonly digest: string }> {
    const version = await this.stores.offers.version();
    if (this.book === null || this.book.value.version !== version) {
      const value = await this.stores.offers.book();
      this.book = { value, digest: digestOf(canonicalJson(value.offers)) };
    }
    return this.book;
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
