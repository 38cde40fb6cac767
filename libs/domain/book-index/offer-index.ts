import type { OfferId } from '../ids';
import type { Offer } from '../offer';
import { Dictionary, whatFields, whereFields } from './dictionary';
import { SupplyDictionary } from './supply-classes';

/** Numbers for what offers have in common. They outlive the book that they were made for: the next one is numbered by them too. */
export interface Catalogue {
  readonly what: Dictionary;
  readonly where: Dictionary;
  readonly supply: SupplyDictionary;
}

/** One offer as numbers. */
interface Encoded {
  readonly offer: Offer;
  readonly what: number;
  readonly where: number;
  readonly supply: number;
}

/**
 * A book of offers, made ready to be decided on. A position is the place of an offer among all by price, those of one price by
 * id. What is in it never changes; an index of a later book is made from it by `refreshed`.
 */
export interface OfferIndex {
  readonly catalogue: Catalogue;
  /** How many numbers each dictionary had given when the book was numbered; it may have gone on for a later book. */
  readonly numbers: { readonly what: number; readonly where: number; readonly supply: number };
  /** By position, as is everything below. */
  readonly offers: readonly Offer[];
  readonly what: Uint32Array;
  readonly where: Uint32Array;
  readonly supply: Uint32Array;
  /** 1 for an offer that can be had now. */
  readonly available: Uint8Array;
  /** All positions in the order of the offers' ids. */
  readonly byId: Uint32Array;
}

/** How one book differs from the one before it. */
export interface BookPatch {
  /** Offers that are there no more. */
  readonly gone: readonly OfferId[];
  /** Offers that are new, or are now like this. */
  readonly come: readonly Offer[];
}

/** How much is done before others get their turn: offers that are numbered, looked up or compared, and offers that are only moved. */
const NUMBERED_PER_TURN = 100;
const SOUGHT_PER_TURN = 500;
const MOVED_PER_TURN = 10_000;
/** Dictionaries are begun anew when they hold this many times what the book needs. */
const LEFTOVERS = 4;
const LEFTOVERS_AT_LEAST = 10_000;

export function emptyIndex(): OfferIndex {
  return {
    catalogue: {
      what: new Dictionary(whatFields),
      where: new Dictionary(whereFields),
      supply: new SupplyDictionary(),
    },
    numbers: { what: 0, where: 0, supply: 0 },
    offers: [],
    what: new Uint32Array(0),
    where: new Uint32Array(0),
    supply: new Uint32Array(0),
    available: new Uint8Array(0),
    byId: new Uint32Array(0),
  };
}

/** The index of a book, without a pause. Of two offers with one id the later counts. */
export function indexOffers(offers: readonly Offer[]): OfferIndex {
  return finished(refreshed(emptyIndex(), { gone: [], come: offers }));
}

/** Does all the work at once. */
export function finished<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

/**
 * The index of the next book. Yields after a millisecond or so of work, wherever others may have their turn; the index that it
 * is made from stays good meanwhile and afterwards. Costs in proportion to the changes, and a little for every offer.
 */
export function* refreshed(
  index: OfferIndex,
  { gone, come }: BookPatch,
): Generator<void, OfferIndex> {
  if (gone.length === 0 && come.length === 0) return index;
  if (hasLeftovers(index)) {
    const not = new Set<string>([...gone, ...come.map(({ id }) => id)]);
    const kept = index.offers.filter(({ id }) => !not.has(id));
    yield;
    return yield* refreshed(emptyIndex(), { gone: [], come: [...kept, ...come] });
  }
  const encoded = yield* encode(come, index.catalogue);
  const isGone = yield* without(index, [...gone, ...come.map(({ id }) => id)]);
  const fresh = yield* sorted(encoded, byPriceThenId);
  const { moved, ...next } = yield* merged(index, isGone, fresh);
  return { ...next, byId: yield* mergedById(index, isGone, moved, next) };
}

function hasLeftovers({ catalogue, offers }: OfferIndex): boolean {
  const most = Math.max(LEFTOVERS_AT_LEAST, LEFTOVERS * offers.length);
  return catalogue.what.size > most || catalogue.supply.size > most;
}

function* encode(
  offers: readonly Offer[],
  { what, where, supply }: Catalogue,
): Generator<void, readonly Encoded[]> {
  const encoded = new Map<OfferId, Encoded>();
  for (const [n, offer] of offers.entries()) {
    encoded.set(offer.id, {
      offer,
      what: what.encode(offer),
      where: where.encode(offer),
      supply: supply.encode(offer),
    });
    if (n % NUMBERED_PER_TURN === 0) yield;
  }
  return [...encoded.values()];
}

/** 1 for each offer, by position, that is not to stay as it is. */
function* without(index: OfferIndex, ids: readonly OfferId[]): Generator<void, Uint8Array> {
  const isGone = new Uint8Array(index.offers.length);
  for (const [n, id] of ids.entries()) {
    const at = positionOf(index, id);
    if (at !== null) isGone[at] = 1;
    if (n % SOUGHT_PER_TURN === 0) yield;
  }
  return isGone;
}

/** A merge sort that pauses. */
function* sorted<T>(
  all: readonly T[],
  compare: (a: T, b: T) => number,
): Generator<void, readonly T[]> {
  let runs: (readonly T[])[] = [];
  for (let from = 0; from < all.length; from += SOUGHT_PER_TURN) {
    runs.push(all.slice(from, from + SOUGHT_PER_TURN).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const longer: (readonly T[])[] = [];
    for (let n = 0; n < runs.length; n += 2)
      longer.push(yield* mergedRuns(runs[n] ?? [], runs[n + 1] ?? [], compare));
    runs = longer;
  }
  return runs[0] ?? [];
}

function* mergedRuns<T>(
  a: readonly T[],
  b: readonly T[],
  compare: (a: T, b: T) => number,
): Generator<void, readonly T[]> {
  const run: T[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const one = a[i];
    const other = b[j];
    const isFirst = other === undefined || (one !== undefined && compare(one, other) <= 0);
    const next = isFirst ? one : other;
    if (next !== undefined) run.push(next);
    if (isFirst) i += 1;
    else j += 1;
    if (run.length % SOUGHT_PER_TURN === 0) yield;
  }
  return run;
}

/** Where an offer that stays stands in the next book, by its position before. */
interface Moved {
  readonly moved: Uint32Array;
  /** Positions of those that came. */
  readonly fresh: readonly number[];
}

function countOf(flags: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < flags.length; at += 1) count += flags[at] ?? 0;
  return count;
}

/** The offers that stay and those that come, in one pass over both. */
function* merged(
  index: OfferIndex,
  isGone: Uint8Array,
  come: readonly Encoded[],
): Generator<void, Omit<OfferIndex, 'byId'> & { readonly moved: Moved }> {
  const { catalogue } = index;
  const size = index.offers.length - countOf(isGone) + come.length;
  const offers: Offer[] = [];
  const what = new Uint32Array(size);
  const where = new Uint32Array(size);
  const supply = new Uint32Array(size);
  const available = new Uint8Array(size);
  const moved = new Uint32Array(index.offers.length);
  const fresh: number[] = [];
  let old = 0;
  for (let at = 0; at < size; at += 1) {
    while (isGone[old] === 1) old += 1;
    const next = come[fresh.length];
    const offer = index.offers[old];
    if (next !== undefined && (offer === undefined || byPriceThenId(next, { offer }) < 0)) {
      offers.push(next.offer);
      what[at] = next.what;
      where[at] = next.where;
      supply[at] = next.supply;
      available[at] = Number(next.offer.available);
      fresh.push(at);
    } else if (offer !== undefined) {
      offers.push(offer);
      what[at] = index.what[old] ?? 0;
      where[at] = index.where[old] ?? 0;
      supply[at] = index.supply[old] ?? 0;
      available[at] = index.available[old] ?? 0;
      moved[old] = at;
      old += 1;
    }
    if (at % MOVED_PER_TURN === 0) yield;
  }
  const numbers = {
    what: catalogue.what.size,
    where: catalogue.where.size,
    supply: catalogue.supply.size,
  };
  const columns = { what, where, supply, available };
  return { catalogue, numbers, offers, ...columns, moved: { moved, fresh } };
}

/** The order by id, from the order before: what stays keeps its order. */
function* mergedById(
  index: OfferIndex,
  isGone: Uint8Array,
  { moved, fresh }: Moved,
  { offers }: Pick<OfferIndex, 'offers'>,
): Generator<void, Uint32Array> {
  const come = yield* sorted(fresh, (a, b) => (idAt(offers, a) < idAt(offers, b) ? -1 : 1));
  const slots = new Uint32Array(come.length);
  for (const [n, at] of come.entries()) {
    slots[n] = slotOf(index, idAt(offers, at));
    if (n % SOUGHT_PER_TURN === 0) yield;
  }
  const byId = new Uint32Array(offers.length);
  let taken = 0;
  let filled = 0;
  for (let slot = 0; slot <= index.byId.length; slot += 1) {
    for (; slots[taken] === slot; taken += 1) byId[filled++] = come[taken] ?? 0;
    const was = index.byId[slot];
    if (was !== undefined && isGone[was] !== 1) byId[filled++] = moved[was] ?? 0;
    if (slot % MOVED_PER_TURN === 0) yield;
  }
  return byId;
}

function idAt(offers: readonly Offer[], position: number): string {
  return offers[position]?.id ?? '';
}

/** Where an offer stands, or null when it is not in the book. */
export function positionOf(index: OfferIndex, id: OfferId): number | null {
  const at = index.byId[slotOf(index, id)];
  return at !== undefined && index.offers[at]?.id === id ? at : null;
}

/** The first slot of `byId` whose offer has this id or a later one. */
function slotOf({ byId, offers }: OfferIndex, id: string): number {
  let low = 0;
  let high = byId.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (idAt(offers, byId[middle] ?? 0) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function byPriceThenId(a: Pick<Encoded, 'offer'>, b: Pick<Encoded, 'offer'>): number {
  const { offer: one } = a;
  const { offer: other } = b;
  return (
    one.pricePerHour - other.pricePerHour || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0)
  );
}
