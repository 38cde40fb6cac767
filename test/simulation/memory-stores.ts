import {
  asOfferId,
  canonicalJson,
  type Accrual,
  type Accrued,
  type Attempt,
  type AttemptId,
  type DecisionId,
  type HealthSnapshot,
  type Job,
  type JobId,
  type LeasedOffer,
  type MicroUsd,
  type Offer,
  type OfferId,
  type ProviderId,
  type Suspension,
  type Transfer,
  ZERO_USD,
  microUsd,
} from '#libs/domain';
import {
  StaleRevision,
  type Attempts,
  type BookChange,
  type BookPatchPage,
  type CostEntries,
  type DecisionEntry,
  type DecisionFilter,
  type DecisionRecord,
  type Decisions,
  type Events,
  type JobFilter,
  type Jobs,
  type NewEvent,
  type OfferBook,
  type Offers,
  type Page,
  type PolicySetting,
  type PolicyVersion,
  type ReportChange,
  type StoredDecision,
  type StoredEvent,
  type StoredPolicyEvent,
  type Stores,
  type Submission,
  type SubmitResult,
} from '#libs/storage';
import { MemoryHealth, MemoryHealthTables, MemorySupply, MemorySuspensions } from './memory-health';
import { MemoryCalibrations, MemoryCommitments, MemoryCostTables } from './memory-costs';
import { MemoryPolicies } from './memory-policies';

import { MemoryPriceTables, memoryPriceStores } from './memory-price-stores';

export interface BookedEntry extends Accrual {
  readonly attemptId: AttemptId;
}

/** The rows of all stores, open to the invariants; every change is whole, as a transaction would make it. */
export class MemoryTables {
  readonly jobs = new Map<JobId, Job>();
  readonly attempts = new Map<AttemptId, Attempt>();
  readonly attemptsOf = new Map<JobId, AttemptId[]>();
  /** Places in line: job to the offers it waits for, and since when. */
  readonly line = new Map<
    JobId,
    { readonly offers: ReadonlySet<string>; readonly sinceMs: number }
  >();
  readonly decisions = new Map<DecisionId, StoredDecision>();
  readonly events: StoredEvent[] = [];
  readonly costEntries: BookedEntry[] = [];
  /** What the entries of each attempt add up to. */
  readonly accrued = new Map<AttemptId, Accrued>();
  readonly costTables = new MemoryCostTables();
  readonly idempotency = new Map<string, { readonly digest: string; readonly jobId: JobId }>();
  readonly healthTables = new MemoryHealthTables();
  readonly settled = new Map<JobId, MicroUsd>();
  readonly books: OfferBook[] = [{ version: 0, offers: [] }];
  readonly policyVersions: PolicyVersion[] = [];
  /** When each version of the book was made. */
  readonly bookMadeAtMs = new Map<number, number>();
  readonly priceTables = new MemoryPriceTables();
  readonly policyEvents: StoredPolicyEvent[] = [];
  readonly policySettings: PolicySetting[] = [];
  readonly refreshedAtMs = new Map<ProviderId, number>();
  suspensions: Suspension[] = [];
  health: HealthSnapshot = {};

  append(events: readonly NewEvent[]): void {
    for (const event of events) this.events.push({ ...event, sequence: this.events.length + 1 });
  }

  /** Writes `next` where the revision matches, as every guarded update does. */
  writeJob(next: Job): Job {
    const known = this.jobs.get(next.id);
    if (known === undefined || known.revision !== next.revision)
      throw new StaleRevision(`job ${next.id}`);
    const saved = { ...next, revision: next.revision + 1 };
    this.jobs.set(next.id, saved);
    return saved;
  }

  attemptsOfJob(jobId: JobId): readonly Attempt[] {
    return (this.attemptsOf.get(jobId) ?? []).flatMap((id) => this.attempts.get(id) ?? []);
  }

  currentBook(): OfferBook {
    return this.books.at(-1) ?? { version: 0, offers: [] };
  }
}

/** The stores in memory: the simulator's, held to the same suite as Postgres. */
export function memoryStores(tables: MemoryTables): Stores {
  return {
    jobs: new MemoryJobs(tables),
    attempts: new MemoryAttempts(tables),
    suspensions: new MemorySuspensions(tables),
    events: new MemoryEvents(tables),
    decisions: new MemoryDecisions(tables),
    offers: new MemoryOffers(tables),
    health: new MemoryHealth(tables),
    supply: new MemorySupply(tables),
    costEntries: new MemoryCostEntries(tables),
    commitments: new MemoryCommitments(tables),
    calibrations: new MemoryCalibrations(tables),
    policies: new MemoryPolicies(tables),
    ...memoryPriceStores(tables.priceTables),
  };
}

class MemoryJobs implements Jobs {
  constructor(private readonly tables: MemoryTables) {}

  async submit({ job, idempotency, events }: Submission): Promise<SubmitResult> {
    const key = idempotency === null ? null : `${idempotency.scope}/${idempotency.key}`;
    const earlier = key === null ? undefined : this.tables.idempotency.get(key);
    if (earlier !== undefined) {
      const known = this.tables.jobs.get(earlier.jobId);
      const same = idempotency !== null && earlier.digest === idempotency.bodyDigest;
      return same && known !== undefined
        ? { kind: 'repeated', job: known }
        : { kind: 'key-reused' };
    }
    this.tables.jobs.set(job.id, job);
    this.tables.append(events);
    if (key !== null && idempotency !== null) {
      this.tables.idempotency.set(key, { digest: idempotency.bodyDigest, jobId: job.id });
    }
    return { kind: 'created', job };
  }

  async get(id: JobId): Promise<Job | null> {
    return this.tables.jobs.get(id) ?? null;
  }

  async list(filter: JobFilter, cursor: string | null, limit: number): Promise<Page<Job>> {
    const all = [...this.tables.jobs.values()]
      .filter((job) => isWanted(job, filter))
      .sort((a, b) => b.submittedAtMs - a.submittedAtMs || (a.id < b.id ? 1 : -1));
    const from = cursor === null ? 0 : all.findIndex(({ id }) => id === cursor) + 1;
    if (cursor !== null && from === 0) throw new RangeError('not a cursor of this list');
    const items = all.slice(from, from + limit);
    return { items, next: from + limit < all.length ? (items.at(-1)?.id ?? null) : null };
  }

  async update(
    next: Job,
    change: {
      readonly events: readonly NewEvent[];
      readonly awaited?: readonly OfferId[];
      readonly settled?: MicroUsd;
    },
  ): Promise<Job> {
    const saved = this.tables.writeJob(next);
    this.tables.append(change.events);
    if (change.awaited !== undefined)
      this.wait(next.id, change.awaited, change.events[0]?.atMs ?? 0);
    if (change.settled !== undefined) this.tables.settled.set(next.id, change.settled);
    return saved;
  }

  async spokenFor(
    job: Pick<Job, 'id' | 'lineKey'>,
    offers: readonly OfferId[],
  ): Promise<ReadonlySet<string>> {
    const taken = new Set<string>();
    for (const [id, place] of this.tables.line) {
      const other = this.tables.jobs.get(id);
      if (other === undefined || id === job.id || !isAhead(other, job)) continue;
      for (const offer of offers) if (place.offers.has(offer)) taken.add(offer);
    }
    return taken;
  }

  async wakeHeads(offers: readonly OfferId[], nowMs: number): Promise<readonly JobId[]> {
    const heads = new Set<JobId>();
    for (const offer of offers) {
      const waiting = [...this.tables.line]
        .filter(([, place]) => place.offers.has(offer))
        .flatMap(([id]) => this.tables.jobs.get(id) ?? [])
        .sort((a, b) => (isAhead(a, b) ? -1 : 1));
      const [head] = waiting;
      if (head !== undefined && head.dueAtMs !== null && head.dueAtMs > nowMs) heads.add(head.id);
    }
    for (const id of heads) {
      const job = this.tables.jobs.get(id);
      if (job !== undefined)
        this.tables.jobs.set(id, { ...job, dueAtMs: nowMs, revision: job.revision + 1 });
    }
    return [...heads];
  }

  async requestCancel(
    id: JobId,
    nowMs: number,
    events: readonly NewEvent[],
  ): Promise<{ readonly job: Job; readonly attempts: readonly AttemptId[] } | null> {
    const job = this.tables.jobs.get(id);
    if (job === undefined) return null;
    if (job.outcome !== null) return { job, attempts: [] };
    const live = this.tables.attemptsOfJob(id).filter(({ phase }) => phase !== 'released');
    const saved = this.tables.writeJob({
      ...job,
      cancelRequestedAtMs: job.cancelRequestedAtMs ?? nowMs,
      dueAtMs: live.length === 0 ? nowMs : job.dueAtMs,
    });
    if (job.cancelRequestedAtMs === null) this.tables.append(events);
    for (const attempt of live) {
      const next = {
        ...attempt,
        abandonAs: attempt.abandonAs ?? ('cancelled' as const),
        dueAtMs: nowMs,
      };
      this.tables.attempts.set(attempt.id, { ...next, revision: attempt.revision + 1 });
    }
    return { job: saved, attempts: live.map((attempt) => attempt.id) };
  }

  async overdue(nowMs: number, limit: number): Promise<readonly JobId[]> {
    return overdueIn(this.tables.jobs.values(), nowMs, limit).map(({ id }) => id);
  }

  async awaited(id: JobId): Promise<readonly OfferId[]> {
    return [...(this.tables.line.get(id)?.offers ?? [])].map(asOfferId).sort();
  }

  async wakeWaiting(
    offers: readonly OfferId[] | null,
    nowMs: number,
    limit: number,
  ): Promise<readonly JobId[]> {
    const isMeant = ({ id }: Job): boolean =>
      offers === null || offers.some((offer) => this.tables.line.get(id)?.offers.has(offer));
    const waiting = [...this.tables.jobs.values()]
      .filter(isMeant)
      .filter(({ state, dueAtMs }) => isUnplaced.has(state) && dueAtMs !== null)
      .sort((a, b) => (isAhead(a, b) ? -1 : 1))
      .slice(0, limit);
    for (const job of waiting) {
      this.tables.jobs.set(job.id, {
        ...job,
        dueAtMs: Math.min(nowMs, job.dueAtMs ?? nowMs),
        revision: job.revision + 1,
      });
    }
    return waiting.map(({ id }) => id);
  }

  private wait(id: JobId, awaited: readonly OfferId[], nowMs: number): void {
    if (awaited.length === 0) this.tables.line.delete(id);
    else
      this.tables.line.set(id, {
        offers: new Set<string>(awaited),
        sinceMs: this.tables.line.get(id)?.sinceMs ?? nowMs,
      });
  }
}

const isUnplaced: ReadonlySet<Job['state']> = new Set<Job['state']>(['queued', 'recovering']);

class MemoryAttempts implements Attempts {
  constructor(private readonly tables: MemoryTables) {}

  async get(id: AttemptId): Promise<Attempt | null> {
    return this.tables.attempts.get(id) ?? null;
  }

  async ofJob(jobId: JobId): Promise<readonly Attempt[]> {
    return this.tables.attemptsOfJob(jobId);
  }

  plan(job: Job, attempt: Attempt, events: readonly NewEvent[]): Promise<void> {
    return this.planRound(job, [attempt], events);
  }

  async planRound(
    job: Job,
    attempts: readonly Attempt[],
    events: readonly NewEvent[],
  ): Promise<void> {
    const taken = this.tables
      .attemptsOfJob(job.id)
      .some((known) => attempts.some((attempt) => isInTheWay(known, attempt)));
    if (taken) throw new StaleRevision(`job ${job.id}`);
    this.tables.writeJob(job);
    for (const attempt of attempts) this.tables.attempts.set(attempt.id, attempt);
    const known = this.tables.attemptsOf.get(job.id) ?? [];
    this.tables.attemptsOf.set(job.id, [...known, ...attempts.map(({ id }) => id)]);
    this.tables.line.delete(job.id);
    this.tables.append(events);
  }

  async update(next: Attempt, change: Parameters<Attempts['update']>[1]): Promise<Attempt> {
    const known = this.tables.attempts.get(next.id);
    if (known === undefined || known.revision !== next.revision)
      throw new StaleRevision(`attempt ${next.id}`);
    const saved = { ...next, report: known.report, revision: next.revision + 1 };
    this.tables.attempts.set(next.id, saved);
    this.tables.append(change.events);
    this.tables.suspensions.push(...change.suspensions);
    const job = this.tables.jobs.get(next.jobId);
    const isMoved = change.jobState !== null && job?.state !== change.jobState;
    if (job !== undefined && job.outcome === null && (change.wakeJob || isMoved)) {
      const dueAtMs = change.wakeJob ? change.nowMs : job.dueAtMs;
      this.tables.jobs.set(job.id, {
        ...job,
        state: change.jobState ?? job.state,
        dueAtMs,
        revision: job.revision + 1,
      });
    }
    return saved;
  }

  async report(
    id: AttemptId,
    change: (attempt: Attempt, mates: readonly Attempt[]) => ReportChange | null,
    nowMs: number,
  ): Promise<Attempt | null> {
    const attempt = this.tables.attempts.get(id);
    const wanted = attempt === undefined ? null : change(attempt, this.matesOf(attempt));
    if (attempt === undefined || wanted === null) return null;
    const { report, abandonAs, events } = wanted;
    const isNews =
      abandonAs !== null ||
      report.startedAtMs !== attempt.report.startedAtMs ||
      report.exit !== attempt.report.exit;
    const saved: Attempt = {
      ...attempt,
      report,
      abandonAs: attempt.abandonAs ?? abandonAs,
      revision: attempt.revision + (isNews ? 1 : 0),
      dueAtMs: isNews && attempt.phase !== 'released' ? nowMs : attempt.dueAtMs,
    };
    this.tables.attempts.set(id, saved);
    this.tables.append(events);
    return saved;
  }

  async holding(ids: readonly AttemptId[]): Promise<ReadonlySet<AttemptId>> {
    return new Set(
      ids.filter((id) => (this.tables.attempts.get(id)?.phase ?? 'released') !== 'released'),
    );
  }

  async leasedBy(project: string, except: JobId): Promise<readonly LeasedOffer[]> {
    return [...this.tables.attempts.values()]
      .filter(
        ({ phase, jobId }) =>
          phase !== 'released' &&
          jobId !== except &&
          this.tables.jobs.get(jobId)?.spec.project === project,
      )
      .map(({ jobId, offer }) => ({ jobId, offer, leases: 1 }));
  }

  async overdue(
    nowMs: number,
    limit: number,
  ): Promise<readonly { readonly id: AttemptId; readonly providerId: ProviderId }[]> {
    return overdueIn(this.tables.attempts.values(), nowMs, limit).map(({ id, offer }) => ({
      id,
      providerId: offer.providerId,
    }));
  }

  private matesOf({ id, jobId, round, role }: Attempt): readonly Attempt[] {
    if (role === 'solo' || role === 'replica') return [];
    return this.tables
      .attemptsOfJob(jobId)
      .filter((other) => other.round === round && other.id !== id);
  }

  async unbooked(bookedBeforeMs: number, limit: number): Promise<readonly AttemptId[]> {
    return [...this.tables.attempts.values()]
      .flatMap(({ id, phase, billedFromMs }) => {
        const last = this.tables.accrued.get(id);
        const sinceMs = last?.toMs ?? billedFromMs;
        const wanted = sinceMs !== null && (phase === 'released' || sinceMs < bookedBeforeMs);
        return wanted && last?.final !== true ? [{ id, sinceMs }] : [];
      })
      .sort((a, b) => a.sinceMs - b.sinceMs || (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map(({ id }) => id);
  }
}

class MemoryEvents implements Events {
  constructor(private readonly tables: MemoryTables) {}

  async after(
    afterSequence: number,
    jobId: JobId | null,
    limit: number,
  ): Promise<readonly StoredEvent[]> {
    return this.tables.events
      .filter(
        (event) => event.sequence > afterSequence && (jobId === null || event.jobId === jobId),
      )
      .slice(0, limit);
  }
}

class MemoryDecisions implements Decisions {
  constructor(private readonly tables: MemoryTables) {}

  async record(
    decision: DecisionRecord,
    job: Job,
    events: readonly NewEvent[],
    replaces: DecisionId | null = null,
  ): Promise<Job> {
    const saved = this.tables.writeJob({ ...job, decisionId: decision.id });
    const replaced = replaces === null ? undefined : this.tables.decisions.get(replaces);
    if (replaced?.jobId === job.id) this.tables.decisions.delete(replaced.id);
    this.tables.decisions.set(decision.id, { ...decision, confirmedAtMs: decision.atMs });
    this.tables.append(events);
    return saved;
  }

  async confirm(job: Job, atMs: number): Promise<Job> {
    const saved = this.tables.writeJob(job);
    const known = job.decisionId === null ? undefined : this.tables.decisions.get(job.decisionId);
    if (known !== undefined) this.tables.decisions.set(known.id, { ...known, confirmedAtMs: atMs });
    return saved;
  }

  async get(id: DecisionId): Promise<StoredDecision | null> {
    return this.tables.decisions.get(id) ?? null;
  }

  async list(filter: DecisionFilter, limit: number): Promise<readonly DecisionEntry[]> {
    const { projects, fromMs, toMs } = filter;
    return [...this.tables.decisions.values()]
      .flatMap(({ id, jobId, atMs, bookVersion }) => {
        const project = this.tables.jobs.get(jobId)?.spec.project;
        return project === undefined ? [] : [{ id, jobId, project, atMs, bookVersion }];
      })
      .filter(({ project }) => projects === null || projects.includes(project))
      .filter(({ atMs }) => (fromMs === null || atMs >= fromMs) && (toMs === null || atMs < toMs))
      .sort((a, b) => b.atMs - a.atMs || (a.id < b.id ? 1 : -1))
      .slice(0, limit);
  }
}

class MemoryOffers implements Offers {
  constructor(private readonly tables: MemoryTables) {}

  async version(): Promise<number> {
    return this.tables.currentBook().version;
  }

  async changesSince(version: number): Promise<BookChange> {
    const before = new Map((await this.bookAt(version)).offers.map((offer) => [offer.id, offer]));
    const now = new Map(this.tables.currentBook().offers.map((offer) => [offer.id, offer]));
    return {
      changed: [...before]
        .filter(([id, offer]) => canonicalJson(offer) !== canonicalJson(now.get(id) ?? null))
        .map(([id]) => id),
      hasNew: [...now.keys()].some((id) => !before.has(id)),
    };
  }

  async patch(
    { since, until }: { readonly since: number; readonly until: number },
    after: OfferId | null,
    limit: number,
  ): Promise<BookPatchPage> {
    const before = new Map((await this.bookAt(since)).offers.map((offer) => [offer.id, offer]));
    const now = new Map((await this.bookAt(until)).offers.map((offer) => [offer.id, offer]));
    const changed = [...new Set([...before.keys(), ...now.keys()])]
      .filter((id) => canonicalJson(before.get(id) ?? null) !== canonicalJson(now.get(id) ?? null))
      .filter((id) => after === null || id > after)
      .sort()
      .slice(0, limit);
    return {
      gone: changed.filter((id) => !now.has(id)),
      come: changed.flatMap((id) => now.get(id) ?? []),
      next: changed.length < limit ? null : (changed.at(-1) ?? null),
    };
  }

  async book(): Promise<OfferBook> {
    return this.tables.currentBook();
  }

  async bookAt(version: number): Promise<OfferBook> {
    return (
      this.tables.books.findLast((book) => book.version <= version) ?? { version: 0, offers: [] }
    );
  }

  async bookAtTime(atMs: number): Promise<OfferBook> {
    const made = [...this.tables.bookMadeAtMs].filter(([, madeAtMs]) => madeAtMs <= atMs);
    return this.bookAt(Math.max(0, ...made.map(([version]) => version)));
  }

  async refreshedAtMs(): Promise<ReadonlyMap<ProviderId, number>> {
    return this.tables.refreshedAtMs;
  }

  async replace(providerId: ProviderId, offers: readonly Offer[], nowMs: number): Promise<number> {
    this.tables.refreshedAtMs.set(providerId, nowMs);
    const { version, offers: known } = this.tables.currentBook();
    const others = known.filter((offer) => offer.providerId !== providerId);
    const next = [...others, ...offers].sort((a, b) => (a.id < b.id ? -1 : 1));
    if (canonicalJson(next) === canonicalJson(known)) return version;
    this.tables.books.push({ version: version + 1, offers: next });
    this.tables.bookMadeAtMs.set(version + 1, nowMs);
    const isSold = new Set(offers.map(({ id }) => id));
    const gone = known.filter((offer) => offer.providerId === providerId && !isSold.has(offer.id));
    this.tables.priceTables.append(nowMs, [
      ...offers.map(({ id, pricePerHour }) => ({ offerId: id, pricePerHour })),
      ...gone.map(({ id }) => ({ offerId: id, pricePerHour: null })),
    ]);
    return version + 1;
  }
}

class MemoryCostEntries implements CostEntries {
  constructor(private readonly tables: MemoryTables) {}

  async accrued(attemptId: AttemptId): Promise<Accrued> {
    return this.tables.accrued.get(attemptId) ?? NOTHING_ACCRUED;
  }

  async book(attempt: Attempt, _job: Job, accrual: Accrual): Promise<boolean> {
    const before = this.tables.accrued.get(attempt.id) ?? NOTHING_ACCRUED;
    const known = accrual.sequence < before.entries;
    if (!known) {
      this.tables.costEntries.push({ ...accrual, attemptId: attempt.id });
      this.tables.accrued.set(attempt.id, withSlice(before, accrual));
    }
    if (!known && accrual.covered !== undefined)
      this.tables.costTables.draw(accrual.covered.commitment, accrual.covered);
    return !known;
  }

  async bookTransfer(transfer: Transfer): Promise<boolean> {
    const { transfers } = this.tables.costTables;
    const key = `${transfer.attempt.id}/${transfer.kind}`;
    if (transfers.has(key)) return false;
    transfers.set(key, transfer);
    return true;
  }
}

const NOTHING_ACCRUED: Accrued = { entries: 0, amount: ZERO_USD, toMs: null, final: false };

function withSlice(before: Accrued, { amount, toMs, final, covered }: Accrual): Accrued {
  const drawn = {
    amount: microUsd((before.covered?.amount ?? 0) + (covered?.amount ?? 0)),
    leaseMs: (before.covered?.leaseMs ?? 0) + (covered?.leaseMs ?? 0),
  };
  return {
    ...(drawn.amount === 0 && drawn.leaseMs === 0 ? {} : { covered: drawn }),
    entries: before.entries + 1,
    amount: microUsd(before.amount + amount),
    toMs,
    final: before.final || final,
  };
}

function isWanted({ spec, state }: Job, { project, states, workload, label }: JobFilter): boolean {
  return (
    (project === null || spec.project === project) &&
    (states.length === 0 || states.includes(state)) &&
    (workload === null || spec.workload === workload) &&
    (label === null || spec.labels[label.name] === label.value)
  );
}

/** At most one unreleased attempt holds a slot in a role. */
function isInTheWay(known: Attempt, { slot, role }: Attempt): boolean {
  return known.phase !== 'released' && known.slot === slot && known.role === role;
}

function isAhead(a: Pick<Job, 'id' | 'lineKey'>, b: Pick<Job, 'id' | 'lineKey'>): boolean {
  return a.lineKey < b.lineKey || (a.lineKey === b.lineKey && a.id < b.id);
}

function overdueIn<Row extends { readonly dueAtMs: number | null }>(
  rows: Iterable<Row>,
  nowMs: number,
  limit: number,
): Row[] {
  return [...rows]
    .filter(({ dueAtMs }) => dueAtMs !== null && dueAtMs <= nowMs)
    .sort((a, b) => (a.dueAtMs ?? 0) - (b.dueAtMs ?? 0))
    .slice(0, limit);
}
