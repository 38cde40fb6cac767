import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { WireError } from './wire';

const SCHEME =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]+)$/;

/** The key pair that the emulated account knows. */
export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Checks a Signature Version 4 and answers with the region that it was made for. Dates are not checked: time is emulated. */
export function regionOfSigned(request: IncomingMessage, body: string, keys: KeyPair): string {
  const match = SCHEME.exec(request.headers.authorization ?? '');
  if (match === null) {
    throw new WireError(
      'AuthFailure',
      'AWS was not able to validate the provided access credentials',
      401,
    );
  }
  const [, accessKeyId = '', date = '', region = '', service = '', signed = '', signature = ''] =
    match;
  if (accessKeyId !== keys.accessKeyId) {
    throw new WireError(
      'AuthFailure',
      'AWS was not able to validate the provided access credentials',
      401,
    );
  }
  const canonical = canonicalRequest(request, signed.split(';'), body);
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', header(request, 'x-amz-date'), scope, sha256(canonical)].join(
    '\n',
  );
  const key = [date, region, service, 'aws4_request'].reduce<Buffer>(
    (secret, part) => hmac(secret, part),
    Buffer.from(`AWS4${keys.secretAccessKey}`),
  );
  if (!isSame(hmac(key, toSign).toString('hex'), signature)) {
    throw new WireError('SignatureDoesNotMatch', 'The request signature does not match', 403);
  }
  return region;
}

/** EC2 takes everything in the body, so the path is `/` and the query string is empty. */
function canonicalRequest(
  request: IncomingMessage,
  signedHeaders: readonly string[],
  body: string,
): string {
  const headers = signedHeaders.map((name) => `${name}:${header(request, name)}\n`).join('');
  return [request.method, '/', '', headers, signedHeaders.join(';'), sha256(body)].join('\n');
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  const joined = Array.isArray(value) ? value.join(',') : (value ?? '');
  return joined.trim().replace(/ +/g, ' ');
}

function sha256(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

function hmac(key: Buffer, content: string): Buffer {
  return createHmac('sha256', key).update(content).digest();
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
