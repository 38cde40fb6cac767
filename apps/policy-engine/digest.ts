import { createHash } from 'node:crypto';
import { canonicalJson, type PolicyDocument } from '#libs/domain';

/** SHA-256 in hexadecimal of text that is already canonical. */
export function digestOf(canonicalText: string): string {
  return createHash('sha256').update(canonicalText).digest('hex');
}

/** Of the policies in force together. Each name is there once, and the order in which they come means nothing. */
export function digestOfPolicies(documents: readonly PolicyDocument[]): string {
  return digestOf(canonicalJson([...documents].sort((a, b) => (a.name < b.name ? -1 : 1))));
}
