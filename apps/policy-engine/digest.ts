import { createHash } from 'node:crypto';

/** SHA-256 in hexadecimal of text that is already canonical. */
export function digestOf(canonicalText: string): string {
  return createHash('sha256').update(canonicalText).digest('hex');
}
