import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { PolicyEngineModule } from '#apps/policy-engine/policy-engine.module';
import type { Offer } from '#libs/domain';
import { openBareQueues } from './bare-queues';
import type { Benchmark } from './bench';
import { startBenchProcess, type BenchProcess } from './bench-process';
import { median, rateRow } from './measure';
import { syntheticBook } from './offer-books';
import { sampleJob } from './sample-job';

const OFFERS = 10_000;
const ROUNDS = 3;
const PER_ROUND = 300;
const WARM_UP = 100;
const LOOK_EVERY_MS = 20;
/** A round that takes longer than this is broken. */
const ROUND_LIMIT_MS = 60_000;

/** How many decisions per second are made and kept, from the wake-up in the queue to the record in the database. */
export const decisions: Benchmark = {
  rows: ['decisions.rate'],
  measure: async (bench) => {
    const engine = await startBenchProcess('decisions', bench, ({ runtime, platform }) => {
      const { storage: stores, queues } = platform;
      const { clock, ids, metrics } = runtime;
      return { module: PolicyEngineModule.with({ stores, queues, clock, ids, metrics }) };
    });
    await sell(engine, syntheticBook(OFFERS));
    const database = new Client({ connectionString: engine.databaseUrl });
    await database.connect();
    bench.atEnd(() => database.end());
    const server = await bench.server();
    const bare = await openBareQueues(await server.database('bare_decisions'), ['decide'], bench);
    await decide(WARM_UP, engine, database);
    await bare.run({ decide: WARM_UP });
    const ours: number[] = [];
    const limits: number[] = [];
    for (let n = 0; n < ROUNDS; n += 1) {
      ours.push(PER_ROUND / ((await decide(PER_ROUND, engine, database)) / 1_000));
      limits.push(PER_ROUND / ((await bare.run({ decide: PER_ROUND })).tookMs / 1_000));
    }
    bench.note(
      `decisions: the policy engine alone in this process, ${OFFERS} offers, the built-in policies; ${PER_ROUND} jobs that wait are rung for at ` +
        'once, and each is decided, recorded with all that explains it, and rung for again for its placement, which nobody makes. The limit ' +
        'is bare BullMQ on the same Postgres with as many messages that do nothing. Medians of ' +
        `${ROUNDS} rounds.`,
    );
    return [rateRow('decisions.rate', 'decisions/s', median(ours), median(limits))];
  },
};

/** The offers come in one feed for each provider. */
async function sell({ platform }: BenchProcess, offers: readonly Offer[]): Promise<void> {
  for (const providerId of new Set(offers.map((offer) => offer.providerId))) {
    const own = offers.filter((offer) => offer.providerId === providerId);
    await platform.storage.offers.replace(providerId, own, Date.now());
  }
}

/** Stores jobs, rings for all of them, and waits until each has its decision; answers how long that took. */
async function decide(
  count: number,
  { platform, runtime }: BenchProcess,
  database: Client,
): Promise<number> {
  const jobs = Array.from({ length: count }, () =>
    sampleJob(runtime.ids.next('job'), runtime.clock.nowMs()),
  );
  for (const job of jobs) {
    const submission = { job, idempotency: null, reservation: null, events: [] };
    await platform.storage.jobs.submit(submission);
  }
  const startedMs = performance.now();
  for (const { id } of jobs)
    platform.queues.doorbell.ring({
      queue: 'decide',
      id,
      providerId: null,
      atMs: runtime.clock.nowMs(),
      tag: 'bench',
    });
  const ids = jobs.map(({ id }) => id);
  while ((await decided(database, ids)) < count) {
    if (performance.now() - startedMs > ROUND_LIMIT_MS) throw new Error('decisions did not come');
    await pause(LOOK_EVERY_MS);
  }
  return performance.now() - startedMs;
}

async function decided(database: Client, ids: readonly string[]): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM job WHERE id = ANY ($1) AND decision_id IS NOT NULL',
    [ids],
  );
  return rows[0]?.count ?? 0;
}
