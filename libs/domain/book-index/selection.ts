import type { Grouping } from './grouping';

/** An offer with what it is ordered by. */
export interface Costed<T> {
  readonly cost: number;
  readonly id: string;
  readonly item: T;
}

interface Cursor<T> {
  readonly group: number;
  readonly slot: number;
  readonly head: Costed<T>;
}

export interface Choice<T> {
  readonly count: number;
  /** Whether a group has offers to choose from at all. */
  readonly takes: (group: number) => boolean;
  readonly isOpen: (position: number) => boolean;
  readonly priceAt: (position: number) => number;
  readonly costAt: (position: number) => Costed<T>;
}

/**
 * The offers that cost least, by cost and then by id, of groups in which the cost never falls as the price rises: it is worked
 * out for the cheapest of each group, and for as many more as are needed to know that no other costs less.
 */
export function cheapest<T>(grouping: Grouping, choice: Choice<T>): readonly T[] {
  const heap: Cursor<T>[] = [];
  for (let group = 0; group < grouping.size; group += 1)
    if (choice.takes(group)) pushFrom(heap, grouping, choice, group, grouping.starts[group] ?? 0);
  const found: Costed<T>[] = [];
  /** How many offers of one price have come in a row, by group: only so many of them can be among the first. */
  const runs = new Map<number, { price: number; length: number }>();
  for (let next = pop(heap); next !== undefined; next = pop(heap)) {
    const last = found[choice.count - 1];
    if (choice.count === 0 || (last !== undefined && next.head.cost > last.cost)) break;
    found.push(next.head);
    const price = choice.priceAt(grouping.order[next.slot] ?? 0);
    const run = runs.get(next.group);
    const length = run?.price === price ? run.length + 1 : 1;
    runs.set(next.group, { price, length });
    const slot = length < choice.count ? next.slot + 1 : endOfRun(grouping, choice, next, price);
    pushFrom(heap, grouping, choice, next.group, slot);
  }
  return found
    .sort((a, b) => a.cost - b.cost || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    .slice(0, choice.count)
    .map(({ item }) => item);
}

function endOfRun<T>(
  { order, starts }: Grouping,
  { priceAt }: Choice<T>,
  { group, slot }: Cursor<T>,
  price: number,
): number {
  const end = starts[group + 1] ?? 0;
  let next = slot + 1;
  while (next < end && priceAt(order[next] ?? 0) === price) next += 1;
  return next;
}

/** Puts the first open offer of a group from a slot on into the heap. */
function pushFrom<T>(
  heap: Cursor<T>[],
  { order, starts }: Grouping,
  { isOpen, costAt }: Choice<T>,
  group: number,
  from: number,
): void {
  const end = starts[group + 1] ?? 0;
  for (let slot = from; slot < end; slot += 1) {
    const position = order[slot] ?? 0;
    if (isOpen(position)) return push(heap, { group, slot, head: costAt(position) });
  }
}

function push<T>(heap: Cursor<T>[], one: Cursor<T>): void {
  heap.push(one);
  let at = heap.length - 1;
  while (at > 0) {
    const above = (at - 1) >>> 1;
    if (!swapIfLess(heap, at, above)) return;
    at = above;
  }
}

function pop<T>(heap: Cursor<T>[]): Cursor<T> | undefined {
  const [least] = heap;
  const last = heap.pop();
  if (least === undefined || last === undefined || heap.length === 0) return least;
  heap[0] = last;
  for (let at = 0; ;) {
    const left = 2 * at + 1;
    const right = left + 1;
    const child = costOf(heap[right]) < costOf(heap[left]) ? right : left;
    if (child >= heap.length || !swapIfLess(heap, child, at)) return least;
    at = child;
  }
}

function costOf<T>(cursor: Cursor<T> | undefined): number {
  return cursor === undefined ? Infinity : cursor.head.cost;
}

function swapIfLess<T>(heap: Cursor<T>[], low: number, high: number): boolean {
  const below = heap[low];
  const above = heap[high];
  if (below === undefined || above === undefined || below.head.cost >= above.head.cost)
    return false;
  heap[low] = above;
  heap[high] = below;
  return true;
}

/** The first few of each rank, as they come: put together, the first few of all by rank and then in the order of coming. */
export class Shortlist {
  private readonly ranks: number[][] = [];

  constructor(private readonly limit: number) {}

  add(rank: number, position: number): void {
    const bucket = this.ranks[rank];
    if (bucket === undefined) this.ranks[rank] = this.limit > 0 ? [position] : [];
    else if (bucket.length < this.limit) bucket.push(position);
  }

  first(): readonly number[] {
    const found: number[] = [];
    for (const bucket of this.ranks)
      if (bucket !== undefined) found.push(...bucket.slice(0, this.limit - found.length));
    return found;
  }
}
