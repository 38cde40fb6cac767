import type { Range } from '#libs/domain';
import { quoted, read, refuse, type Reading } from './reading';

/** What a quantity is counted in: its unit words and how much each is worth. `''` is a number without a unit. */
export interface Measure {
  readonly units: ReadonlyMap<string, number>;
  /** Written after every number. */
  readonly written: string;
  readonly max: number;
  readonly whole: boolean;
  readonly remedy: string;
}

const MIB_PER_GIB = 1024;
/** A billionth of a unit is the smallest difference that is kept, so that 51MB is 0.051 GB and nothing longer. */
const PRECISION = 1e9;

/** Memory is counted in GiB whatever people call it, as in every cloud's catalogue. */
export const memory: Measure = {
  units: new Map([
    ['', 1],
    ['gb', 1],
    ['gib', 1],
    ['g', 1],
    ['mb', 1 / MIB_PER_GIB],
    ['mib', 1 / MIB_PER_GIB],
    ['tb', MIB_PER_GIB],
    ['tib', MIB_PER_GIB],
  ]),
  written: 'GB',
  max: 10_000_000,
  whole: false,
  remedy: 'write for example "32GB+" (at least), "16GB..64GB" (between) or "32GB" (exactly)',
};

export const cpus: Measure = {
  units: new Map([['', 1]]),
  written: '',
  max: 100_000,
  whole: true,
  remedy: 'write for example "4+" (at least), "4..8" (between) or 4 (exactly)',
};

/** Disks and files are counted in GB of a billion bytes. */
export const storage: Measure = {
  units: new Map([
    ['', 1],
    ['gb', 1],
    ['g', 1],
    ['kb', 1e-6],
    ['mb', 1e-3],
    ['tb', 1e3],
  ]),
  written: 'GB',
  max: 100_000_000,
  whole: false,
  remedy: 'write for example "100GB", "500MB" or "2TB"',
};

const NUMBER = /^(\d{1,12}(?:\.\d{1,15})?(?:e-\d{1,2})?)\s?([a-z]*)$/;

/** A single quantity such as `500MB`, in the measure's own unit. */
export function readQuantity(written: string | number, measure: Measure): Reading<number> {
  const text = String(written).trim().toLowerCase();
  const [, digits, unit] = NUMBER.exec(text) ?? [];
  const worth = unit === undefined ? undefined : measure.units.get(unit);
  if (digits === undefined || worth === undefined)
    return refuse(`${quoted(String(written))} is not an amount`, measure.remedy);
  const value = Math.round(Number(digits) * worth * PRECISION) / PRECISION;
  if (value > measure.max)
    return refuse(`${quoted(String(written))} is too much`, `write at most ${measure.max}`);
  if (measure.whole && !Number.isInteger(value))
    return refuse(`${quoted(String(written))} is not a whole number`, measure.remedy);
  return read(value);
}

/** `4+` and `4..` are at least, `..8` is at most, `4..8` is between, and `4` alone is exactly four. */
export function readRange(written: string | number, measure: Measure): Reading<Range> {
  const text = String(written).trim();
  const [low, high] = bounds(text);
  if (low === '' && high === '')
    return refuse(`${quoted(text)} is not a quantity or range`, measure.remedy);
  const min = low === '' ? read(0) : readQuantity(withUnitOf(low, high), measure);
  if (!min.ok) return min;
  const max = high === '' ? read(null) : readQuantity(high, measure);
  if (!max.ok) return max;
  if (max.value !== null && max.value < min.value)
    return refuse(`${quoted(text)} ends before it begins`, measure.remedy);
  return read({ min: min.value, max: max.value });
}

/** The texts of the lower and upper bound; empty is open. */
function bounds(text: string): readonly [string, string] {
  if (text.endsWith('+')) return [text.slice(0, -1).trim(), ''];
  const dots = text.indexOf('..');
  if (dots < 0) return [text, text];
  return [text.slice(0, dots).trim(), text.slice(dots + 2).trim()];
}

/** `24..80GB` means GB on both sides. */
function withUnitOf(low: string, high: string): string {
  const unit = /[a-z]+$/i.exec(high)?.[0] ?? '';
  return /[a-z]$/i.test(low) ? low : `${low}${unit}`;
}

export function formatQuantity(value: number, { written }: Measure): string {
  return `${value}${written}`;
}

export function formatRange({ min, max }: Range, measure: Measure): string {
  if (max === null) return `${formatQuantity(min, measure)}+`;
  if (max === min) return formatQuantity(min, measure);
  return `${formatQuantity(min, measure)}..${formatQuantity(max, measure)}`;
}
