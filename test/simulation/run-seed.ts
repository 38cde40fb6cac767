import {
  asAttemptId,
  circumstances,
  deadlineAtMs,
  isLate,
  microUsd,
  providerErrorKinds,
  suspensionKey,
  usd,
  type AttemptId,
  type CompiledPolicy,
  type Job,
} from '#libs/domain';
import { chance, integerBetween, pick, seededRng, type Rng } from '#libs/testkit';
import type { Clause } from './scene';
import { twoClouds, type SimulatedCloud } from './clouds';
import { MAX_PAUSE_MS } from './workers';
import { Crews, doubled } from './crews';
import type { Breach, InvariantId } from './invariants';
import { overspending, unbookedCharges } from './money';
import { simulatedJob } from './simulated-jobs';
import { restlessness, unseenReturns } from './looks';
import { SimulatedSupervisor, type SimulatedWork } from './supervisors';
import { World } from './world';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A seed that has not come to rest by then never will. */
const HORIZON_MS = 36 * HOUR_MS;
const MAX_STEPS = 1_500_000;
const SWEEP_OVERDUE_MS = 30_000;
const SWEEP_LEASES_MS = 5 * MINUTE_MS;
const REFRESH_MS = 5 * MINUTE_MS;
const LOOK_AT_CAPACITY_MS = 5 * MINUTE_MS;
/** Refusals are confirmed one after the other, so that free capacity is found only in time. */
const FREE_FOR_MS = HOUR_MS;

export interface SeedResult {
  readonly seed: number;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly breaches: readonly Breach[];
}

/** Personal data must not leave the firm cloud; a rule that some jobs run into. */
const policy: CompiledPolicy = {
  version: 'simulation@1',
  // Little tolerance, so that points of no return are acted on.
  preferences: { general: { latenessToleranceBps: 50 } },
  rules: [
    {
      id: 'simulation/personal-data',
      because: 'the market cannot say where it computes',
      effect: 'forbid',
      applies: ({ spec }) => spec.dataClass === 'personal',
      holds: (_job, offer) => offer.providerId === 'market',
    },
  ],
};

/** Plays one seed to its end and says which invariants it broke. The same seed plays the same way. */
export async function runSeed(
  seed: number,
  dropped: ReadonlySet<Clause> = new Set(),
): Promise<SeedResult> {
  const play = new Play(seed, dropped);
  await play.run();
  return play.result();
}

class Play {
  private readonly breaches: Breach[] = [];
  private readonly rng: Rng;
  private readonly world: World;
  private readonly supervisors: SimulatedSupervisor[] = [];
  private readonly startMs: number;
  private seenAttempts = 0;
  private jobs: readonly Job[] = [];
  private readonly crews: Crews;
  private readonly work = new Map<string, SimulatedWork>();
  /** Interruptions and lost messages, but no provider that fails, and reliable supply for everybody. */
  private readonly calm: boolean;
  /** When each offer was last seen full or out of reach. */
  private readonly busyAtMs = new Map<string, number>();

  constructor(
    private readonly seed: number,
    private readonly dropped: ReadonlySet<Clause>,
  ) {
    this.rng = seededRng(seed);
    this.calm = chance(this.rng, 0.25);
    this.world = new World(
      this.rng,
      (world) => twoClouds(world, this.calm, (...grant) => this.onGrant(...grant)),
      policy,
      dropped,
    );
    this.crews = new Crews(this.world.tables);
    this.startMs = this.world.agenda.nowMs();
  }

  async run(): Promise<void> {
    this.leaveOrphans();
    this.scheduleFeedsAndSweeps();
    this.watchCapacity();
    this.submitJobs();
    this.scheduleTrouble();
    const endMs = this.startMs + HORIZON_MS;
    while (!this.isAtRest() && this.world.agenda.nowMs() < endMs && this.world.steps < MAX_STEPS) {
      await this.world.step(endMs);
      this.checkPlacements();
      if (this.breaches.length > 0) return;
    }
    this.checkEnd();
  }

  result(): SeedResult {
    const simulatedMs = this.world.agenda.nowMs() - this.startMs;
    return { seed: this.seed, steps: this.world.steps, simulatedMs, breaches: this.breaches };
  }

  /** Leases from a life before the database: the sweep must find them. */
  private leaveOrphans(): void {
    for (const cloud of this.world.clouds) {
      if (!chance(this.rng, 0.1)) continue;
      const [offer] = cloud.core.listOffers(this.startMs);
      if (offer === undefined) continue;
      const leaseKey = asAttemptId(`att-before-${cloud.descriptor.id}`);
      const limits = { maxDurationMs: 30 * 24 * HOUR_MS, maxPricePerHour: offer.pricePerHour };
      cloud.core.acquire(
        { leaseKey, offer, workload: { image: '', script: '', env: {} }, labels: {}, limits },
        this.startMs,
      );
    }
  }

  private scheduleFeedsAndSweeps(): void {
    this.every(SWEEP_OVERDUE_MS, ({ sweepOverdue }) => sweepOverdue.run());
    for (const { descriptor } of this.world.clouds) {
      this.every(REFRESH_MS, ({ refresh }) => ignoringRefusal(refresh.run(descriptor.id)), 0);
      if (!this.dropped.has('sweep')) {
        this.every(SWEEP_LEASES_MS, ({ sweepLeases }) =>
          ignoringRefusal(sweepLeases.run(descriptor.id)),
        );
      }
    }
  }

  /** Notes which offers are full or out of reach, for I10. */
  private watchCapacity(): void {
    const { agenda, clouds, tables } = this.world;
    const nowMs = agenda.nowMs();
    for (const cloud of clouds) {
      const running = cloud.core.leases(nowMs).filter((lease) => lease.running);
      for (const { id } of tables.currentBook().offers) {
        if (!id.startsWith(`${cloud.descriptor.id}/`)) continue;
        const taken = running.filter(
          ({ leaseKey }) => tables.attempts.get(leaseKey)?.offer.id === id,
        );
        if (!cloud.hasRoom(taken.length)) this.busyAtMs.set(id, nowMs);
      }
    }
    for (const detail of unseenReturns(tables, nowMs)) this.breach('I11', detail);
    const short = this.crews.shortServices();
    if (this.calm) for (const id of short) this.breach('I16', id);
    agenda.at(nowMs + LOOK_AT_CAPACITY_MS, () => this.watchCapacity());
  }

  private every(periodMs: number, task: Parameters<World['post']>[0], firstMs = periodMs): void {
    const { agenda } = this.world;
    agenda.at(agenda.nowMs() + firstMs, () => {
      this.world.post(task);
      this.every(periodMs, task);
    });
  }

  private submitJobs(): void {
    const count = integerBetween(this.rng, 1, chance(this.rng, 0.15) ? 16 : 4);
    this.jobs = Array.from({ length: count }, (_, index) => {
      const { job, work } = simulatedJob(this.rng, index, this.startMs, this.calm);
      this.work.set(job.id, work);
      return job;
    });
    for (const job of this.jobs) {
      this.world.agenda.at(job.submittedAtMs, () => {
        this.world.tables.jobs.set(job.id, job);
        if (chance(this.rng, 0.8)) this.world.post(({ decide }) => decide.run(job.id));
      });
      if (!chance(this.rng, 0.15)) continue;
      const cancelAtMs = job.submittedAtMs + integerBetween(this.rng, 0, 30 * MINUTE_MS);
      this.world.agenda.at(cancelAtMs, () => this.cancel(job));
    }
  }

  private cancel(job: Job): void {
    this.world.post(async ({ stores, advance, place }) => {
      const woken = await stores.jobs.requestCancel(job.id, this.world.agenda.nowMs(), []);
      for (const id of woken?.attempts ?? []) await advance.run(id);
      await place.run(job.id);
    });
  }

  /** Faults, outages, price moves and lies, spread over the first hours. */
  private scheduleTrouble(): void {
    const { rng } = this;
    if (this.calm) return;
    const verbs = [
      'listOffers',
      'acquire',
      'acquire',
      'acquire',
      'observe',
      'release',
      'listLeases',
    ] as const;
    for (let count = integerBetween(rng, 0, 12); count > 0; count -= 1) {
      const verb = pick(rng, verbs) ?? 'acquire';
      const as =
        pick(
          rng,
          providerErrorKinds.filter((kind) => kind !== 'unsupported'),
        ) ?? 'unavailable';
      const fault = {
        verb,
        as,
        when: chance(rng, 0.5) ? 'before' : 'after',
        times: integerBetween(rng, 1, 3),
      } as const;
      this.soon((cloud) => cloud.core.inject(fault));
    }
    if (chance(rng, 0.2)) this.outage();
    if (chance(rng, 0.3)) {
      this.soon((cloud) => {
        const [offer] = cloud.core.listOffers(this.world.agenda.nowMs());
        if (offer !== undefined)
          cloud.core.setPrice(offer.id, microUsd(Math.round(offer.pricePerHour * 1.3)));
      });
    }
    if (chance(rng, 0.1))
      this.soon(
        (cloud) => cloud.core.setLies({ ghost: 0.05, phantom: 0.05, vanished: 0.05 }),
        true,
      );
  }

  private outage(): void {
    const { agenda } = this.world;
    this.soon((cloud) => {
      cloud.setDown(true);
      agenda.at(agenda.nowMs() + integerBetween(this.rng, 1, 30) * MINUTE_MS, () =>
        cloud.setDown(false),
      );
    });
  }

  private soon(act: (cloud: SimulatedCloud) => void, atOnce = false): void {
    const { agenda, clouds } = this.world;
    const cloud = pick(this.rng, clouds);
    const delayMs = atOnce ? 0 : integerBetween(this.rng, 0, 90 * MINUTE_MS);
    if (cloud !== undefined) {
      agenda.at(agenda.nowMs() + delayMs, () => {
        try {
          act(cloud);
        } catch {
          // The cloud is down just now: the trouble that was planned is the lesser one.
        }
      });
    }
  }

  /** A lease came into being, whether or not the reply was heard. */
  private onGrant(cloud: SimulatedCloud, leaseKey: AttemptId, externalId: string): void {
    const { agenda, tables } = this.world;
    const attemptId = plainKey(leaseKey);
    const job = this.world.jobOf(attemptId);
    const attempt = tables.attempts.get(attemptId);
    if (job === null || attempt === undefined) return;
    const nowMs = agenda.nowMs();
    const live = this.world.clouds
      .flatMap(({ core }) => core.leases(nowMs))
      .filter(
        (lease) => lease.running && this.world.jobOf(plainKey(lease.leaseKey))?.id === job.id,
      );
    const holders = live.flatMap(({ leaseKey }) => tables.attempts.get(plainKey(leaseKey)) ?? []);
    for (const place of doubled(holders)) this.breach('I1', `${job.id}: two leases as ${place}`);
    if (
      policy.rules.some(
        (rule) =>
          rule.applies({ ...job, deadlineAtMs: null, spent: usd(0) }, attempt.createdAtMs) &&
          rule.holds(
            { ...job, deadlineAtMs: null, spent: usd(0) },
            attempt.offer,
            circumstances(attempt.createdAtMs, {}),
          ),
      )
    ) {
      this.breach('I5', `${job.id} got ${attempt.offer.id}`);
    }
    const supervisor = new SimulatedSupervisor(
      this.world,
      cloud,
      attemptId,
      externalId,
      this.work.get(job.id) ?? { totalMs: MINUTE_MS, checkpointMs: null, savedMs: 0 },
      !this.calm && chance(this.rng, 0.1) ? 1 : 0,
      () => this.onRun(attemptId),
    );
    this.crews.add(attempt, supervisor);
    this.supervisors.push(supervisor);
    const upAtMs = nowMs + integerBetween(this.rng, 5_000, 90_000);
    if (this.calm || chance(this.rng, 0.97)) agenda.at(upAtMs, () => supervisor.boot());
    if (chance(this.rng, 0.05))
      agenda.at(upAtMs + integerBetween(this.rng, 1, 20) * MINUTE_MS, () => supervisor.boot());
    if (attempt.offer.interruptible && chance(this.rng, 0.4)) {
      const noticeMs = chance(this.rng, 0.5) ? 30_000 : 0;
      const withinMinutes = chance(this.rng, 0.5) ? 25 : 240;
      agenda.at(nowMs + integerBetween(this.rng, 0, withinMinutes) * MINUTE_MS, () =>
        cloud.core.interrupt(leaseKey, noticeMs, agenda.nowMs()),
      );
    }
  }

  private onRun(id: AttemptId): void {
    const attempt = this.world.tables.attempts.get(id);
    if (attempt === undefined) return;
    for (const other of this.crews.intruders(attempt)) this.breach('I14', `${id} beside ${other}`);
    for (const mate of this.crews.absentees(attempt)) this.breach('I15', `${id} without ${mate}`);
  }

  /** Looks at attempts as they are planned: was somebody earlier in line for that offer? */
  private checkPlacements(): void {
    const { tables, agenda } = this.world;
    if (tables.attempts.size === this.seenAttempts) return;
    this.seenAttempts = tables.attempts.size;
    const attempt = [...tables.attempts.values()].at(-1);
    const job = attempt === undefined ? undefined : tables.jobs.get(attempt.jobId);
    if (attempt === undefined || job === undefined) return;
    for (const [otherId, place] of tables.line) {
      const other = tables.jobs.get(otherId);
      const standing = agenda.nowMs() - place.sinceMs > MAX_PAUSE_MS * 4;
      if (other === undefined || !standing || !place.offers.has(attempt.offer.id)) continue;
      const older =
        other.spec.priority === job.spec.priority && other.submittedAtMs < job.submittedAtMs;
      if (older) this.breach('I8', `${job.id} took ${attempt.offer.id} before ${otherId}`);
    }
  }

  private isAtRest(): boolean {
    const { tables, clouds, agenda } = this.world;
    if (this.world.bugs.length > 0) return true;
    if (tables.jobs.size < this.jobs.length) return false;
    for (const job of tables.jobs.values()) if (job.outcome === null) return false;
    for (const { phase } of tables.attempts.values()) if (phase !== 'released') return false;
    const booked = new Set(
      tables.costEntries.filter(({ final }) => final).map(({ attemptId }) => attemptId),
    );
    for (const { id, billedFromMs } of tables.attempts.values())
      if (billedFromMs !== null && !booked.has(id)) return false;
    return clouds.every(({ core }) => core.leases(agenda.nowMs()).every(({ running }) => !running));
  }

  private checkEnd(): void {
    const { tables, clouds, agenda, bugs } = this.world;
    const nowMs = agenda.nowMs();
    for (const bug of bugs) this.breach('I4', bug);
    if (bugs.length > 0) return;
    for (const job of tables.jobs.values())
      if (job.outcome === null) this.breach('I3', `${job.id} is ${job.state}`);
    if (tables.jobs.size < this.jobs.length) this.breach('I3', 'a job was never stored');
    for (const { core } of clouds) {
      for (const lease of core.leases(nowMs))
        if (lease.running) this.breach('I2', `${lease.externalId} of ${lease.leaseKey}`);
    }
    for (const job of tables.jobs.values()) {
      this.checkPatience(job);
      this.checkMoves(job);
    }
    for (const supervisor of this.supervisors)
      if (supervisor.runs > 1) this.breach('I9', 'a workload ran twice');
    const charges = clouds.flatMap(({ core }) => core.charges(nowMs));
    for (const detail of unbookedCharges(tables, charges)) this.breach('I7', detail);
    for (const detail of overspending(tables, charges)) this.breach('I6', detail);
  }

  /** I10: of the offers that its last decision ranked, none was free for long when the job gave up waiting. */
  private checkPatience(job: Job): void {
    const { tables } = this.world;
    // What may serve a job with a deadline changes as it comes nearer, and a gang needs more than one free place.
    if (job.spec.nodes > 1 || job.spec.sla.deadlineMs !== null) return;
    if (job.outcome !== 'queue-timeout' || job.endedAtMs === null || job.decisionId === null)
      return;
    const sinceMs = job.endedAtMs - FREE_FOR_MS;
    const ranked = tables.decisions.get(job.decisionId)?.summary.ranked ?? [];
    const rests = tables.suspensions.filter(
      ({ jobId, untilMs }) => untilMs > sinceMs && (jobId === null || jobId === job.id),
    );
    const free = ranked.find(({ offer }) => {
      const rested = rests.some(({ scope, key }) => key === suspensionKey(scope, offer));
      return !rested && (this.busyAtMs.get(offer.id) ?? 0) < sinceMs;
    });
    if (free !== undefined)
      this.breach('I10', `${job.id} gave up though ${free.offer.id} was free`);
  }

  private checkMoves(job: Job): void {
    for (const detail of restlessness(this.world.tables.attemptsOfJob(job.id)))
      this.breach('I12', `${job.id} ${detail}`);
    const { checkpoint, interruptible, budget, retry } = job.spec;
    const canSave =
      checkpoint !== null && interruptible && budget.maxCost === null && job.spec.nodes === 1;
    const isFree = job.cancelRequestedAtMs === null && retry.limit > 3;
    if (this.calm && canSave && isFree && isLate(job))
      this.breach(
        'I13',
        `${job.id} was late by ${(job.endedAtMs ?? 0) - (deadlineAtMs(job) ?? 0)} ms`,
      );
  }

  private breach(invariant: InvariantId, detail: string): void {
    this.breaches.push({ invariant, detail });
  }
}

/** The attempt behind a lease key, which without the clause of the stable key has a number of its own. */
function plainKey(leaseKey: string): AttemptId {
  return asAttemptId(leaseKey.split('#')[0] ?? leaseKey);
}

/** Feeds and sweeps are repeated by their schedule, so a provider's refusal is not a failure of theirs. */
async function ignoringRefusal(run: Promise<unknown>): Promise<void> {
  try {
    await run;
  } catch (error) {
    if (!(error instanceof Error && error.name === 'ProviderError')) throw error;
  }
}
