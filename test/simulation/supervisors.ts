import type { AttemptId, HeartbeatDirective, WorkloadExitReason } from '#libs/domain';
import { chance, integerBetween } from '#libs/testkit';
import type { SimulatedCloud } from './clouds';
import type { Task, World } from './world';

const HEARTBEAT_MS = 40_000;
const RETRY_MS = 7_000;
/** Without contact for this long the supervisor gives up its lease: the dead-man switch. */
const GIVE_UP_MS = 900_000;

/** The supervisor of one lease, as the control plane sees it: it asks before it starts, beats, and reports how it ended. */
export class SimulatedSupervisor {
  /** Counts restarts of the machine or container; what ran in an earlier boot is dead. */
  private boots = 0;
  private heardAtMs: number;
  private ended = false;
  runs = 0;

  constructor(
    private readonly world: World,
    private readonly cloud: SimulatedCloud,
    private readonly leaseKey: AttemptId,
    private readonly externalId: string,
    private readonly workMs: number,
    private readonly exitCode: number,
  ) {
    this.heardAtMs = world.agenda.nowMs();
  }

  boot(): void {
    this.boots += 1;
    const { bootId } = this;
    this.ask<'run' | 'over'>(
      (services, reply) => services.report.start(this.leaseKey, bootId).then(reply),
      (verdict) => (verdict === 'run' ? this.run() : this.finish()),
    );
  }

  private get bootId(): string {
    return `boot-${this.externalId}-${this.boots}`;
  }

  private run(): void {
    this.runs += 1;
    const { agenda } = this.world;
    const { boots } = this;
    agenda.at(agenda.nowMs() + this.workMs, () => {
      if (boots === this.boots) this.exit(this.exitCode, 'exited');
    });
    this.beatLater();
  }

  private beatLater(): void {
    const { agenda } = this.world;
    const { boots } = this;
    agenda.at(agenda.nowMs() + HEARTBEAT_MS, () => {
      if (this.ended || boots !== this.boots) return;
      this.ask<HeartbeatDirective>(
        (services, reply) => services.report.heartbeat(this.leaseKey, this.bootId).then(reply),
        (directive) => (directive === 'stop' ? this.exit(143, 'stopped') : undefined),
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
