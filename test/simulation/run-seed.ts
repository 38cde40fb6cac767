import {
  asAttemptId,
  asJobId,
  leaseCost,
  lineKey,
  microUsd,
  providerErrorKinds,
  sumUsd,
  suspensionKey,
  usd,
  type AttemptId,
  type CompiledPolicy,
  type Job,
  type JobSpec,
} from '#libs/domain';
import { aSpec, chance, integerBetween, pick, seededRng, type Rng } from '#libs/testkit';
import type { Clause } from './scene';
import { twoClouds, type SimulatedCloud } from './clouds';
import { MAX_PAUSE_MS } from './workers';
import { SimulatedSupervisor } from './supervisors';
import { World } from './world';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A seed that has not come to rest by then never will. */
const HORIZON_MS = 36 * HOUR_MS;
const MAX_STEPS = 500_000;
const SWEEP_OVERDUE_MS = 30_000;
const SWEEP_LEASES_MS = 5 * MINUTE_MS;
const REFRESH_MS = 5 * MINUTE_MS;
const QUEUE_TIMEOUT_MS = 2 * HOUR_MS;
const LOOK_AT_CAPACITY_MS = 5 * MINUTE_MS;
/** Refusals are confirmed one after the other, so that free capacity is found only in time. */
const FREE_FOR_MS = HOUR_MS;

/** What must always hold. The numbers are cited by tests and documents. */
export const invariants = {
  I1: 'at most one live lease per job',
  I2: 'nothing is left running at the end',
  I3: 'every job ends',
  I4: 'no use case fails: no illegal transition, no broken assumption',
  I5: 'no lease that policy forbids',
  I6: 'spend never exceeds the job’s maximum by more than one billing increment',
  I7: 'every charge has a cost entry that covers it',
  I8: 'an older job never waits behind a younger one of equal priority for the same offer',
  I9: 'a workload runs at most once per attempt',
  I10: 'a job that free capacity could serve for an hour does not time out waiting',
} as const;
export type InvariantId = keyof typeof invariants;

export interface Breach {
  readonly invariant: InvariantId;
  readonly detail: string;
}

export interface SeedResult {
  readonly seed: number;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly breaches: readonly Breach[];
}

/** Personal data must not leave the firm cloud; a rule that some jobs run into. */
const policy: CompiledPolicy = {
  version: 'simulation@1',
  preferences: {},
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
  /** When each offer was last seen full or out of reach. */
  private readonly busyAtMs = new Map<string, number>();

  constructor(
    private readonly seed: number,
    private readonly dropped: ReadonlySet<Clause>,
  ) {
    this.rng = seededRng(seed);
    this.world = new World(
      this.rng,
      (world) => twoClouds(world, (...grant) => this.onGrant(...grant)),
      policy,
      dropped,
    );
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
    this.jobs = Array.from({ length: count }, (_, index) => this.aJob(index));
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

  private aJob(index: number): Job {
    const { rng } = this;
    const submittedAtMs = this.startMs + integerBetween(rng, 0, 10 * MINUTE_MS);
    const priority = chance(rng, 0.7) ? 50 : integerBetween(rng, 0, 100);
    const spec: JobSpec = aSpec({
      name: `job-${index}`,
      interruptible: chance(rng, 0.75),
      dataClass: chance(rng, 0.25) ? 'personal' : 'public',
      checkpoint: chance(rng, 0.5)
        ? { path: 'ckpt', intervalMs: 5 * MINUTE_MS, sizeGb: 0.1 }
        : null,
      durationEstimateMs: integerBetween(rng, 1, 20) * MINUTE_MS,
      budget: {
        maxPricePerHour: null,
        maxCost: chance(rng, 0.4) ? usd(integerBetween(rng, 1, 200) / 100) : null,
      },
      retry: {
        on: ['interruption', 'start-failure', ...(chance(rng, 0.3) ? (['error'] as const) : [])],
        limit: integerBetween(rng, 0, 4),
      },
      priority,
      sla: {
        deadlineMs: null,
        queueTimeoutMs: QUEUE_TIMEOUT_MS,
        maxDurationMs: 40 * MINUTE_MS,
        availabilityBps: null,
      },
    });
    return {
      id: asJobId(`job-${index}`),
      spec,
      submittedAtMs,
      submittedBy: 'simulation',
      state: 'queued',
      outcome: null,
      endedAtMs: null,
      cancelRequestedAtMs: null,
      decisionId: null,
      lineKey: lineKey(submittedAtMs, priority),
      baseline: null,
      revision: 0,
      dueAtMs: submittedAtMs,
    };
  }

  /** Faults, outages, price moves and lies, spread over the first hours. */
  private scheduleTrouble(): void {
    const { rng } = this;
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
    const attemptId = asAttemptId(leaseKey.split('#')[0] ?? leaseKey);
    const job = this.world.jobOf(attemptId);
    const attempt = tables.attempts.get(attemptId);
    if (job === null || attempt === undefined) return;
    const nowMs = agenda.nowMs();
    const live = this.world.clouds
      .flatMap(({ core }) => core.leases(nowMs))
      .filter(
        (lease) =>
          lease.running && this.world.jobOf(lease.leaseKey.split('#')[0] ?? '')?.id === job.id,
      );
    if (live.length > 1)
      this.breach('I1', `${job.id}: ${live.map((lease) => lease.externalId).join(' and ')}`);
    if (
      policy.rules.some(
        (rule) =>
          rule.applies({ ...job, deadlineAtMs: null, spent: usd(0) }) &&
          rule.holds({ ...job, deadlineAtMs: null, spent: usd(0) }, attempt.offer),
      )
    ) {
      this.breach('I5', `${job.id} got ${attempt.offer.id}`);
    }
    const workMs = Math.round(job.spec.durationEstimateMs * (0.3 + this.rng() * 1.4));
    const supervisor = new SimulatedSupervisor(
      this.world,
      cloud,
      attemptId,
      externalId,
      workMs,
      chance(this.rng, 0.1) ? 1 : 0,
    );
    this.supervisors.push(supervisor);
    const upAtMs = nowMs + integerBetween(this.rng, 5_000, 90_000);
    if (chance(this.rng, 0.97)) agenda.at(upAtMs, () => supervisor.boot());
    if (chance(this.rng, 0.05))
      agenda.at(upAtMs + integerBetween(this.rng, 1, 20) * MINUTE_MS, () => supervisor.boot());
    if (attempt.offer.interruptible && chance(this.rng, 0.25)) {
      const noticeMs = chance(this.rng, 0.5) ? 30_000 : 0;
      agenda.at(nowMs + integerBetween(this.rng, 0, 25) * MINUTE_MS, () =>
        cloud.core.interrupt(leaseKey, noticeMs, agenda.nowMs()),
      );
    }
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
    for (const job of tables.jobs.values()) this.checkPatience(job);
    for (const supervisor of this.supervisors)
      if (supervisor.runs > 1) this.breach('I9', 'a workload ran twice');
    this.checkMoney(nowMs);
  }

  /** I10: of the offers that its last decision ranked, none was free for long when the job gave up waiting. */
  private checkPatience(job: Job): void {
    const { tables } = this.world;
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

  private checkMoney(nowMs: number): void {
    const { tables, clouds } = this.world;
    const charges = clouds.flatMap(({ core }) => core.charges(nowMs));
    for (const charge of charges) {
      const entries = tables.costEntries.filter(({ attemptId }) => attemptId === charge.leaseKey);
      const booked = sumUsd(entries.map(({ amount }) => amount));
      const isOurs = tables.attempts.has(charge.leaseKey);
      if (isOurs && booked < charge.chargedMicroUsd) {
        this.breach(
          'I7',
          `${charge.leaseKey} was charged ${charge.chargedMicroUsd}, ${booked} is booked`,
        );
      }
    }
    for (const job of tables.jobs.values()) {
      const { maxCost } = job.spec.budget;
      const attempts = tables.attemptsOfJob(job.id);
      const spent = sumUsd(
        charges
          .filter(({ leaseKey }) => attempts.some(({ id }) => id === leaseKey))
          .map((c) => c.chargedMicroUsd),
      );
      const increment = Math.max(
        0,
        ...attempts.map(({ offer }) =>
          leaseCost(offer.pricePerHour, offer.billing.incrementMs, {
            ...offer.billing,
            minimumMs: 0,
          }),
        ),
      );
      if (maxCost !== null && spent > maxCost + increment)
        this.breach('I6', `${job.id} spent ${spent} of ${maxCost}`);
    }
  }

  private breach(invariant: InvariantId, detail: string): void {
    this.breaches.push({ invariant, detail });
  }
}

/** Feeds and sweeps are repeated by their schedule, so a provider's refusal is not a failure of theirs. */
async function ignoringRefusal(run: Promise<unknown>): Promise<void> {
  try {
    await run;
  } catch (error) {
    if (!(error instanceof Error && error.name === 'ProviderError')) throw error;
  }
}
