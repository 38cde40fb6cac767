import { setTimeout as pause } from 'node:timers/promises';
import { BookKeeper } from '#apps/policy-engine/book-keeper';
import {
  decideIndexed,
  microUsd,
  type DecisionScene,
  type Offer,
  type OfferId,
} from '#libs/domain';
import type { BookPatchPage } from '#libs/storage';
import type { Benchmark } from './bench';
import { policyOf, scenesUnder } from './decide';
import { percentile, timeRow } from './measure';
import { syntheticBook } from './offer-books';

const OFFERS = 100_000;
const RULES = 10;
/** Offers that one refresh of a feed changes, how soon the next one begins when it is done, and how many there are at least. */
const CHANGED = 500;
const REFRESH_AFTER_MS = 150;
const REFRESHES = 10;
const DECISIONS = 400;
const EVERY_MS = 4;
const P99 = 0.99;
const AIM_MS = 5;

/** How much later decisions are made because the book is refreshed meanwhile. */
export const refresh: Benchmark = {
  rows: ['refresh.100k.wait.p99', 'refresh.100k.wait.max', 'refresh.100k.p99', 'refresh.100k.time'],
  measure: async (bench) => {
    const source = new ChangingBook(syntheticBook(OFFERS));
    const keeper = new BookKeeper(source);
    await keeper.current(0);
    const scenes = scenesUnder(policyOf(RULES));
    for (let round = 0; round < 3; round += 1) await decideEvery(keeper, scenes, scenes.length);
    const quiet = await decideEvery(keeper, scenes, DECISIONS);
    const refreshing = refreshUntil(source, keeper);
    const busy = await decideEvery(keeper, scenes, DECISIONS);
    const tookMs = await refreshing.stop();
    bench.note(noteOn(source));
    return [
      {
        ...timeRow('refresh.100k.wait.p99', least(busy.waitMs, P99), least(quiet.waitMs, P99)),
        aim: AIM_MS,
      },
      {
        ...timeRow('refresh.100k.wait.max', least(busy.waitMs, 1), least(quiet.waitMs, 1)),
        aim: AIM_MS,
      },
      timeRow('refresh.100k.p99', percentile(busy.tookMs, P99), percentile(quiet.tookMs, P99)),
      timeRow('refresh.100k.time', percentile(tookMs, 0.5), source.bareMs()),
    ];
  },
};

function least(values: readonly number[], share: number): number {
  return Math.max(percentile(values, share), 0.001);
}

function noteOn(source: ChangingBook): string {
  return (
    `refresh: ${OFFERS} offers of which every refresh changes ${CHANGED} prices, the next ${REFRESH_AFTER_MS} ms after the last (${source.versions} in all), far denser than any feed, ` +
    `while a decision falls due every ${EVERY_MS} ms, ${DECISIONS} in all. "wait" is the time from when a decision is due until it begins, ` +
    'p99 the time from then until it is done; the limit of both is the same without any refresh. "time" is one refresh from the new ' +
    'version to the first decision on it, and its limit a copy of the changed offers as JSON.'
  );
}

interface Watched {
  readonly waitMs: readonly number[];
  readonly tookMs: readonly number[];
}

/** Decisions that fall due in a fixed rhythm, whenever the one before was done. */
async function decideEvery(
  keeper: BookKeeper,
  scenes: readonly DecisionScene[],
  count: number,
): Promise<Watched> {
  const waitMs: number[] = [];
  const tookMs: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const dueMs = performance.now() + EVERY_MS;
    await pause(EVERY_MS);
    const begunMs = performance.now();
    const { index } = await keeper.current(0);
    const scene = scenes[n % scenes.length];
    if (scene !== undefined) decideIndexed(index, scene);
    waitMs.push(Math.max(0, begunMs - dueMs));
    tookMs.push(performance.now() - begunMs);
  }
  return { waitMs, tookMs };
}

/** Refreshes one after another until it is stopped; answers how long each took. */
function refreshUntil(
  source: ChangingBook,
  keeper: BookKeeper,
): { readonly stop: () => Promise<readonly number[]> } {
  let isStopped = false;
  const all = async (): Promise<readonly number[]> => {
    const tookMs: number[] = [];
    while (!isStopped || tookMs.length < REFRESHES) {
      const version = source.change();
      const startedMs = performance.now();
      while ((await keeper.current(0)).value.version < version) await pause(1);
      tookMs.push(performance.now() - startedMs);
      await pause(REFRESH_AFTER_MS);
    }
    return tookMs;
  };
  const done = all();
  return {
    stop: () => {
      isStopped = true;
      return done;
    },
  };
}

/** A book in memory that changes when it is told to, and answers as the database does. */
class ChangingBook {
  versions = 1;
  private readonly offers: Offer[];
  private changed: readonly Offer[];
  private readonly at = new Map<OfferId, number>();

  constructor(offers: readonly Offer[]) {
    this.offers = [...offers];
    this.changed = offers;
    this.number();
  }

  private number(): void {
    this.at.clear();
    for (const [n, { id }] of this.changed.entries()) this.at.set(id, n);
  }

  /** Other prices for some offers all over the book. */
  change(): number {
    this.versions += 1;
    const step = Math.floor(this.offers.length / CHANGED);
    const changed: Offer[] = [];
    for (let n = 0; n < CHANGED; n += 1) {
      const at = (n * step + this.versions) % this.offers.length;
      const offer = this.offers[at];
      if (offer === undefined) continue;
      const other = { ...offer, pricePerHour: microUsd(offer.pricePerHour + this.versions) };
      this.offers[at] = other;
      changed.push(other);
    }
    this.changed = changed;
    this.number();
    return this.versions;
  }

  version(): Promise<number> {
    return Promise.resolve(this.versions);
  }

  patch(_versions: unknown, after: OfferId | null, limit: number): Promise<BookPatchPage> {
    const from = after === null ? 0 : (this.at.get(after) ?? 0) + 1;
    const come = this.changed.slice(from, from + limit);
    const last = from + limit < this.changed.length ? come.at(-1) : undefined;
    return Promise.resolve({ gone: [], come, next: last?.id ?? null });
  }

  /** How long it takes to write out the changed offers. */
  bareMs(): number {
    const startedMs = performance.now();
    JSON.stringify(this.changed);
    return performance.now() - startedMs;
  }
}
