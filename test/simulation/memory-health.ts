import {
  addKnowledge,
  addLifetimes,
  decayFactor,
  failureDomainOf,
  healthKeysOf,
  noLifetimes,
  scaledLifetimes,
  withStretch,
  type Attempt,
  type AttemptId,
  type HealthSnapshot,
  type Offer,
  type OfferId,
  type Suspension,
} from '#libs/domain';
import {
  MAX_COMPANIONS,
  MAX_HEALTH_LEVELS,
  type AttemptLesson,
  type AvailabilityChange,
  type CallTally,
  type Health,
  type KeyedLesson,
  type Lift,
  type OfferBook,
  type StoredRun,
  type StoredSuspension,
  type Supply,
  type SupplyCursor,
  type SupplyLesson,
  type SupplyTimes,
  type Suspensions,
  type Unlearned,
} from '#libs/storage';

/** The rows that measurements and suspensions need; `MemoryTables` has them. */
export interface HealthTables {
  readonly attempts: ReadonlyMap<AttemptId, Attempt>;
  readonly books: readonly OfferBook[];
  readonly bookMadeAtMs: ReadonlyMap<number, number>;
  readonly healthTables: MemoryHealthTables;
  suspensions: Suspension[];
  health: HealthSnapshot;
}

export class MemoryHealthTables {
  readonly learned = new Map<AttemptId, AttemptLesson['stage']>();
  readonly tallies: CallTally[] = [];
  readonly runs = new Map<OfferId, StoredRun>();
  readonly times = new Map<string, SupplyTimes & { readonly asOfMs: number }>();
  /** Each lifts what was added before it, as far as `before` tells. */
  readonly lifts: (Lift & { readonly before: number })[] = [];
  readonly addedBy = new Map<Suspension, string>();
  cursor: SupplyCursor | null = null;
}

export class MemoryHealth implements Health {
  constructor(private readonly tables: HealthTables) {}

  async snapshot(): Promise<HealthSnapshot> {
    return this.tables.health;
  }

  async learn(lessons: readonly AttemptLesson[], others: readonly KeyedLesson[]): Promise<number> {
    const { learned } = this.tables.healthTables;
    const news = lessons.filter(({ attemptId, stage }) => {
      const known = learned.get(attemptId);
      const isNew = known === undefined || (known === 'lease' && stage === 'all');
      if (isNew) learned.set(attemptId, stage);
      return isNew;
    });
    this.add([...news.flatMap((each) => each.lessons), ...others]);
    return news.length;
  }

  async toLearn(id: AttemptId): Promise<Unlearned | null> {
    const attempt = this.tables.attempts.get(id);
    const stage = this.tables.healthTables.learned.get(id) ?? 'nothing';
    if (attempt === undefined || attempt.phase !== 'released' || stage === 'all') return null;
    return { attempt, stage };
  }

  async unlearned(settledBeforeMs: number, limit: number): Promise<readonly Unlearned[]> {
    const all = await Promise.all([...this.tables.attempts.keys()].map((id) => this.toLearn(id)));
    return all
      .flatMap((each) => each ?? [])
      .filter(({ attempt, stage }) => stage === 'nothing' || attempt.phaseSinceMs < settledBeforeMs)
      .sort(
        ({ attempt: a }, { attempt: b }) =>
          a.phaseSinceMs - b.phaseSinceMs || (a.id < b.id ? -1 : 1),
      )
      .slice(0, limit);
  }

  async companions(domain: string, fromMs: number, toMs: number): Promise<readonly Attempt[]> {
    return [...this.tables.attempts.values()]
      .filter(
        ({ offer, billedFromMs, billedToMs }) =>
          failureDomainOf(offer) === domain &&
          billedFromMs !== null &&
          billedFromMs <= toMs &&
          (billedToMs === null || billedToMs >= fromMs),
      )
      .sort((a, b) => (b.billedFromMs ?? 0) - (a.billedFromMs ?? 0) || (a.id < b.id ? -1 : 1))
      .slice(0, MAX_COMPANIONS);
  }

  async tally(tallies: readonly CallTally[]): Promise<void> {
    this.tables.healthTables.tallies.push(...tallies);
  }

  async takeTallies(
    limit: number,
    _nowMs: number,
    teach: (tallies: readonly CallTally[]) => readonly KeyedLesson[],
  ): Promise<number> {
    const taken = this.tables.healthTables.tallies.splice(0, limit);
    this.add(teach(taken));
    return taken.length;
  }

  async prune(beforeMs: number): Promise<number> {
    const known = Object.entries(this.tables.health);
    const kept = known
      .sort(([a, one], [b, other]) => other.asOfMs - one.asOfMs || (a < b ? -1 : 1))
      .slice(0, MAX_HEALTH_LEVELS)
      .filter(([, { asOfMs }]) => asOfMs >= beforeMs);
    this.tables.health = Object.fromEntries(kept);
    return known.length - kept.length;
  }

  private add(lessons: readonly KeyedLesson[]): void {
    for (const { key, lesson } of lessons) {
      const known = this.tables.health[key];
      const next = known === undefined ? lesson : addKnowledge(known, lesson);
      this.tables.health = { ...this.tables.health, [key]: next };
    }
  }
}

const noTimes: SupplyTimes = { up: noLifetimes(), down: noLifetimes() };

export class MemorySupply implements Supply {
  constructor(private readonly tables: HealthTables) {}

  async cursor(): Promise<SupplyCursor | null> {
    return this.tables.healthTables.cursor;
  }

  async changes(afterVersion: number, toVersion: number): Promise<readonly AvailabilityChange[]> {
    const { books, bookMadeAtMs } = this.tables;
    return books.flatMap((book, index) => {
      if (book.version <= afterVersion || book.version > toVersion) return [];
      const before = books[index - 1]?.offers ?? [];
      return changesBetween(before, book.offers, bookMadeAtMs.get(book.version) ?? 0);
    });
  }

  async runs(offers: readonly OfferId[]): Promise<readonly StoredRun[]> {
    return [...offers].sort().flatMap((id) => this.tables.healthTables.runs.get(id) ?? []);
  }

  async record(lesson: SupplyLesson): Promise<boolean> {
    const { healthTables: tables } = this.tables;
    if (tables.cursor?.bookVersion !== lesson.from?.bookVersion) return false;
    tables.cursor = lesson.to;
    for (const run of lesson.runs) tables.runs.set(run.offerId, run);
    for (const [key, times] of Object.entries(lesson.ended)) this.add(key, times, lesson);
    for (const run of tables.runs.values()) {
      if (run.available || run.sinceMs >= lesson.forgetAwayBeforeMs) continue;
      tables.runs.delete(run.offerId);
      this.add(run.key, timesOf(run, lesson.to.atMs), lesson);
    }
    return true;
  }

  async times(nowMs: number, halfLifeMs: number): Promise<Readonly<Record<string, SupplyTimes>>> {
    const { times, runs } = this.tables.healthTables;
    const all = new Map<string, SupplyTimes>(
      [...times.keys()].map((key) => [key, this.endedAt(key, nowMs, halfLifeMs)]),
    );
    for (const run of runs.values())
      all.set(run.key, together(all.get(run.key) ?? noTimes, timesOf(run, nowMs)));
    return Object.fromEntries(all);
  }

  private add(key: string, times: SupplyTimes, { to, halfLifeMs }: SupplyLesson): void {
    const known = this.endedAt(key, to.atMs, halfLifeMs);
    this.tables.healthTables.times.set(key, { ...together(known, times), asOfMs: to.atMs });
  }

  private endedAt(key: string, nowMs: number, halfLifeMs: number): SupplyTimes {
    const known = this.tables.healthTables.times.get(key);
    if (known === undefined) return noTimes;
    const factor = decayFactor(nowMs - known.asOfMs, halfLifeMs);
    return { up: scaledLifetimes(known.up, factor), down: scaledLifetimes(known.down, factor) };
  }
}

function changesBetween(
  before: readonly Offer[],
  after: readonly Offer[],
  atMs: number,
): readonly AvailabilityChange[] {
  const was = new Map(before.map((offer) => [offer.id, offer]));
  const is = new Map(after.map((offer) => [offer.id, offer]));
  return [...new Set([...was.keys(), ...is.keys()])].sort().flatMap((id) => {
    const [old, next] = [was.get(id), is.get(id)];
    const offer = next ?? old;
    if (offer === undefined || (old !== undefined && old.available === next?.available)) return [];
    const key = healthKeysOf({ ...offer, hostId: null }).at(-1) ?? '';
    return [
      { offerId: id, providerId: offer.providerId, key, available: next?.available ?? false, atMs },
    ];
  });
}

/** A run that goes on. */
function timesOf({ available, aged, sinceMs }: StoredRun, nowMs: number): SupplyTimes {
  const toAgeMs = Math.max(0, nowMs - sinceMs);
  const seen = withStretch(noLifetimes(), { fromAgeMs: 0, toAgeMs, ended: false, aged });
  return available ? { up: seen, down: noTimes.down } : { up: noTimes.up, down: seen };
}

function together(a: SupplyTimes, b: SupplyTimes): SupplyTimes {
  return { up: addLifetimes(a.up, b.up), down: addLifetimes(a.down, b.down) };
}

export class MemorySuspensions implements Suspensions {
  constructor(private readonly tables: HealthTables) {}

  async inForce(nowMs: number): Promise<readonly Suspension[]> {
    return this.tables.suspensions.filter((each, index) => {
      const liftedAtMs = this.liftedAtMs(each, index);
      return (
        each.fromMs <= nowMs &&
        nowMs < each.untilMs &&
        !(liftedAtMs !== null && liftedAtMs <= nowMs)
      );
    });
  }

  async add(suspensions: readonly Suspension[], by: string | null = null): Promise<void> {
    this.tables.suspensions.push(...suspensions);
    if (by === null) return;
    for (const each of suspensions) this.tables.healthTables.addedBy.set(each, by);
  }

  async lift(lift: Lift): Promise<number> {
    const ended = (await this.inForce(lift.atMs)).filter((each) => isMeant(each, lift));
    if (ended.length > 0)
      this.tables.healthTables.lifts.push({ ...lift, before: this.tables.suspensions.length });
    return ended.length;
  }

  async list(endsAfterMs: number, limit: number): Promise<readonly StoredSuspension[]> {
    return this.tables.suspensions
      .map((each, index) => ({
        ...each,
        id: String(index + 1),
        by: this.tables.healthTables.addedBy.get(each) ?? null,
        liftedAtMs: this.liftedAtMs(each, index),
      }))
      .filter(({ untilMs }) => untilMs > endsAfterMs)
      .reverse()
      .slice(0, limit);
  }

  private liftedAtMs(suspension: Suspension, index: number): number | null {
    const lifts = this.tables.healthTables.lifts.filter(
      (lift) => isMeant(suspension, lift) && lift.before > index && lift.atMs < suspension.untilMs,
    );
    return lifts.length === 0 ? null : Math.min(...lifts.map(({ atMs }) => atMs));
  }
}

function isMeant({ scope, key, reason }: Suspension, lift: Lift): boolean {
  return (
    scope === lift.scope && key === lift.key && (lift.ofReason === null || lift.ofReason === reason)
  );
}
