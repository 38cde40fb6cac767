import {
  DEFAULT_PREFERENCES,
  asDecisionId,
  costTermNames,
  usd,
  ZERO_USD,
  type Attempt,
  type CostTerms,
  type DecisionSummary,
  type Job,
  type Offer,
} from '#libs/domain';
import { AdapterRegistry, type LeaseRequest, type ProviderAdapter } from '#libs/provider-kit';
import type { Ids } from '#libs/runtime';
import type { DecisionRecord } from '#libs/storage';
import { aJob, BUILT_AT_MS, FakeCloud, fakeOffers, ManualClock } from '#libs/testkit';
import { SilentDoorbell } from '../../../libs/queue/testing/silent-doorbell';
import { MemoryTables, memoryStores } from '../../../test/simulation/memory-stores';
import { AdvanceAttempt } from '../advance-attempt';
import type { LeaseRequests } from '../lease-requests';
import { PlaceJob } from '../place-job';
import { ReportWorkload } from '../report-workload';

const DECISION = 'dec-1';
/** What a step takes; a provider answers in no time at all only in tests. */
const STEP_MS = 1;
/** More steps than any attempt needs; one that takes more does not come to rest. */
const MAX_STEPS = 1_000;

/** Requests without a workload, for clouds that run nothing. */
const bareRequests: LeaseRequests = {
  for: async (attempt: Attempt): Promise<LeaseRequest> => ({
    leaseKey: attempt.id,
    offer: attempt.offer,
    workload: { image: 'none', script: '', env: {} },
    labels: {},
    limits: { maxDurationMs: attempt.maxLeaseMs, maxPricePerHour: attempt.offer.pricePerHour },
  }),
};

const terms = Object.fromEntries(costTermNames.map((name) => [name, ZERO_USD])) as CostTerms;

export function summaryOf(
  offers: readonly Offer[],
  wanted: Partial<DecisionSummary> = {},
): DecisionSummary {
  return {
    engine: 'decide/1',
    ranked: offers.map((offer) => ({
      offer,
      terms,
      expectedCost: offer.pricePerHour,
      latenessBps: 0,
      noReturnAtMs: null,
    })),
    rankedCount: offers.length,
    rejectedCount: 0,
    rejectionCounts: {},
    ruleCounts: {},
    nearestMisses: [],
    awaited: [],
    awaitedUntilMs: null,
    baseline: null,
    ...wanted,
  };
}

/** What a test may put in place of the usual. */
export interface StageWishes {
  readonly cloud?: (clock: ManualClock) => FakeCloud;
  /** What the dispatcher sees instead of the cloud itself. */
  readonly adapter?: (cloud: FakeCloud) => ProviderAdapter;
  readonly requests?: LeaseRequests;
}

/** The dispatcher's use cases over stores in memory and one fake cloud, on a clock that stands still until it is moved. */
export class Stage {
  readonly clock = new ManualClock(BUILT_AT_MS);
  readonly tables = new MemoryTables();
  readonly stores = memoryStores(this.tables);
  readonly doorbell = new SilentDoorbell();
  readonly cloud: FakeCloud;
  readonly place: PlaceJob;
  readonly advance: AdvanceAttempt;
  readonly report: ReportWorkload;

  constructor({ cloud, adapter, requests }: StageWishes = {}) {
    this.cloud = cloud === undefined ? new FakeCloud(this.clock) : cloud(this.clock);
    const adapters = new AdapterRegistry([
      adapter === undefined ? this.cloud : adapter(this.cloud),
    ]);
    let made = 0;
    const ids: Ids = { next: (kind) => `${kind}-${(made += 1)}` };
    const { attempts } = this.stores;
    this.place = new PlaceJob(this.stores, this.doorbell, ids, this.clock);
    this.advance = new AdvanceAttempt(
      attempts,
      adapters,
      requests ?? bareRequests,
      this.doorbell,
      this.clock,
    );
    this.report = new ReportWorkload(attempts, this.doorbell, this.clock);
  }

  /** Stores a job, and with `ranked` a decision of this moment that offers these in this order. */
  async submitted(
    wanted: Partial<Parameters<typeof aJob>[0]> = {},
    ranked: readonly Offer[] | null = fakeOffers.slice(0, 2),
  ): Promise<Job> {
    const id = wanted.id ?? 'job-1';
    const job = aJob({ submittedAtMs: this.clock.nowMs(), ...wanted, id });
    await this.stores.jobs.submit({ job, idempotency: null, reservation: null, events: [] });
    return ranked === null ? job : this.decided(job, summaryOf(ranked));
  }

  async decided(job: Job, summary: DecisionSummary, name: string = DECISION): Promise<Job> {
    const id = asDecisionId(name);
    const atMs = this.clock.nowMs();
    const record: DecisionRecord = {
      id,
      jobId: job.id,
      atMs,
      engine: summary.engine,
      policyVersion: '',
      bookVersion: 0,
      health: {},
      suspensions: [],
      spent: usd(0),
      kind: 'placement',
      leftMs: null,
      reserves: [],
      preferences: DEFAULT_PREFERENCES,
      summary,
      digests: { job: '', policy: '', offers: '', decision: '' },
    };
    return this.stores.decisions.record(record, { ...job, decisionId: id, dueAtMs: atMs }, []);
  }

  /** The job as it is stored. */
  job(id = 'job-1'): Job {
    const job = [...this.tables.jobs.values()].find((each) => each.id === id);
    if (job === undefined) throw new Error(`there is no job ${id}`);
    return job;
  }

  /** The last attempt that was planned, as it is stored. */
  attempt(): Attempt {
    const attempt = [...this.tables.attempts.values()].at(-1);
    if (attempt === undefined) throw new Error('there is no attempt');
    return attempt;
  }

  /** Places the job and returns what was planned for it. */
  async placed(id = this.job().id): Promise<Attempt> {
    await this.place.run(id);
    return this.attempt();
  }

  /** Steps the last attempt each time it is due, until `done` or its end; the clock moves from one due time to the next. */
  async advancedUntil(done: (attempt: Attempt) => boolean): Promise<Attempt> {
    for (let step = 0; step < MAX_STEPS; step += 1) {
      const attempt = this.attempt();
      if (done(attempt) || attempt.dueAtMs === null) return attempt;
      this.clock.advance(attempt.dueAtMs - this.clock.nowMs());
      await this.advance.run(attempt.id);
      this.clock.advance(STEP_MS);
    }
    throw new Error(`the attempt is still ${this.attempt().phase} after ${MAX_STEPS} steps`);
  }

  /** Advances to the end; what is left running at the cloud then is a mistake. */
  released(): Promise<Attempt> {
    return this.advancedUntil(({ phase }) => phase === 'released');
  }

  events(): readonly string[] {
    return this.tables.events.map(({ type }) => type);
  }

  running(): number {
    return this.cloud.leases().filter(({ running }) => running).length;
  }
}
