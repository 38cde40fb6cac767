import {
  DEFAULT_HALF_LIFE_MS,
  addLifetimes,
  decayFactor,
  noLifetimes,
  scaledLifetimes,
  withStretch,
  type OfferId,
} from '#libs/domain';
import type { Clock } from '#libs/runtime';
import type { AvailabilityChange, Stores, StoredRun, SupplyTimes } from '#libs/storage';

/** Versions of the book looked at in one round; the rest follow with the next. */
const VERSIONS_AT_ONCE = 200;
/** An offer that has been away this long is not waited for any more. */
const WATCH_AWAY_MS = 30 * 24 * 3_600_000;

/** Learns how long offers stay available and how long they are away from the changes of the book: every one is a free probe. */
export class WatchSupply {
  constructor(
    private readonly stores: Pick<Stores, 'offers' | 'supply'>,
    private readonly clock: Clock,
  ) {}

  /** Goes on from where it was, however often and from however many processes it is called. */
  async run(): Promise<void> {
    const nowMs = this.clock.nowMs();
    const { offers, supply } = this.stores;
    const from = await supply.cursor();
    const seen = from?.bookVersion ?? 0;
    const version = Math.min(await offers.version(), seen + VERSIONS_AT_ONCE);
    if (version <= seen) return;
    const changes = await supply.changes(seen, version);
    const runs = await supply.runs([...new Set(changes.map(({ offerId }) => offerId))]);
    await supply.record({
      from,
      to: { bookVersion: version, atMs: nowMs },
      ...watched(changes, runs, nowMs),
      forgetAwayBeforeMs: nowMs - WATCH_AWAY_MS,
      halfLifeMs: DEFAULT_HALF_LIFE_MS,
    });
  }
}

/** What changes come to: the runs as they are after them, and those that ended on the way, weighted as of `nowMs`. */
export function watched(
  changes: readonly AvailabilityChange[],
  known: readonly StoredRun[],
  nowMs: number,
): { readonly runs: readonly StoredRun[]; readonly ended: Readonly<Record<string, SupplyTimes>> } {
  const now = new Map<OfferId, StoredRun>(known.map((run) => [run.offerId, run]));
  const begun = new Set<OfferId>();
  const ended = new Map<string, SupplyTimes>();
  for (const { offerId, providerId, key, available, atMs } of changes) {
    const run = now.get(offerId);
    if (run?.available === available) continue;
    if (run !== undefined)
      ended.set(run.key, together(ended.get(run.key), endedAt(run, atMs, nowMs)));
    // Nobody saw the beginning of what is there at the first look.
    const next = { offerId, providerId, key, available, sinceMs: atMs, aged: run !== undefined };
    now.set(offerId, next);
    begun.add(offerId);
  }
  return {
    runs: [...now.values()].filter(({ offerId }) => begun.has(offerId)),
    ended: Object.fromEntries(ended),
  };
}

/** What a run that ended at `atMs` weighs at `nowMs`. */
function endedAt(run: StoredRun, atMs: number, nowMs: number): SupplyTimes {
  const stretch = { fromAgeMs: 0, toAgeMs: atMs - run.sinceMs, ended: true, aged: run.aged };
  const none = noLifetimes();
  const seen = scaledLifetimes(withStretch(none, stretch), decayFactor(nowMs - atMs));
  return run.available ? { up: seen, down: none } : { up: none, down: seen };
}

function together(a: SupplyTimes | undefined, b: SupplyTimes): SupplyTimes {
  if (a === undefined) return b;
  return { up: addLifetimes(a.up, b.up), down: addLifetimes(a.down, b.down) };
}
