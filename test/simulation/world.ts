import { AdvanceAttempt } from '../../apps/dispatcher/advance-attempt';
import { LeaseRequests } from '../../apps/dispatcher/lease-requests';
import { PlaceJob } from '../../apps/dispatcher/place-job';
import { ReportWorkload } from '../../apps/dispatcher/report-workload';
import { SweepLeases } from '../../apps/dispatcher/sweep-leases';
import { SweepOverdue } from '../../apps/dispatcher/sweep-overdue';
import { BookCosts } from '../../apps/cost-oracle/book-costs';
import { RefreshOffers } from '../../apps/cost-oracle/refresh-offers';
import { LearnFromAttempt } from '../../apps/health-monitor/learn-from-attempt';
import { WatchHealth } from '../../apps/health-monitor/watch-health';
import { WatchSupply } from '../../apps/health-monitor/watch-supply';
import { MakeDecision } from '../../apps/policy-engine/make-decision';
import type { Snapshot } from '../../apps/policy-engine/snapshots';
import {
  asAttemptId,
  asJobId,
  asProviderId,
  type Attempt,
  type CompiledPolicy,
  type IdKind,
  type Job,
  type JobId,
} from '#libs/domain';
import { AdapterRegistry, ProviderError, type LeaseRequest } from '#libs/provider-kit';
import { Doorbell, type Ring } from '#libs/queue';
import { Clock, Ids } from '#libs/runtime';
import type { Stores } from '#libs/storage';
import { chance, integerBetween, type Rng } from '#libs/testkit';
import { clausesIn } from './clauses';
import type { Clause, Scene } from './scene';
import { MemoryTables, memoryStores } from './memory-stores';
import type { SimulatedCloud } from './clouds';
import { Agenda, MAX_PAUSE_MS, Worker, gated } from './workers';

const WORKERS = 3;
const START_MS = 1_800_000_000_000;
/** Chances, per message or per step at a gate. */
const LOST = 0.03;
const REPEATED = 0.05;
const LATE = 0.05;
const CRASH = 0.004;
const REDELIVERED = 0.5;
const REDELIVERY_MS = 30_000;

/** What a worker can be asked to do; built over its own gated view of stores and clouds. */
export interface Services {
  readonly advance: AdvanceAttempt;
  readonly place: PlaceJob;
  readonly decide: MakeDecision;
  readonly sweepLeases: SweepLeases;
  readonly sweepOverdue: SweepOverdue;
  readonly report: ReportWorkload;
  readonly refresh: RefreshOffers;
  readonly book: BookCosts;
  readonly learn: LearnFromAttempt;
  readonly watch: WatchHealth;
  readonly stores: Stores;
}

export type Task = (services: Services) => Promise<void>;

/** The product on a manual clock: real domain, real use cases, several workers, messages that get lost, and clouds that misbehave. */
export class World implements Scene {
  readonly agenda = new Agenda(START_MS);
  readonly tables = new MemoryTables();
  readonly bugs: string[] = [];
  readonly clouds: readonly SimulatedCloud[];
  steps = 0;
  private readonly tasks: Task[] = [];
  private readonly workers: readonly {
    readonly worker: Worker;
    readonly services: Services;
    current: Task | null;
  }[];
  private readonly clock: Clock;
  private ids = 0;

  constructor(
    readonly rng: Rng,
    makeClouds: (world: World) => readonly SimulatedCloud[],
    private readonly policy: CompiledPolicy,
    readonly dropped: ReadonlySet<Clause>,
  ) {
    this.clock = { nowMs: () => this.agenda.nowMs() };
    this.clouds = makeClouds(this);
    this.workers = Array.from({ length: WORKERS }, (_, index) => {
      const worker = new Worker(
        `w${index}`,
        () => this.agenda.nowMs(),
        (error) => this.bugs.push(textOf(error)),
      );
      return { worker, services: this.servicesFor(worker), current: null };
    });
  }

  /** Takes one step: a worker goes on or dies, or time moves to the next thing. False when nothing is left to do. */
  async step(untilMs: number): Promise<boolean> {
    this.steps += 1;
    const paused = this.workers.filter(({ worker }) => worker.pausedSinceMs !== null);
    const idle = this.tasks.length === 0 ? [] : this.workers.filter(({ worker }) => worker.isIdle);
    const choices = paused.length + idle.length;
    const overtime = paused.find(
      ({ worker }) => this.agenda.nowMs() - (worker.pausedSinceMs ?? 0) >= MAX_PAUSE_MS,
    );
    const mayWait = choices > 0 && overtime === undefined && chance(this.rng, 0.05);
    if (choices === 0 || mayWait)
      return this.wait(
        paused.map(({ worker }) => worker),
        untilMs,
      );
    const chosen = overtime ?? [...paused, ...idle][integerBetween(this.rng, 0, choices - 1)];
    if (chosen !== undefined) await this.run(chosen);
    return true;
  }

  /** A message for whichever worker is free. */
  post(task: Task): void {
    this.tasks.push(task);
  }

  jobOf(leaseKey: string): Job | null {
    const attempt = this.tables.attempts.get(asAttemptId(leaseKey));
    return attempt === undefined ? null : (this.tables.jobs.get(attempt.jobId) ?? null);
  }

  private async run(chosen: (typeof this.workers)[number]): Promise<void> {
    const { worker, services } = chosen;
    if (worker.isIdle) {
      const [task] = this.tasks.splice(integerBetween(this.rng, 0, this.tasks.length - 1), 1);
      if (task === undefined) return;
      chosen.current = task;
      await worker.start(() => task(services));
      return;
    }
    if (!chance(this.rng, CRASH)) return worker.resume();
    worker.kill();
    const { current } = chosen;
    if (current !== null && chance(this.rng, REDELIVERED)) {
      this.agenda.at(this.agenda.nowMs() + REDELIVERY_MS, () => this.post(current));
    }
  }

  /** Time moves to the next thing, but no paused worker sleeps longer than it may. */
  private wait(paused: readonly Worker[], untilMs: number): boolean {
    const soonest = Math.min(
      untilMs,
      ...paused.map(({ pausedSinceMs }) => (pausedSinceMs ?? 0) + MAX_PAUSE_MS),
    );
    return this.agenda.advance(soonest) || paused.length > 0;
  }

  private servicesFor(worker: Worker): Services {
    const plain = memoryStores(this.tables);
    const clauses = clausesIn(this, plain, worker);
    const stores = clauses.stores;
    const doorbell = this.doorbell();
    const ids: Ids = { next: (kind: IdKind) => this.nextId(kind) };
    const adapters = new AdapterRegistry(
      this.clouds.map((cloud) => gated(clauses.adapter(cloud), worker)),
    );
    const snapshots = { current: (): Promise<Snapshot> => this.snapshot(stores) };
    return {
      stores,
      advance: new AdvanceAttempt(
        clauses.dispatchAttempts,
        adapters,
        new SimulatedRequests(this),
        doorbell,
        this.clock,
      ),
      place: new PlaceJob(stores, doorbell, ids, this.clock),
      decide: new MakeDecision(stores, snapshots, doorbell, ids, this.clock),
      sweepLeases: new SweepLeases(stores.attempts, adapters, this.clock),
      sweepOverdue: new SweepOverdue(stores, doorbell, this.clock),
      report: new ReportWorkload(stores.attempts, doorbell, this.clock),
      refresh: new RefreshOffers(stores, adapters, doorbell, this.clock),
      book: new BookCosts(stores, doorbell, this.clock),
      learn: new LearnFromAttempt(stores, this.clock),
      watch: new WatchHealth(stores, new WatchSupply(stores, this.clock), this.clock),
    };
  }

  private async snapshot(stores: Stores): Promise<Snapshot> {
    const nowMs = this.agenda.nowMs();
    const book = await stores.offers.book();
    const suspensions = await stores.suspensions.inForce(nowMs);
    const health = await stores.health.snapshot();
    return {
      book,
      index: null,
      bookDigest: '',
      policy: this.policy,
      policyDigest: '',
      health,
      suspensions,
      feeds: await stores.feeds.freshness(),
      fx: await stores.fxRates.snapshot(),
      egressPerGb: {},
      calibration: {},
      commitments: [],
    };
  }

  private doorbell(): Doorbell {
    return {
      ring: (ring: Ring): void => {
        if (chance(this.rng, LOST)) return;
        this.deliver(ring);
        if (chance(this.rng, REPEATED)) this.deliver(ring);
      },
    };
  }

  private deliver(ring: Ring): void {
    const jitterMs = integerBetween(this.rng, 0, chance(this.rng, LATE) ? 20_000 : 200);
    this.agenda.at(ring.atMs + jitterMs, () => this.post(taskFor(ring)));
  }

  private nextId(kind: IdKind): string {
    this.ids += 1;
    return `${kind}-${String(this.ids).padStart(4, '0')}`;
  }
}

/** What answers each queue, as the services' reconcilers do it: take the id, call the use case. */
function taskFor({ queue, id }: Ring): Task {
  switch (queue) {
    case 'decide':
      return ({ decide }) => decide.run(asJobId(id));
    case 'place':
      return ({ place }) => place.run(asJobId(id));
    case 'advance':
      return async ({ advance }) => void (await advance.run(asAttemptId(id)));
    case 'book-costs':
      return ({ book }) => book.run(asAttemptId(id));
    case 'learn':
      return ({ learn }) => learn.run(asAttemptId(id));
    case 'watch-health':
      return ({ watch }) => watch.run();
    case 'sweep-leases':
      return tolerant(async ({ sweepLeases }) => void (await sweepLeases.run(asProviderId(id))));
    case 'refresh-offers':
      return tolerant(async ({ refresh }) => void (await refresh.run(asProviderId(id))));
    case 'sweep-overdue':
      return ({ sweepOverdue }) => sweepOverdue.run();
    case 'activate-policies':
    case 'read-feed':
    case 'prune':
      return async () => undefined;
  }
}

/** A feed or a sweep that meets a provider's refusal is simply repeated by its schedule. */
function tolerant(task: Task): Task {
  return async (services) => {
    try {
      await task(services);
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
    }
  };
}

class SimulatedRequests implements LeaseRequests {
  constructor(private readonly world: World) {}

  async for(attempt: Attempt): Promise<LeaseRequest> {
    const maxPricePerHour = attempt.offer.pricePerHour;
    return {
      leaseKey: attempt.id,
      offer: attempt.offer,
      workload: { image: 'none', script: '', env: {} },
      labels: { job: this.world.tables.attempts.get(attempt.id)?.jobId ?? '' },
      limits: { maxDurationMs: attempt.maxLeaseMs, maxPricePerHour },
    };
  }
}

export function liveAttemptsOf(tables: MemoryTables, jobId: JobId): readonly Attempt[] {
  return tables.attemptsOfJob(jobId).filter(({ phase }) => phase !== 'released');
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
