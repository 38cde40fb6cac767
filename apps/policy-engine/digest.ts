import { createHash } from 'node:crypto';
import { canonicalJson, costTermNames, type Decision, type PolicyDocument } from '#libs/domain';

/** SHA-256 in hexadecimal of text that is already canonical. */
export function digestOf(canonicalText: string): string {
  return createHash('sha256').update(canonicalText).digest('hex');
}

/** Of the policies in force together. Each name is there once, and the order in which they come means nothing. */
export function digestOfPolicies(documents: readonly PolicyDocument[]): string {
  return digestOf(canonicalJson([...documents].sort((a, b) => (a.name < b.name ? -1 : 1))));
}

/**
 * Of a whole decision: what it says of every offer, by the offer's id. The offers themselves have a digest of their own, and
 * writing each out again would cost several times what deciding does.
 */
export function digestOfDecision({ engine, ranked, rejected, baseline }: Decision): string {
  const hash = createHash('sha256').update(`${engine} ${canonicalJson(baseline)}`);
  for (const { offer, terms, latenessBps, noReturnAtMs } of ranked) {
    const costs = costTermNames.map((name) => terms[name]).join(' ');
    hash.update(`\n${offer.id} ${costs} ${latenessBps} ${noReturnAtMs ?? '-'}`);
  }
  for (const { offer, reasons } of rejected)
    hash.update(`\n${offer.id} ${JSON.stringify(reasons)}`);
  return hash.digest('hex');
}
