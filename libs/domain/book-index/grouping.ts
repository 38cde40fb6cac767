import type { Offer } from '../offer';
import { areAmong, whatFields, whereFields, type OfferField } from './dictionary';
import type { OfferIndex } from './offer-index';
import { Recent } from './recent';
import { wideSupplyFields, type SupplyClasses } from './supply-classes';

/** Something that tells offers apart: values `of` the numbers that the book has in one of its columns. */
export interface Axis {
  readonly name: string;
  readonly column: 'what' | 'where' | 'supply';
  readonly of: Uint32Array;
  readonly size: number;
  /** One offer for each value; empty where there are none at hand. */
  readonly specimens: readonly Offer[];
}

/** The most combinations of values for which answers are kept. */
const MAX_COMBINATIONS = 4_000_000;

/**
 * Axes that tell apart all offers that differ in `fields`, and with `health` those that are not equally reliable; null where only
 * the offers themselves do.
 */
export function axesOf(
  { catalogue: { what, where }, numbers }: Pick<OfferIndex, 'catalogue' | 'numbers'>,
  classes: SupplyClasses,
  fields: readonly OfferField[] | null,
  health: boolean,
): readonly Axis[] | null {
  if (fields === null) return null;
  const wanted = [...new Set([...fields, ...(health && classes.isWide ? wideSupplyFields : [])])];
  if (!areAmong(wanted, [...whatFields, ...whereFields])) return null;
  const supply = health && !classes.isWide ? [supplyAxis(classes)] : [];
  const isPlace = areAmong(wanted, whereFields) && !areAmong(wanted, whatFields);
  const ofWhat = isPlace ? [] : wanted.filter((field) => whatFields.includes(field));
  const ofWhere = isPlace ? wanted : wanted.filter((field) => !whatFields.includes(field));
  const plain = [
    ...(ofWhat.length > 0
      ? [axisOf('what', what.projection(ofWhat.sort(), numbers.what), ofWhat)]
      : []),
    ...(ofWhere.length > 0
      ? [axisOf('where', where.projection(ofWhere.sort(), numbers.where), ofWhere)]
      : []),
    ...supply,
  ];
  const axes = plain.length > 0 ? plain : [axisOf('what', what.projection([], numbers.what), [])];
  return combinations(axes) <= MAX_COMBINATIONS ? axes : null;
}

function axisOf(
  column: 'what' | 'where',
  { of, size, specimens }: Pick<Axis, 'of' | 'size' | 'specimens'>,
  fields: readonly OfferField[],
): Axis {
  return { name: `${column}:${fields.join(' ')}:${size}`, column, of, size, specimens };
}

export function whereAxis(
  { catalogue: { where }, numbers }: Pick<OfferIndex, 'catalogue' | 'numbers'>,
  fields: readonly OfferField[],
): Axis {
  return axisOf('where', where.projection(fields, numbers.where), fields);
}

function supplyAxis({ of, size, edition }: SupplyClasses): Axis {
  return { name: `supply:${edition}`, column: 'supply', of, size, specimens: [] };
}

export function combinations(axes: readonly Axis[]): number {
  return axes.reduce((product, { size }) => product * Math.max(1, size), 1);
}

export function nameOf(axes: readonly Axis[]): string {
  return axes.map(({ name }) => name).join('|');
}

/** As long as this is the same, combinations keep their numbers, while the first axis may get more values. */
export function codingOf(axes: readonly Axis[]): string {
  const [first, ...others] = axes;
  return `${first?.name.replace(/:\d+$/, '') ?? ''}|${nameOf(others)}`;
}

/** The number of the combination of values that an offer has. */
export function codeAt(index: OfferIndex, axes: readonly Axis[], position: number): number {
  let code = 0;
  for (let n = 0; n < axes.length; n += 1) {
    const axis = axes[n];
    if (axis === undefined) break;
    code = code * axis.size + (axis.of[index[axis.column][position] ?? 0] ?? 0);
  }
  return code;
}

/** The offers of a book in groups that nothing tells apart but what the axes leave out. */
export interface Grouping {
  readonly size: number;
  /** The group by position. */
  readonly ids: Uint32Array;
  /** By group: the combination of values, the offers, and where they begin in `order`. */
  readonly codes: Float64Array;
  readonly counts: Uint32Array;
  readonly starts: Uint32Array;
  /** Positions group by group, rising within each. */
  readonly order: Uint32Array;
}

/** Groupings of one book that are kept; each takes twelve bytes for an offer. */
const GROUPINGS_KEPT = 16;
const known = new WeakMap<OfferIndex, Recent<Grouping>>();

/** The offers grouped by some axes; each by itself for null. Worked out once for a book and its axes. */
export function groupingOf(index: OfferIndex, axes: readonly Axis[] | null): Grouping {
  const groupings = known.get(index) ?? new Recent<Grouping>(GROUPINGS_KEPT);
  known.set(index, groupings);
  const name = axes === null ? 'each' : nameOf(axes);
  return groupings.get(name) ?? groupings.set(name, grouped(index, axes));
}

function grouped(index: OfferIndex, axes: readonly Axis[] | null): Grouping {
  const ids = new Uint32Array(index.offers.length);
  const codes = axes === null ? eachAlone(ids) : numbered(index, axes, ids);
  const counts = new Uint32Array(codes.length);
  for (let at = 0; at < ids.length; at += 1) {
    const id = ids[at] ?? 0;
    counts[id] = (counts[id] ?? 0) + 1;
  }
  const starts = new Uint32Array(codes.length + 1);
  for (let id = 0; id < codes.length; id += 1)
    starts[id + 1] = (starts[id] ?? 0) + (counts[id] ?? 0);
  const next = starts.slice();
  const order = new Uint32Array(ids.length);
  for (let at = 0; at < ids.length; at += 1) {
    const id = ids[at] ?? 0;
    const place = next[id] ?? 0;
    order[place] = at;
    next[id] = place + 1;
  }
  return { size: codes.length, ids, codes, counts, starts, order };
}

function eachAlone(ids: Uint32Array): Float64Array {
  for (let at = 0; at < ids.length; at += 1) ids[at] = at;
  return Float64Array.from(ids);
}

/** Combinations for each offer above which a table of all of them would be mostly empty. */
const SPARSE_FROM = 8;

/** Gives numbers to the combinations in the order of their first offers; returns the combinations. */
function numbered(index: OfferIndex, axes: readonly Axis[], ids: Uint32Array): Float64Array {
  const size = combinations(axes);
  if (size > SPARSE_FROM * ids.length) return numberedSparsely(index, axes, ids);
  const numbers = new Uint32Array(size);
  const codes: number[] = [];
  for (let at = 0; at < ids.length; at += 1) {
    const code = codeAt(index, axes, at);
    let number = numbers[code] ?? 0;
    if (number === 0) {
      number = codes.push(code);
      numbers[code] = number;
    }
    ids[at] = number - 1;
  }
  return Float64Array.from(codes);
}

function numberedSparsely(index: OfferIndex, axes: readonly Axis[], ids: Uint32Array) {
  const numbers = new Map<number, number>();
  for (let at = 0; at < ids.length; at += 1) {
    const code = codeAt(index, axes, at);
    const number = numbers.get(code) ?? numbers.size;
    numbers.set(code, number);
    ids[at] = number;
  }
  return Float64Array.from(numbers.keys());
}
