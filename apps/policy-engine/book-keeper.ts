import {
  egressRatesOf,
  emptyIndex,
  kindsOf,
  positionOf,
  refreshed,
  type BookPatch,
  type EgressRates,
  type Offer,
  type OfferId,
  type OfferIndex,
} from '#libs/domain';
import type { OfferBook, Offers } from '#libs/storage';
import { BookDigest } from './digest';

/** A version of the book, ready to be decided on. */
export interface KeptBook {
  readonly value: OfferBook;
  readonly index: OfferIndex;
  readonly digest: string;
  /** What leaving each provider costs, as its offers say. */
  readonly egressPerGb: EgressRates;
}

/** Changed offers that are read at a time. */
const PAGE = 500;
/** Offers that are digested before others get their turn. */
const DIGESTED_PER_TURN = 50;
/** A book of at most so many offers is refreshed while the decision that found it out of date waits: it takes a few milliseconds. */
const WAITED_FOR_OFFERS = 2_000;
/** Whoever has not looked for so long may have missed what has been forgotten since, and begins with an empty book. */
const MISSED_AFTER_MS = 3_600_000;

interface Kept extends KeptBook {
  readonly sum: BookDigest;
}

const NOTHING: Kept = kept(0, emptyIndex(), BookDigest.empty);

/**
 * The book in memory, refreshed by what has changed and in turns with everything else. Who asks gets the last good one at once,
 * and the next as soon as it is ready; only the very first, and those of small books, are waited for.
 */
export class BookKeeper {
  private book: Kept | null = null;
  private lookedAtMs = 0;
  private refreshing: Promise<void> | null = null;
  /** The last refresh that nobody waited for has failed: the next one is waited for, so that somebody hears of it. */
  private hasFailed = false;

  constructor(private readonly offers: Pick<Offers, 'version' | 'patch'>) {}

  async current(nowMs: number): Promise<KeptBook> {
    const version = await this.offers.version();
    while (this.book === null || this.book.value.version < version) {
      this.refreshing ??= this.refresh(version, nowMs).finally(() => (this.refreshing = null));
      if (this.book !== null && !this.isWorthWaiting(this.book)) {
        this.refreshing.catch(() => (this.hasFailed = true));
        return this.book;
      }
      await this.refreshing;
      this.hasFailed = false;
    }
    this.lookedAtMs = Math.max(this.lookedAtMs, nowMs);
    return this.book;
  }

  private isWorthWaiting({ index }: Kept): boolean {
    return this.hasFailed || index.offers.length <= WAITED_FOR_OFFERS;
  }

  private async refresh(until: number, nowMs: number): Promise<void> {
    const isLate = nowMs - this.lookedAtMs > MISSED_AFTER_MS;
    const before = this.book === null || isLate ? NOTHING : this.book;
    const patch = await this.patchOf(before.value.version, until);
    const fromIndex = before === NOTHING ? emptyIndex() : before.index;
    const index = await inTurns(refreshed(fromIndex, patch));
    const sum = await inTurns(digested(before.sum, fromIndex, patch));
    this.book = kept(until, index, sum);
    this.lookedAtMs = Math.max(this.lookedAtMs, nowMs);
  }

  private async patchOf(since: number, until: number): Promise<BookPatch> {
    const gone: OfferId[] = [];
    const come: Offer[] = [];
    let after: OfferId | null = null;
    do {
      const page = await this.offers.patch({ since, until }, after, PAGE);
      gone.push(...page.gone);
      come.push(...page.come);
      after = page.next;
    } while (after !== null);
    return { gone, come };
  }
}

function kept(version: number, index: OfferIndex, sum: BookDigest): Kept {
  return {
    value: { version, offers: index.offers },
    index,
    digest: sum.toString(),
    egressPerGb: egressRatesOf(kindsOf(index)),
    sum,
  };
}

/** Takes away what was there of the offers that are gone or changed, and adds what is there of them now. */
function* digested(
  before: BookDigest,
  index: OfferIndex,
  { gone, come }: BookPatch,
): Generator<void, BookDigest> {
  let sum = before;
  const ids = [...gone, ...come.map(({ id }) => id)];
  for (let from = 0; from < ids.length; from += DIGESTED_PER_TURN) {
    sum = sum.without(
      ids.slice(from, from + DIGESTED_PER_TURN).flatMap((id) => {
        const at = positionOf(index, id);
        return at === null ? [] : (index.offers[at] ?? []);
      }),
    );
    yield;
  }
  for (let from = 0; from < come.length; from += DIGESTED_PER_TURN) {
    sum = sum.with(come.slice(from, from + DIGESTED_PER_TURN));
    yield;
  }
  return sum;
}

/** Does the work piece by piece, and lets everything that waits go first each time. */
async function inTurns<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
