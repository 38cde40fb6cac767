import type { AttemptId, HeartbeatDirective, StartVerdict, WorkloadExitReason } from '#libs/domain';
import { chance, integerBetween } from '#libs/testkit';
import type { SimulatedCloud } from './clouds';
import type { Task, World } from './world';

const HEARTBEAT_MS = 40_000;
const RETRY_MS = 7_000;
/** Without contact for this long the supervisor gives up its lease: the dead-man switch. */
const GIVE_UP_MS = 900_000;

/** The work of one job as it really is: how much there is, and what of it has been saved. */
export interface SimulatedWork {
  readonly totalMs: number;
  /** How often the workload saves; null for work that starts over. */
  readonly checkpointMs: number | null;
  savedMs: number;
}

/** The supervisor of one lease, as the control plane sees it: it asks before it starts, beats, and reports how it ended. */
export class SimulatedSupervisor {
  /** Counts restarts of the machine or container; what ran in an earlier boot is dead. */
  private boots = 0;
  private heardAtMs: number;
  private ended = false;
  private beganAtMs = 0;
  private resumedFromMs = 0;
  private stopping = false;
  runs = 0;

  constructor(
    private readonly world: World,
    private readonly cloud: SimulatedCloud,
    private readonly leaseKey: AttemptId,
    private readonly externalId: string,
    private readonly work: SimulatedWork,
    private readonly exitCode: number,
    private readonly onRun: () => void,
  ) {
    this.heardAtMs = world.agenda.nowMs();
  }

  /** Whether its workload is there just now. */
  get isRunning(): boolean {
    return this.runs > 0 && !this.ended && this.isUp();
  }

  /** A machine starts anew, or with `again` the same boot repeats its question. */
  boot(again: number | null = null): void {
    if (again === null) this.boots += 1;
    const { bootId } = this;
    this.ask<StartVerdict>(
      (services, reply) => services.report.start(this.leaseKey, bootId).then(reply),
      (verdict) => this.hear(verdict),
    );
  }

  private hear(verdict: StartVerdict): void {
    if (verdict === 'run') return this.run();
    if (verdict === 'over') return this.finish();
    const { agenda } = this.world;
    const { boots } = this;
    agenda.at(agenda.nowMs() + HEARTBEAT_MS, () => {
      if (boots === this.boots && !this.ended) this.boot(boots);
    });
  }

  private get bootId(): string {
    return `boot-${this.externalId}-${this.boots}`;
  }

  private run(): void {
    this.onRun();
    this.runs += 1;
    const { agenda } = this.world;
    const { boots } = this;
    this.beganAtMs = agenda.nowMs();
    this.resumedFromMs = this.work.savedMs;
    agenda.at(agenda.nowMs() + this.work.totalMs - this.resumedFromMs, () => {
      if (boots === this.boots && !this.stopping) this.exit(this.exitCode, 'exited');
    });
    this.beatLater();
    this.saveLater();
  }

  private saveLater(): void {
    const { agenda } = this.world;
    const { boots, work } = this;
    if (work.checkpointMs === null) return;
    agenda.at(agenda.nowMs() + work.checkpointMs, () => {
      if (this.ended || this.stopping || boots !== this.boots) return;
      this.save();
      this.saveLater();
    });
  }

  /** The checkpoint is stored, and the dispatcher is told of it at most once: a lost word costs certainty, not work. */
  private save(): void {
    const { agenda } = this.world;
    if (this.work.checkpointMs === null || !this.isUp()) return;
    const doneMs = this.resumedFromMs + agenda.nowMs() - this.beganAtMs;
    this.work.savedMs = Math.max(this.work.savedMs, doneMs);
    this.world.post((services) => services.report.checkpoint(this.leaseKey).then(() => undefined));
  }

  private obey(directive: HeartbeatDirective): void {
    if (directive === 'checkpoint') this.save();
    if (directive !== 'stop' || this.stopping) return;
    this.stopping = true;
    const { agenda, rng } = this.world;
    agenda.at(agenda.nowMs() + integerBetween(rng, 1_000, 25_000), () => {
      this.save();
      this.exit(143, 'stopped');
    });
  }

  private beatLater(): void {
    const { agenda } = this.world;
    const { boots } = this;
    agenda.at(agenda.nowMs() + HEARTBEAT_MS, () => {
      if (this.ended || boots !== this.boots) return;
      this.ask<HeartbeatDirective>(
        (services, reply) => services.report.heartbeat(this.leaseKey, this.bootId).then(reply),
        (directive) => this.obey(directive),
      );
      this.beatLater();
    });
  }

  private exit(code: number, reason: WorkloadExitReason): void {
    if (this.ended || !this.isUp()) return;
    this.ended = true;
    const { bootId } = this;
    this.ask(
      (services, reply) =>
        services.report.exit(this.leaseKey, { bootId, code, reason }).then(reply),
      () => this.finish(),
    );
  }

  /** What a machine does when its workload is over: some power off, others idle until they are released. */
  private finish(): void {
    this.ended = true;
    if (chance(this.world.rng, 0.5))
      this.cloud.core.end(this.leaseKey, 'workload-ended', this.world.agenda.nowMs());
  }

  /** Asks the control plane until it answers, or until the supervisor has been alone for too long. */
  private ask<Answer>(
    call: (services: Parameters<Task>[0], reply: (answer: Answer) => void) => Promise<void>,
    then: (answer: Answer) => void,
    settled: { done: boolean } = { done: false },
  ): void {
    const { agenda, rng } = this.world;
    if (!this.isUp()) return;
    if (agenda.nowMs() - this.heardAtMs > GIVE_UP_MS)
      return this.cloud.core.end(this.leaseKey, 'workload-ended', agenda.nowMs());
    const { boots } = this;
    const reply = (answer: Answer): void => {
      if (settled.done || chance(rng, 0.05)) return;
      settled.done = true;
      this.heardAtMs = agenda.nowMs();
      if (this.isUp() && boots === this.boots) then(answer);
    };
    this.world.post((services) => call(services, reply));
    agenda.at(agenda.nowMs() + RETRY_MS + integerBetween(rng, 0, 2_000), () => {
      if (!settled.done && boots === this.boots) this.ask(call, then, settled);
    });
  }

  private isUp(): boolean {
    return this.cloud.isRunning(this.externalId);
  }
}
