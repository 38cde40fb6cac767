import { quoted, read, refuse, type Reading } from './reading';

const INSTANT =
  /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;
const REMEDY =
  'write it in ISO 8601 with its zone, for example "2027-01-31T18:00:00Z" or "2027-01-31"';

/** An instant in ISO 8601, as the same instant in UTC with milliseconds. A day alone means its first moment in UTC. */
export function readInstant(written: string): Reading<string> {
  const text = written.trim();
  const day = INSTANT.exec(text)?.[1];
  const ms = day === undefined || !exists(day) ? Number.NaN : Date.parse(text);
  if (Number.isNaN(ms)) return refuse(`${quoted(text)} is no instant`, REMEDY);
  return read(new Date(ms).toISOString());
}

/** `Date.parse` takes the 30th of February for a day in March. */
function exists(day: string): boolean {
  const ms = Date.parse(day);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}
