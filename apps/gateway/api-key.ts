import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const SECRET_BYTES = 32;
const KEY = /^fl_([a-z0-9-]{1,40})_([A-Za-z0-9_-]{43})$/;

/** A key as its holder sends it: `fl_<id>_<secret>`. */
export interface PresentedKey {
  readonly id: string;
  readonly secret: string;
}

/** Takes a key apart, or null for anything that is none. */
export function readApiKey(text: string): PresentedKey | null {
  const [, id, secret] = KEY.exec(text) ?? [];
  return id === undefined || secret === undefined ? null : { id, secret };
}

export function writeApiKey({ id, secret }: PresentedKey): string {
  return `fl_${id}_${secret}`;
}

/** 256 random bits. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/**
 * One round of SHA-256 is right here: the secret is 256 random bits, so that there is nothing to guess and a slow hash
 * would only slow down every request. Passwords, which people choose, would need one.
 */
export function digestOfSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Compares digests in time that does not depend on where they differ. */
export function isSecretOf(secret: string, digest: string): boolean {
  const given = Buffer.from(digestOfSecret(secret), 'hex');
  const known = Buffer.from(digest, 'hex');
  return given.length === known.length && timingSafeEqual(given, known);
}
