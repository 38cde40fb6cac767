import type { Offer } from '../offer';
import { groupingOf, type Axis, type Grouping } from './grouping';
import type { OfferIndex } from './offer-index';
import type { ReasonTally } from './reasons';

/**
 * Numbers of the reasons for which an offer is refused, see `ReasonTally`. `code` is the combination of values on the axes that it
 * stands for, or the position of the offer where there are no axes.
 */
export type Refuse = (offer: Offer, code: number) => readonly number[];

/** Room for one decision at a time, and how many offers have each number. */
interface Bench {
  readonly settled: Int32Array;
  readonly each: Int32Array;
  readonly counts: { readonly what: Uint32Array; readonly where: Uint32Array };
  /** The same for values of fields of these, as far as anybody has asked. There are no more axes than combinations of fields. */
  readonly countsByAxis: Map<string, Uint32Array>;
}

const benches = new WeakMap<OfferIndex, Bench>();

function benchOf(index: OfferIndex): Bench {
  const known = benches.get(index);
  if (known !== undefined) return known;
  const { what, where } = index.numbers;
  const made = {
    settled: new Int32Array(index.offers.length),
    each: new Int32Array(index.offers.length),
    counts: {
      what: countedBy(index.what, what),
      where: countedBy(index.where, where),
    },
    countsByAxis: new Map<string, Uint32Array>(),
  };
  benches.set(index, made);
  return made;
}

function countedBy(numbers: Uint32Array, size: number): Uint32Array {
  const counts = new Uint32Array(size);
  for (let at = 0; at < numbers.length; at += 1) {
    const number = numbers[at] ?? 0;
    counts[number] = (counts[number] ?? 0) + 1;
  }
  return counts;
}

const kinds = new WeakMap<OfferIndex, readonly Offer[]>();

/** One offer for each kind that the book has: a provider, what it sells, and what its traffic and its token are. The same list each time. */
export function kindsOf(index: OfferIndex): readonly Offer[] {
  const known = kinds.get(index);
  if (known !== undefined) return known;
  const { what } = benchOf(index).counts;
  const made = index.catalogue.what.specimens.filter((_, number) => (what[number] ?? 0) > 0);
  kinds.set(index, made);
  return made;
}

/**
 * Where the reasons against every offer of a book come together. What many offers have in common is added up once for all of
 * them, and reaches each offer at the end, in `settle`.
 */
export class Board {
  private readonly what: Int32Array;
  private readonly where: Int32Array;
  private isWhereUsed: boolean;
  private each: Int32Array | null = null;

  constructor(
    private readonly index: OfferIndex,
    readonly tally: ReasonTally,
    private readonly from: Board | null = null,
  ) {
    const { what, where } = index.numbers;
    this.what = from === null ? new Int32Array(what) : from.what.slice();
    this.where = from === null || !from.isWhereUsed ? new Int32Array(where) : from.where.slice();
    this.isWhereUsed = from?.isWhereUsed ?? false;
    if (from !== null && from.each !== null) this.eachOffer().set(from.each);
  }

  /** A board that goes on from here, and leaves this one as it is. Good until the next is made for the same book. */
  forked(): Board {
    return new Board(this.index, this.tally.forked(), this);
  }

  /** Asks once for all offers that the axes do not tell apart; of every offer for null. */
  ask(axes: readonly Axis[] | null, refuse: Refuse): void {
    const [only] = axes ?? [];
    if (axes === null) this.askEach(refuse);
    else if (axes.length === 1 && only !== undefined && only.column !== 'supply')
      this.askValues(only, only.column, refuse);
    else this.askGroups(groupingOf(this.index, axes), refuse);
  }

  private askEach(refuse: Refuse): void {
    const each = this.eachOffer();
    for (const [at, offer] of this.index.offers.entries())
      each[at] = (each[at] ?? 0) + this.taken(refuse(offer, at), 1);
  }

  private askValues(axis: Axis, column: 'what' | 'where', refuse: Refuse): void {
    const counts = countsOf(this.index, column, axis);
    const packed = new Int32Array(axis.size);
    let isRefusing = false;
    for (let value = 0; value < axis.size; value += 1) {
      const offers = counts[value] ?? 0;
      const specimen = axis.specimens[value];
      if (offers === 0 || specimen === undefined) continue;
      const numbers = refuse(specimen, value);
      if (numbers.length === 0) continue;
      isRefusing = true;
      packed[value] = this.taken(numbers, offers);
    }
    if (isRefusing) this.addPacked(axis, column, packed);
  }

  /** The same reasons against all offers that have one of these values. */
  addValues(
    axis: Axis,
    column: 'what' | 'where',
    values: readonly number[],
    numbers: readonly number[],
  ): void {
    const counts = countsOf(this.index, column, axis);
    const packed = new Int32Array(axis.size);
    let offers = 0;
    for (const value of values) {
      packed[value] = this.tally.packed(numbers);
      offers += counts[value] ?? 0;
    }
    if (offers === 0) return;
    this.tally.count(numbers, offers);
    this.addPacked(axis, column, packed);
  }

  private addPacked(axis: Axis, column: 'what' | 'where', packed: Int32Array): void {
    const sums = this[column];
    if (column === 'where') this.isWhereUsed = true;
    for (let number = 0; number < sums.length; number += 1)
      sums[number] = (sums[number] ?? 0) + (packed[axis.of[number] ?? 0] ?? 0);
  }

  private askGroups(grouping: Grouping, refuse: Refuse): void {
    const packed = new Int32Array(grouping.size);
    let isRefusing = false;
    for (let group = 0; group < grouping.size; group += 1) {
      const first = grouping.order[grouping.starts[group] ?? 0] ?? 0;
      const specimen = this.index.offers[first];
      if (specimen === undefined) continue;
      const numbers = refuse(specimen, grouping.codes[group] ?? 0);
      if (numbers.length === 0) continue;
      isRefusing = true;
      packed[group] = this.taken(numbers, grouping.counts[group] ?? 0);
    }
    if (isRefusing) this.addGroups(grouping, packed);
  }

  private addGroups({ ids }: Grouping, packed: Int32Array): void {
    const each = this.eachOffer();
    for (let at = 0; at < each.length; at += 1)
      each[at] = (each[at] ?? 0) + (packed[ids[at] ?? 0] ?? 0);
  }

  /** Asks about the first offer that can be had, and the first that cannot, for all that are like it in that. */
  askAvailable(refuse: Refuse): void {
    const { available, offers } = this.index;
    for (const state of [0, 1]) {
      const first = offers[available.indexOf(state)];
      const numbers = first === undefined ? [] : refuse(first, state);
      if (numbers.length === 0) continue;
      const each = this.eachOffer();
      const packed = this.tally.packed(numbers);
      let count = 0;
      for (let at = 0; at < each.length; at += 1) {
        if (available[at] !== state) continue;
        each[at] = (each[at] ?? 0) + packed;
        count += 1;
      }
      this.tally.count(numbers, count);
    }
  }

  /** Asks about one offer of each group, by its position. */
  askFirst(grouping: Grouping, refuse: Refuse): void {
    const packed = new Int32Array(grouping.size);
    let isRefusing = false;
    for (let group = 0; group < grouping.size; group += 1) {
      const numbers = this.answerAt(grouping, grouping.starts[group] ?? 0, refuse);
      isRefusing ||= numbers.length > 0;
      packed[group] = this.taken(numbers, grouping.counts[group] ?? 0);
    }
    if (isRefusing) this.addGroups(grouping, packed);
  }

  /**
   * Asks about groups whose offers differ in their prices alone, where no reason goes away as the price rises: the cheapest and
   * the dearest of each, and what lies between only as far as those two differ. `refuse` is told positions.
   */
  askRising(grouping: Grouping, refuse: Refuse): void {
    const packed = new Int32Array(grouping.size);
    let isRefusing = false;
    for (let group = 0; group < grouping.size; group += 1) {
      const from = grouping.starts[group] ?? 0;
      const to = (grouping.starts[group + 1] ?? 0) - 1;
      const first = this.answerAt(grouping, from, refuse);
      const last = to === from ? first : this.answerAt(grouping, to, refuse);
      if (isSame(first, last)) {
        packed[group] = this.taken(first, to - from + 1);
        isRefusing ||= first.length > 0;
      } else this.fill(grouping, refuse, { at: from, answer: first }, { at: to, answer: last });
    }
    if (isRefusing) this.addGroups(grouping, packed);
  }

  private fill(grouping: Grouping, refuse: Refuse, low: Answered, high: Answered): void {
    if (isSame(low.answer, high.answer)) {
      this.addRange(grouping, low, high.at);
    } else if (high.at - low.at <= 1) {
      this.addRange(grouping, low, low.at);
      this.addRange(grouping, high, high.at);
    } else {
      const at = (low.at + high.at) >>> 1;
      const middle = { at, answer: this.answerAt(grouping, at, refuse) };
      this.fill(grouping, refuse, low, middle);
      const next = { at: at + 1, answer: this.answerAt(grouping, at + 1, refuse) };
      this.fill(grouping, refuse, next, high);
    }
  }

  private addRange({ order }: Grouping, { at: from, answer }: Answered, to: number): void {
    if (answer.length === 0) return;
    const packed = this.taken(answer, to - from + 1);
    const each = this.eachOffer();
    for (let slot = from; slot <= to; slot += 1) {
      const at = order[slot] ?? 0;
      each[at] = (each[at] ?? 0) + packed;
    }
  }

  private answerAt({ order }: Grouping, slot: number, refuse: Refuse): readonly number[] {
    const at = order[slot] ?? 0;
    const offer = this.index.offers[at];
    return offer === undefined ? [] : refuse(offer, at);
  }

  private taken(numbers: readonly number[], offers: number): number {
    if (numbers.length === 0) return 0;
    this.tally.count(numbers, offers);
    return this.tally.packed(numbers);
  }

  /** The same reasons against all offers of some places, by number, and against some offers besides. */
  addTo(places: Uint8Array | null, positions: Iterable<number>, numbers: readonly number[]): void {
    const packed = this.tally.packed(numbers);
    if (places !== null) {
      this.isWhereUsed = true;
      const { where } = benchOf(this.index).counts;
      for (let number = 0; number < this.where.length; number += 1) {
        if (places[number] !== 1) continue;
        this.where[number] = (this.where[number] ?? 0) + packed;
        this.tally.count(numbers, where[number] ?? 0);
      }
    }
    for (const at of positions) {
      const each = this.eachOffer();
      each[at] = (each[at] ?? 0) + packed;
      this.tally.count(numbers, 1);
    }
  }

  /** The reasons against each offer by position, packed; good until the next decision about the same book. */
  settle(): Int32Array {
    const { offers, what, where } = this.index;
    const { settled } = benchOf(this.index);
    for (let at = 0; at < offers.length; at += 1) settled[at] = this.what[what[at] ?? 0] ?? 0;
    if (this.isWhereUsed)
      for (let at = 0; at < offers.length; at += 1)
        settled[at] = (settled[at] ?? 0) + (this.where[where[at] ?? 0] ?? 0);
    if (this.each !== null)
      for (let at = 0; at < offers.length; at += 1)
        settled[at] = (settled[at] ?? 0) + (this.each[at] ?? 0);
    return settled;
  }

  private eachOffer(): Int32Array {
    if (this.each !== null) return this.each;
    const { offers } = this.index;
    // A decision leaves nothing behind that others would have to clear away.
    this.each =
      this.from === null ? new Int32Array(offers.length) : benchOf(this.index).each.fill(0);
    return this.each;
  }
}

interface Answered {
  /** The slot in the order of the grouping. */
  readonly at: number;
  readonly answer: readonly number[];
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((number, n) => number === b[n]);
}

/** How many offers have each value of an axis. */
export function countsOf(
  index: OfferIndex,
  column: 'what' | 'where',
  { name, of, size }: Pick<Axis, 'name' | 'of' | 'size'>,
): Uint32Array {
  const { counts: bases, countsByAxis } = benchOf(index);
  const known = countsByAxis.get(name);
  if (known !== undefined) return known;
  const base = bases[column];
  const counts = new Uint32Array(size);
  for (let number = 0; number < base.length; number += 1) {
    const value = of[number] ?? 0;
    counts[value] = (counts[value] ?? 0) + (base[number] ?? 0);
  }
  countsByAxis.set(name, counts);
  return counts;
}
