import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The bearer token of one attempt's supervisor: HMAC-SHA256 of the attempt's id under the server's secret. It needs no
 * storage, is the same each time it is made (so a repeated acquire sends the same bytes), and opens no other attempt.
 */
export function attemptToken(serverSecret: string, attemptId: string): string {
  return createHmac('sha256', serverSecret).update(`attempt:${attemptId}`).digest('base64url');
}

/** Compares in constant time. */
export function isAttemptToken(
  serverSecret: string,
  attemptId: string,
  presented: string,
): boolean {
  const expected = Buffer.from(attemptToken(serverSecret, attemptId));
  const given = Buffer.from(presented);
  return expected.length === given.length && timingSafeEqual(expected, given);
}
