import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { ReportWorkload } from '#apps/dispatcher/report-workload';
import { assemble } from '#apps/standalone/standalone.module';
import { queueNames, type QueueName } from '#libs/contracts';
import { openProviders } from '#libs/platform';
import type { Metrics } from '#libs/runtime';
import { openBareQueues, type BareQueues, type Messages } from './bare-queues';
import type { Bench, Benchmark } from './bench';
import { startBenchProcess, type BenchProcess } from './bench-process';
import { startLoad, type Load } from './http-load';
import { median, rateRow } from './measure';
import { sampleBody } from './sample-job';
import { supervisedPlugin } from './supervised-cloud';

const ROUNDS = 3;
const JOBS_PER_ROUND = 200;
const WARM_UP_JOBS = 100;
const CONNECTIONS = 8;
const LOOK_EVERY_MS = 50;
/** A round that takes longer than this is broken. */
const ROUND_LIMIT_MS = 40_000;
const FIRST_OFFERS_LIMIT_MS = 10_000;

/** The queues that a job goes through; the others run on timers. */
const jobQueues: readonly QueueName[] = ['decide', 'place', 'advance', 'book-costs', 'learn'];

/** How many jobs per second go all the way, from their submission over REST to success, with a provider that takes no time. */
export const endToEnd: Benchmark = {
  rows: ['end-to-end.rate'],
  measure: async (bench) => {
    const stack = await startStack(bench);
    const server = await bench.server();
    const bare = await openBareQueues(await server.database('bare_queues'), jobQueues, bench);
    await stack.round(WARM_UP_JOBS);
    await bareRound(bare, await stack.round(WARM_UP_JOBS));
    const ours: number[] = [];
    const limits: number[] = [];
    const rounds: Round[] = [];
    for (let n = 0; n < ROUNDS; n += 1) {
      const round = await stack.round(JOBS_PER_ROUND);
      rounds.push(round);
      ours.push(round.jobsPerSecond);
      limits.push(await bareRound(bare, round));
    }
    bench.note(noteOn(rounds));
    return [rateRow('end-to-end.rate', 'jobs/s', median(ours), median(limits))];
  },
};

interface Round {
  readonly jobs: number;
  readonly jobsPerSecond: number;
  /** Messages that were worked on, by queue. */
  readonly worked: Messages;
  /** Messages that were enqueued, those that are not due yet included. */
  readonly enqueued: Messages;
}

interface Stack {
  /** Submits so many jobs at once and waits until all have succeeded. */
  round(jobs: number): Promise<Round>;
}

async function startStack(bench: Bench): Promise<Stack> {
  const failures: unknown[] = [];
  const product = await startProduct(bench, (error) => failures.push(error));
  const database = new Client({ connectionString: product.databaseUrl });
  database.on('error', (error) => failures.push(error));
  await database.connect();
  bench.atEnd(() => database.end());
  await firstOffers(product);
  const load = startLoad(
    {
      url: product.url,
      path: '/v1/jobs',
      body: JSON.stringify(sampleBody),
      keys: await product.keys(CONNECTIONS),
    },
    bench,
  );
  const stop = (): void => {
    if (failures.length > 0) throw new AggregateError(failures, 'supervisors failed');
  };
  return { round: (jobs) => playRound(jobs, load, product, database, stop) };
}

/** All five services in one process, as `npm start` runs them; only the clouds are replaced. */
function startProduct(
  bench: Bench,
  onFailure: (error: unknown) => void,
): ReturnType<typeof startBenchProcess> {
  return startBenchProcess('end_to_end', bench, async ({ runtime, platform }) => {
    const { storage, queues } = platform;
    const reports = new ReportWorkload(storage.attempts, queues.doorbell, runtime.clock);
    const providers = await openProviders([supervisedPlugin(reports, onFailure)], {
      env: {},
      emulate: 'auto',
      emulatorDir: runtime.config.dataDir,
      delayFactor: 0,
      metrics: runtime.metrics,
      clock: runtime.clock,
    });
    runtime.atEnd('providers', () => providers.close());
    return assemble(runtime, { ...platform, providers });
  });
}

async function firstOffers({ platform }: BenchProcess): Promise<void> {
  const arrived = async (): Promise<boolean> =>
    (await platform.storage.offers.book()).offers.length > 0;
  await until(arrived, FIRST_OFFERS_LIMIT_MS);
}

async function playRound(
  jobs: number,
  load: Load,
  { runtime }: BenchProcess,
  database: Client,
  checkFailures: () => void,
): Promise<Round> {
  const before = await figuresOf(runtime.metrics);
  const startedMs = runtime.clock.nowMs();
  await load.send(jobs);
  await until(async () => {
    checkFailures();
    return (await ended(database, startedMs)).jobs >= jobs;
  }, ROUND_LIMIT_MS);
  const { lastMs, succeeded } = await ended(database, startedMs);
  if (succeeded !== jobs) throw new Error(`${jobs - succeeded} of ${jobs} jobs did not succeed`);
  const after = await figuresOf(runtime.metrics);
  return {
    jobs,
    jobsPerSecond: (jobs * 1_000) / (lastMs - startedMs),
    worked: grown(before.worked, after.worked),
    enqueued: grown(before.enqueued, after.enqueued),
  };
}

interface Ended {
  readonly jobs: number;
  readonly succeeded: number;
  readonly lastMs: number;
}

/** The jobs submitted since then that have ended. */
async function ended(database: Client, sinceMs: number): Promise<Ended> {
  const { rows } = await database.query<Ended>(
    `SELECT count(*)::int AS jobs, count(*) FILTER (WHERE state = 'succeeded')::int AS succeeded,
       coalesce(max(ended_at_ms), 0)::float8 AS "lastMs"
     FROM job WHERE submitted_at_ms >= $1 AND outcome IS NOT NULL`,
    [sinceMs],
  );
  return rows[0] ?? { jobs: 0, succeeded: 0, lastMs: 0 };
}

async function until(holds: () => Promise<boolean>, limitMs: number): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`it did not come about within ${limitMs} ms`);
    await pause(LOOK_EVERY_MS);
  }
}

interface Figures {
  readonly worked: Messages;
  readonly enqueued: Messages;
}

const LINE = /^(\w+)\{([^}]*)\} (\d+)$/gm;
const WORKED = 'fairlead_queue_work_duration_seconds_count';
const RUNG = 'fairlead_queue_rings_total';

/** What the product itself counts, from the page that its operators read. */
async function figuresOf(metrics: Metrics): Promise<Figures> {
  const text = await metrics.text();
  return { worked: counted(text, WORKED, ''), enqueued: counted(text, RUNG, 'fate="enqueued"') };
}

function counted(text: string, figure: string, label: string): Messages {
  const counts: Partial<Record<QueueName, number>> = {};
  for (const [, name, labels = '', count] of text.matchAll(LINE)) {
    if (name !== figure || !labels.includes(label)) continue;
    const queue = queueNames.find((each) => labels.includes(`queue="${each}"`));
    if (queue !== undefined) counts[queue] = (counts[queue] ?? 0) + Number(count);
  }
  return counts;
}

function grown(before: Messages, after: Messages): Messages {
  const growth = jobQueues.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]);
  return Object.fromEntries(growth);
}

/** Jobs per second if all that they cost were the messages that this round needed. */
async function bareRound(bare: BareQueues, { jobs, worked }: Round): Promise<number> {
  const { count, tookMs } = await bare.run(worked);
  if (count < jobs) throw new Error('the product counted fewer messages than jobs');
  return (jobs * 1_000) / tookMs;
}

function noteOn(rounds: readonly Round[]): string {
  const perJob = (kind: 'worked' | 'enqueued', names: readonly QueueName[]): number =>
    median(rounds.map((round) => sum(names.map((name) => round[kind][name] ?? 0)) / round.jobs));
  const parts = jobQueues.map((name) => `${name} ${perJob('worked', [name]).toFixed(2)}`);
  return (
    `end-to-end: all five services in this process, the in-memory provider, a supervisor that reports start and exit; ` +
    `${JOBS_PER_ROUND} jobs submitted at once over REST. A job took ${perJob('worked', jobQueues).toFixed(2)} messages ` +
    `(${parts.join(', ')}) and enqueued ${perJob('enqueued', jobQueues).toFixed(2)}, some for later. The limit is bare BullMQ ` +
    `on the same Postgres: as many messages, added in bulk to as many queues and worked on by as many workers, which do ` +
    `nothing. Rounds alternate; medians of ${ROUNDS}.`
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
