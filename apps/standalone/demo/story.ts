import { setTimeout as pause } from 'node:timers/promises';
import {
  asAttemptId,
  asDecisionId,
  asJobId,
  baselineCost,
  renderDecisionTable,
  type DecisionSummary,
} from '#libs/domain';
import type { RunningEmulator } from '#libs/provider-kit';
import { DemoClient } from './client';
import type { Example } from './examples';
import type { DemoRouter } from './router';

/** The demonstration gives up on jobs that have not ended by then. */
const LIMIT_MS = 150_000;
const LOOK_EVERY_MS = 400;
/** The plug is pulled once the program has come this far, so that there is a checkpoint to go on from. */
const PLUG_AFTER = /epoch 8 /;
/** How much of a decision and of a log is shown. */
const SHOWN_OFFERS = 3;
const LOG_TAIL_LINES = 3;

export interface JobResult {
  readonly name: string;
  readonly workload: string;
  readonly providersTried: readonly string[];
  readonly attempts: number;
  readonly outcome: string | null;
  readonly exitCode: number | null;
  readonly costMicroUsd: number;
  readonly baselineMicroUsd: number | null;
  /** Whether it ended as the example says. */
  readonly asExpected: boolean;
}

interface Followed {
  readonly example: Example;
  readonly id: string;
  shown: string;
}

/** Submits the examples, tells what becomes of them, and pulls the plug on one. `say` prints a line. */
export class Story {
  private readonly client: DemoClient;
  private readonly startedMs = performance.now();
  private plugPulled = false;

  constructor(
    private readonly router: DemoRouter,
    private readonly say: (line: string) => void,
  ) {
    this.client = new DemoClient(router.url, router.key);
  }

  async waitForOffers(): Promise<void> {
    await until(async () => (await this.client.countOffers()) > 0, 'no provider offered anything');
  }

  /** Shows why nothing here can run a job that needs what nobody sells. */
  async explainPlan({ name, document }: Example): Promise<void> {
    const plan = await this.client.plan(document);
    this.say(
      `\n${name}: ${plan.rankedCount} offers can serve, ${plan.rejectedCount} cannot. The nearest misses:`,
    );
    for (const { offerId, reasons } of plan.rejected.slice(0, SHOWN_OFFERS)) {
      this.say(`  ✗ ${offerId}: ${reasons.map(({ text }) => text).join('; ')}`);
    }
  }

  async submit(example: Example): Promise<Followed> {
    const { id } = await this.client.submit(example.document);
    return { example, id, shown: '' };
  }

  /** Shows where each job was routed, and why there. */
  async showDecision({ example, id }: Followed): Promise<void> {
    const { stores, decisionOf } = this;
    await until(async () => (await decisionOf(id)) !== null, `${example.name} was not decided`);
    const summary = await decisionOf(id);
    if (summary === null) return;
    const job = await stores.jobs.get(asJobId(id));
    this.say(`\n── ${example.name} (${example.workload}, ${job?.spec.dataClass ?? ''} data)`);
    this.say(renderDecisionTable(headOf(summary)));
  }

  /** Follows all jobs to their ends. */
  async follow(jobs: readonly Followed[]): Promise<void> {
    const endMs = performance.now() + LIMIT_MS;
    this.say('\nProgress:');
    while (performance.now() < endMs) {
      const states = await Promise.all(jobs.map((job) => this.look(job)));
      if (states.every((ended) => ended)) return;
      await pause(LOOK_EVERY_MS);
    }
    this.say(`  not everything ended within ${LIMIT_MS / 1_000} s`);
  }

  /** Waits until nothing is left anywhere and everything is booked. */
  async settle(): Promise<number> {
    await until(async () => this.leasesLeft() === 0, 'leases were left').catch(() => undefined);
    await until(
      async () => (await this.stores.attempts.unbooked(Number.MAX_SAFE_INTEGER, 1)).length === 0,
      'charges were not booked',
    );
    return this.leasesLeft();
  }

  /** What the emulated providers' own books say is still running. */
  leasesLeft(): number {
    return this.emulators.flatMap((emulator) => emulator.leases()).filter(({ running }) => running)
      .length;
  }

  async result({ example, id }: Followed): Promise<JobResult> {
    const job = await this.stores.jobs.get(asJobId(id));
    const attempts = await this.stores.attempts.ofJob(asJobId(id));
    const view = await this.client.job(id);
    const exitCode = attempts.at(-1)?.report.exit?.code ?? null;
    const baseline = job?.baseline ?? null;
    const resumed = example.role !== 'interrupt' || attempts.length > 1;
    return {
      name: example.name,
      workload: example.workload,
      providersTried: [...new Set(attempts.map(({ offer }) => offer.providerId))],
      attempts: attempts.length,
      outcome: view.outcome,
      exitCode,
      costMicroUsd: view.costMicroUsd,
      baselineMicroUsd:
        job === null || baseline === null ? null : baselineCost(baseline, job.spec, attempts),
      asExpected: exitCode === example.expectedExitCode && resumed,
    };
  }

  /** The end of a job's output, with how it went on after an interruption. */
  async showLogs({ example, id }: Followed, { attempts, exitCode }: JobResult): Promise<void> {
    const text = await this.client.logs(id);
    const lines = text.trimEnd().split('\n');
    const resumed = lines.filter((line) => line.includes('resumed'));
    const tail = lines.slice(-LOG_TAIL_LINES);
    this.say(
      `\n${example.name}: exit code ${exitCode ?? 'unknown'}, ${attempts} attempt${attempts === 1 ? '' : 's'}`,
    );
    for (const line of [...resumed.filter((each) => !tail.includes(each)), ...tail])
      this.say(`  | ${line}`);
  }

  /** What the API reports as charged since the demonstration began. */
  chargesByProvider() {
    return this.client.costs('provider', this.router.startedAt);
  }

  /** Tells a change of state; true when the job has ended. */
  private async look(job: Followed): Promise<boolean> {
    const { state, outcome } = await this.client.job(job.id);
    const attempts = await this.client.attempts(job.id);
    const current = attempts.at(-1);
    const where =
      current === undefined
        ? ''
        : ` on ${current.offerId} (attempt ${current.number}, ${current.phase})`;
    const shown = outcome === null ? `${state}${where}` : `${state}: ${outcome}`;
    if (shown !== job.shown) this.tell(job, shown);
    job.shown = shown;
    if (job.example.role === 'interrupt' && current?.phase === 'running')
      await this.maybePullPlug(job, current.id);
    return outcome !== null;
  }

  private async maybePullPlug(job: Followed, attemptId: string): Promise<void> {
    if (this.plugPulled || !PLUG_AFTER.test(await this.client.logs(job.id))) return;
    this.plugPulled = true;
    const key = asAttemptId(attemptId);
    for (const emulator of this.emulators) {
      if (emulator.leases().some(({ leaseKey, running }) => leaseKey === key && running))
        emulator.interrupt(key, 0);
    }
    this.tell(job, 'the plug was pulled: its machine is gone without a word');
  }

  private tell({ example }: Followed, text: string): void {
    const seconds = ((performance.now() - this.startedMs) / 1_000).toFixed(1).padStart(6);
    this.say(`${seconds} s  ${example.name.padEnd(18)} ${text}`);
  }

  private readonly decisionOf = async (id: string): Promise<DecisionSummary | null> => {
    const job = await this.stores.jobs.get(asJobId(id));
    if (job === null || job.decisionId === null) return null;
    return (await this.stores.decisions.get(asDecisionId(job.decisionId)))?.summary ?? null;
  };

  private get stores() {
    return this.router.platform.storage;
  }

  private get emulators(): readonly RunningEmulator[] {
    return this.router.platform.providers.providers.flatMap(({ emulator }) => emulator ?? []);
  }
}

function headOf(summary: DecisionSummary): DecisionSummary {
  return {
    ...summary,
    ranked: summary.ranked.slice(0, SHOWN_OFFERS),
    nearestMisses: summary.nearestMisses.slice(0, SHOWN_OFFERS),
  };
}

const WAIT_LIMIT_MS = 30_000;

async function until(holds: () => Promise<boolean>, otherwise: string): Promise<void> {
  const endMs = performance.now() + WAIT_LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(otherwise);
    await pause(LOOK_EVERY_MS / 2);
  }
}
