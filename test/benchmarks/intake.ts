import { gatewayAssembly } from '#apps/gateway/gateway.module';
import { messagesOver } from '#libs/platform';
import { InProcessBus, InProcessClient } from '#libs/runtime/transport';
import { openBareInsert } from './bare-insert';
import type { Bench, Benchmark } from './bench';
import { startBenchProcess, type BenchProcess } from './bench-process';
import { startLoad } from './http-load';
import {
  median,
  percentile,
  perSecond,
  rateRow,
  timeRow,
  timeTogether,
  type Row,
  type Timing,
} from './measure';
import { sampleBody, sampleJob } from './sample-job';

const CONNECTIONS = 32;
const ROUNDS = 3;
const JOBS_PER_ROUND = 3_000;
const WARM_UP_JOBS = 2_000;
const P99 = 0.99;

const NOTE =
  `intake: the gateway as it is delivered, alone in this process; a load thread of its own keeps ${CONNECTIONS} connections with ` +
  'one request each on the same machine. Every job is committed to disk and its wake-up is enqueued; nobody works on it. ' +
  'intake.store is the same without HTTP and without the wake-up. The limit is a bare INSERT of the same row, with its ' +
  `indexes, over ${CONNECTIONS} connections. Rounds alternate; rates are medians of ${ROUNDS} rounds of ${JOBS_PER_ROUND} jobs.`;

type Way = 'rest' | 'store' | 'bare';

/** How many jobs per second are taken in for good, and how long the slowest in a hundred waits. */
export const intake: Benchmark = {
  rows: ['intake.rate', 'intake.p99', 'intake.store'],
  measure: async (bench) => {
    const ways = await openWays(bench);
    for (const run of Object.values(ways)) await run(WARM_UP_JOBS);
    const timings = await inTurns(ways);
    bench.note(NOTE);
    return rowsOf(timings);
  },
};

type Ways = { readonly [W in Way]: (count: number) => Promise<Timing> };
type Timings = { readonly [W in Way]: Timing[] };

async function openWays(bench: Bench): Promise<Ways> {
  const gateway = await startGateway(bench);
  const { url, databaseUrl } = gateway;
  const bare = await openBareInsert(databaseUrl, CONNECTIONS, bench);
  const load = startLoad(
    {
      url,
      path: '/v1/jobs',
      body: JSON.stringify(sampleBody),
      keys: await gateway.keys(CONNECTIONS),
    },
    bench,
  );
  return {
    bare: (count) => bare.run(count),
    store: (count) => timeTogether(count, CONNECTIONS, () => store(gateway)),
    rest: (count) => load.send(count),
  };
}

/** The gateway alone, as in a distributed installation; the services that it asks are not needed to take in a job. */
function startGateway(bench: Bench): ReturnType<typeof startBenchProcess> {
  return startBenchProcess('intake', bench, ({ runtime, platform }) => {
    const client = new InProcessClient(new InProcessBus());
    const { module, http } = gatewayAssembly({
      ...platform,
      messages: messagesOver(() => client),
      clock: runtime.clock,
      ids: runtime.ids,
    });
    return { module, http };
  });
}

async function store({ platform, runtime }: BenchProcess): Promise<void> {
  const atMs = runtime.clock.nowMs();
  const job = sampleJob(runtime.ids.next('job'), atMs);
  const { name, project } = job.spec;
  const data = { name, project, submittedBy: job.submittedBy };
  const event = { type: 'job.submitted', data, jobId: job.id, attemptId: null, atMs };
  const submission = { job, idempotency: null, reservation: null, events: [event] };
  const { kind } = await platform.storage.jobs.submit(submission);
  if (kind !== 'created') throw new Error(`the store answered ${kind}`);
}

async function inTurns(ways: Ways): Promise<Timings> {
  const timings: Timings = { bare: [], store: [], rest: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    timings.bare.push(await ways.bare(JOBS_PER_ROUND));
    timings.store.push(await ways.store(JOBS_PER_ROUND));
    timings.rest.push(await ways.rest(JOBS_PER_ROUND));
  }
  return timings;
}

function rowsOf({ bare, store, rest }: Timings): readonly Row[] {
  const limit = rateOf(bare);
  return [
    rateRow('intake.rate', 'jobs/s', rateOf(rest), limit),
    timeRow('intake.p99', p99Of(rest), p99Of(bare)),
    rateRow('intake.store', 'jobs/s', rateOf(store), limit),
  ];
}

function rateOf(timings: readonly Timing[]): number {
  return median(timings.map(perSecond));
}

function p99Of(timings: readonly Timing[]): number {
  return percentile(
    timings.flatMap(({ latenciesMs }) => latenciesMs),
    P99,
  );
}
