import { createHash } from 'node:crypto';
import {
  canonicalJson,
  costTermNames,
  type JobFacts,
  type KeptDecision,
  type Offer,
  type PolicyDocument,
} from '#libs/domain';

/** SHA-256 in hexadecimal of text that is already canonical. */
export function digestOf(canonicalText: string): string {
  return createHash('sha256').update(canonicalText).digest('hex');
}

/**
 * Of what a decision knew of the job. Not of its baseline and the place of its checkpoint: they follow from earlier decisions and
 * attempts, stand in the record itself, and where they change anything the decision has another digest.
 */
export function digestOfFacts({ id, spec, deadlineAtMs, spent }: JobFacts): string {
  return digestOf(canonicalJson({ id, spec, deadlineAtMs, spent }));
}

/** Of the policies in force together. Each name is there once, and the order in which they come means nothing. */
export function digestOfPolicies(documents: readonly PolicyDocument[]): string {
  return digestOf(canonicalJson([...documents].sort((a, b) => (a.name < b.name ? -1 : 1))));
}

/**
 * Of what is kept of a decision: the ranked offers and the reserves by id with what each costs, the nearest misses with their
 * reasons, and all counts. The offers themselves have a digest of their own. What is not kept can make no difference later; a
 * change of anything that a decision is made from shows in the digests of those.
 */
export function digestOfDecision({ summary, reserves }: KeptDecision): string {
  const { ranked, ...rest } = summary;
  const hash = createHash('sha256').update(canonicalJson(rest));
  for (const { offer, terms, latenessBps, noReturnAtMs } of [...ranked, ...reserves]) {
    const costs = costTermNames.map((name) => terms[name]).join(' ');
    hash.update(`\n${offer.id} ${costs} ${latenessBps} ${noReturnAtMs ?? '-'}`);
  }
  return hash.digest('hex');
}

const DIGESTS = 2n ** 256n;

/**
 * Of a book as a set of offers: the sum of the digests of each, so that a book of which little has changed is digested by what
 * has changed. It tells apart books that differ by chance or mistake; it is no proof against whoever makes up offers to fit.
 */
export class BookDigest {
  private constructor(private readonly sum: bigint) {}

  static readonly empty = new BookDigest(0n);

  with(offers: readonly Offer[]): BookDigest {
    return new BookDigest(
      offers.reduce((sum, offer) => (sum + numberOf(offer)) % DIGESTS, this.sum),
    );
  }

  without(offers: readonly Offer[]): BookDigest {
    return new BookDigest(
      offers.reduce((sum, offer) => (sum + DIGESTS - numberOf(offer)) % DIGESTS, this.sum),
    );
  }

  toString(): string {
    return this.sum.toString(16).padStart(64, '0');
  }
}

function numberOf(offer: Offer): bigint {
  return BigInt(`0x${digestOf(canonicalJson(offer))}`);
}

/** The same of a whole book at once. */
export function digestOfBook(offers: readonly Offer[]): string {
  return BookDigest.empty.with(offers).toString();
}
