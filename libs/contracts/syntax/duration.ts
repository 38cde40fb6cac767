import { quoted, read, refuse, type Reading } from './reading';

const units = [
  { name: 'w', ms: 604_800_000, written: false },
  { name: 'd', ms: 86_400_000, written: true },
  { name: 'h', ms: 3_600_000, written: true },
  { name: 'm', ms: 60_000, written: true },
  { name: 's', ms: 1_000, written: true },
  { name: 'ms', ms: 1, written: true },
] as const;
const msOf = new Map<string, number>(units.map(({ name, ms }) => [name, ms]));

/** Nothing that a job waits for or runs may be longer. */
export const MAX_DURATION_MS = 365 * 86_400_000;

const WHOLE = /^(?:\d{1,9}(?:\.\d{1,3})?(?:ms|[wdhms])\s*)+$/;
const PART = /(\d+(?:\.\d+)?)(ms|[wdhms])/g;
const REMEDY = 'write a number and a unit, for example "90m", "4h", "2d" or "1h30m"';

/** `90m`, `4h`, `2d`, `1h30m`: milliseconds, more than none and at most a year. */
export function readDuration(text: string): Reading<number> {
  const trimmed = text.trim().toLowerCase();
  if (!WHOLE.test(trimmed)) return refuse(`${quoted(text)} is not a duration`, REMEDY);
  const parts = [...trimmed.matchAll(PART)];
  const durationMs = Math.round(
    parts.reduce(
      (total, [, count, unit]) => total + Number(count) * (msOf.get(unit ?? '') ?? 0),
      0,
    ),
  );
  if (durationMs < 1) return refuse('a duration must be longer than nothing', REMEDY);
  if (durationMs > MAX_DURATION_MS)
    return refuse(`${quoted(text)} is longer than a year`, 'write at most "365d"');
  return read(durationMs);
}

/** The shortest text that reads as the same duration: `1h30m`. */
export function formatDuration(durationMs: number): string {
  let restMs = durationMs;
  const parts = units
    .filter(({ written }) => written)
    .map(({ name, ms }) => {
      const count = Math.floor(restMs / ms);
      restMs -= count * ms;
      return count === 0 ? '' : `${count}${name}`;
    });
  return parts.join('') || '0s';
}
