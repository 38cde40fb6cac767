import { quoted, read, refuse, type Reading } from './reading';

const DATA_URI = /^data:([\w.+-]+\/[\w.+-]+)?((?:;[\w.+-]+=[\w.+-]+)*)(;base64)?,/i;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const PERCENT_TEXT = /^(?:[^%]|%[0-9A-Fa-f]{2})*$/;

/** The parts of a `data:` address. */
export interface InlineData {
  readonly mediaType: string;
  readonly base64: boolean;
  /** Still encoded. */
  readonly body: string;
  readonly sizeBytes: number;
}

/** Takes a `data:` address apart and measures it; nothing is decoded yet. */
export function readDataUri(uri: string): Reading<InlineData> {
  const head = DATA_URI.exec(uri);
  if (head === null)
    return refuse(`${quoted(uri)} is not a data: address`, 'write data:text/plain;base64,…');
  const base64 = head[3] !== undefined;
  const body = uri.slice(head[0].length);
  const wellFormed = base64
    ? BASE64.test(body) && body.replace(/=+$/, '').length % 4 !== 1
    : PERCENT_TEXT.test(body);
  if (!wellFormed)
    return refuse(
      `the bytes of ${quoted(uri)} are not ${base64 ? 'base64' : 'percent-encoded text'}`,
      base64 ? 'encode the bytes as base64' : 'write every % as %25',
    );
  const sizeBytes = base64
    ? Math.floor((body.replace(/=+$/, '').length * 3) / 4)
    : utf8Length(body.replace(/%[0-9A-Fa-f]{2}/g, '.'));
  return read({ mediaType: head[1] ?? 'text/plain', base64, body, sizeBytes });
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
