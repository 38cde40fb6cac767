import {
  addCounters,
  asOfferId,
  canonicalJson,
  NO_HEALTH,
  type Accrual,
  type Accrued,
  type Attempt,
  type AttemptId,
  type DecisionId,
  type HealthCounters,
  type HealthSnapshot,
  type Job,
  type JobId,
  type MicroUsd,
  type Offer,
  type OfferId,
  type PolicyDocument,
  type ProviderId,
  type Suspension,
  ZERO_USD,
  microUsd,
} from '#libs/domain';
import {
  StaleRevision,
  type Attempts,
  type BookChange,
  type CostEntries,
  type DecisionRecord,
  type Decisions,
  type Events,
  type Health,
  type JobFilter,
  type Jobs,
  type NewEvent,
  type OfferBook,
  type Offers,
  type Page,
  type Policies,
  type PolicyVersion,
  type ReportChange,
  type StoredDecision,
  type StoredEvent,
  type Stores,
  type Submission,
  type SubmitResult,
  type Suspensions,
} from '#libs/storage';

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
  readonly idempotency = new Map<string, { readonly digest: string; readonly jobId: JobId }>();
  readonly learned = new Set<AttemptId>();
  readonly settled = new Map<JobId, MicroUsd>();
  readonly books: OfferBook[] = [{ version: 0, offers: [] }];
  readonly policyVersions: PolicyVersion[] = [];
  readonly refreshedAtMs = new Map<ProviderId, number>();
  suspensions: Suspension[] = [];
  health: Record<string, HealthCounters> = {};

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
    costEntries: new MemoryCostEntries(tables),
    policies: new MemoryPolicies(tables),
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
      .filter((job) => job.outcome === null && job.dueAtMs !== null && job.decisionId !== null)
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

class MemoryAttempts implements Attempts {
  constructor(private readonly tables: MemoryTables) {}

  async get(id: AttemptId): Promise<Attempt | null> {
    return this.tables.attempts.get(id) ?? null;
  }

  async ofJob(jobId: JobId): Promise<readonly Attempt[]> {
    return this.tables.attemptsOfJob(jobId);
  }

  async plan(job: Job, attempt: Attempt, events: readonly NewEvent[]): Promise<void> {
    if (this.tables.attemptsOfJob(job.id).some(({ phase }) => phase !== 'released'))
      throw new StaleRevision(`job ${job.id}`);
    this.tables.writeJob(job);
    this.tables.attempts.set(attempt.id, attempt);
    this.tables.attemptsOf.set(job.id, [...(this.tables.attemptsOf.get(job.id) ?? []), attempt.id]);
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
    if (job !== undefined && (change.wakeJob || job.state !== change.jobState)) {
      const dueAtMs = change.wakeJob ? change.nowMs : job.dueAtMs;
      this.tables.jobs.set(job.id, {
        ...job,
        state: change.jobState,
        dueAtMs,
        revision: job.revision + 1,
      });
    }
    return saved;
  }

  async report(
    id: AttemptId,
    change: (attempt: Attempt) => ReportChange | null,
    nowMs: number,
  ): Promise<Attempt | null> {
    const attempt = this.tables.attempts.get(id);
    const wanted = attempt === undefined ? null : change(attempt);
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

  async overdue(
    nowMs: number,
    limit: number,
  ): Promise<readonly { readonly id: AttemptId; readonly providerId: ProviderId }[]> {
    return overdueIn(this.tables.attempts.values(), nowMs, limit).map(({ id, offer }) => ({
      id,
      providerId: offer.providerId,
    }));
  }

  async unbooked(bookedBeforeMs: number, limit: number): Promise<readonly AttemptId[]> {
    const lastMs = new Map<AttemptId, number>();
    const closed = new Set<AttemptId>();
    for (const { attemptId, toMs, final } of this.tables.costEntries) {
      lastMs.set(attemptId, Math.max(toMs, lastMs.get(attemptId) ?? 0));
      if (final) closed.add(attemptId);
    }
    return [...this.tables.attempts.values()]
      .flatMap(({ id, phase, billedFromMs }) => {
        const sinceMs = lastMs.get(id) ?? billedFromMs;
        const wanted = sinceMs !== null && (phase === 'released' || sinceMs < bookedBeforeMs);
        return wanted && !closed.has(id) ? [{ id, sinceMs }] : [];
      })
      .sort((a, b) => a.sinceMs - b.sinceMs || (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map(({ id }) => id);
  }
}

class MemorySuspensions implements Suspensions {
  constructor(private readonly tables: MemoryTables) {}

  async inForce(nowMs: number): Promise<readonly Suspension[]> {
    return this.tables.suspensions.filter(
      ({ fromMs, untilMs }) => fromMs <= nowMs && nowMs < untilMs,
    );
  }

  async add(suspensions: readonly Suspension[]): Promise<void> {
    this.tables.suspensions.push(...suspensions);
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

  async record(decision: DecisionRecord, job: Job, events: readonly NewEvent[]): Promise<Job> {
    const saved = this.tables.writeJob({ ...job, decisionId: decision.id });
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

  async book(): Promise<OfferBook> {
    return this.tables.currentBook();
  }

  async bookAt(version: number): Promise<OfferBook> {
    return (
      this.tables.books.findLast((book) => book.version <= version) ?? { version: 0, offers: [] }
    );
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
    return version + 1;
  }
}

class MemoryHealth implements Health {
  constructor(private readonly tables: MemoryTables) {}

  async snapshot(): Promise<HealthSnapshot> {
    return this.tables.health;
  }

  async learn(attemptId: AttemptId, key: string, lesson: HealthCounters): Promise<void> {
    if (this.tables.learned.has(attemptId)) return;
    this.tables.learned.add(attemptId);
    this.tables.health = {
      ...this.tables.health,
      [key]: addCounters(this.tables.health[key] ?? NO_HEALTH, lesson),
    };
  }
}

class MemoryCostEntries implements CostEntries {
  constructor(private readonly tables: MemoryTables) {}

  async accrued(attemptId: AttemptId): Promise<Accrued> {
    const entries = this.tables.costEntries.filter((entry) => entry.attemptId === attemptId);
    return {
      entries: entries.length,
      amount: entries.reduce((total, { amount }) => microUsd(total + amount), ZERO_USD),
      toMs: entries.at(-1)?.toMs ?? null,
      final: entries.some(({ final }) => final),
    };
  }

  async book(attempt: Attempt, _job: Job, accrual: Accrual): Promise<boolean> {
    const known = this.tables.costEntries.some(
      (e) => e.attemptId === attempt.id && e.sequence === accrual.sequence,
    );
    if (!known) this.tables.costEntries.push({ ...accrual, attemptId: attempt.id });
    return !known;
  }
}

class MemoryPolicies implements Policies {
  constructor(private readonly tables: MemoryTables) {}

  async create(document: PolicyDocument, createdBy: string, nowMs: number): Promise<PolicyVersion> {
    const version =
      this.tables.policyVersions.filter((known) => known.document.name === document.name).length +
      1;
    const created = { document, version, createdAtMs: nowMs, createdBy, active: false };
    this.tables.policyVersions.push(created);
    return created;
  }

  async list(): Promise<readonly PolicyVersion[]> {
    return [...this.tables.policyVersions].sort((a, b) =>
      a.document.name < b.document.name
        ? -1
        : a.document.name > b.document.name
          ? 1
          : b.version - a.version,
    );
  }

  async activate(name: string, version: number | null): Promise<boolean> {
    const all = this.tables.policyVersions;
    if (
      version !== null &&
      !all.some((known) => known.document.name === name && known.version === version)
    )
      return false;
    all.forEach((known, index) => {
      if (known.document.name === name)
        all[index] = { ...known, active: known.version === version };
    });
    return true;
  }

  async active(): Promise<readonly PolicyVersion[]> {
    return (await this.list()).filter(({ active }) => active);
  }
}

function isWanted({ spec, state }: Job, { project, states, workload, label }: JobFilter): boolean {
  return (
    (project === null || spec.project === project) &&
    (states.length === 0 || states.includes(state)) &&
    (workload === null || spec.workload === workload) &&
    (label === null || spec.labels[label.name] === label.value)
  );
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
