import { quoted, read, refuse, type Reading } from './reading';

const PERCENT = /^(\d{1,3})(?:\.(\d{1,2}))?\s?%$/;
const MAX_BPS = 9_999;
const REMEDY = 'write a percentage such as "99.9%"';

/** `99.9%` in basis points; more than none, less than all. */
export function readAvailability(text: string): Reading<number> {
  const digits = PERCENT.exec(text.trim());
  if (digits === null) return refuse(`${quoted(text)} is not a percentage`, REMEDY);
  const bps = Number(digits[1]) * 100 + Number((digits[2] ?? '').padEnd(2, '0'));
  if (bps < 1 || bps > MAX_BPS)
    return refuse(`nobody promises an availability of ${quoted(text)}`, REMEDY);
  return read(bps);
}

export function formatAvailability(bps: number): string {
  return `${bps / 100}%`;
}
