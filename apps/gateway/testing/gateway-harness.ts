import { randomUUID } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Role } from '#libs/contracts';
import {
  DEFAULT_PREFERENCES,
  asDecisionId,
  decide,
  summarise,
  ZERO_USD,
  type Attempt,
  type IdKind,
  idPrefixes,
  type Job,
  type Offer,
} from '#libs/domain';
import { Doorbell, type Ring } from '#libs/queue';
import { Ids, Metrics, Readiness, Secret } from '#libs/runtime';
import { openStorage, type Storage } from '#libs/storage';
import { anAttempt, BUILT_AT_MS, fakeOffers, ManualClock } from '#libs/testkit';
import { createDatabase, dropDatabase, startTestServer } from '../../../libs/storage/embedded';
import { addOperations } from '../../../libs/runtime/operations';
import { GatewayModule } from '../gateway.module';
import { gatewayAdapter, prepareHttp } from '../http';
import { IssueApiKey } from '../issue-api-key';
import { JobSecrets } from '../job-secrets';
import { gatewayParts } from '../parts';
import { GatewaySettings } from '../settings';
import { StandInMessages } from './message-stand-ins';

class CountingIds extends Ids {
  private count = 0;

  next(kind: IdKind): string {
    this.count += 1;
    return `${idPrefixes[kind]}-${String(this.count).padStart(6, '0')}`;
  }
}

class HeardDoorbell extends Doorbell {
  readonly rings: Ring[] = [];

  ring(ring: Ring): void {
    this.rings.push(ring);
  }
}

/** Project `research` may use the secret `hugging-face`; nobody else any. */
const jobSecrets: JobSecrets = {
  allows: (project, name) => project === 'research' && name === 'hugging-face',
};

export const TEST_SECRET = 'a secret of tests';

export interface Gateway {
  readonly app: NestFastifyApplication;
  readonly storage: Storage;
  readonly clock: ManualClock;
  readonly doorbell: HeardDoorbell;
  readonly messages: StandInMessages;
  /** A key with these roles, ready for the Authorization header. */
  keyFor(roles: readonly Role[], projects?: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

/** Storage on a database of its own, on the server of the test run. */
async function freshStorage(): Promise<{ storage: Storage; close(): Promise<void> }> {
  const shared = process.env['FAIRLEAD_TEST_PG'];
  const own = shared === undefined ? await startTestServer() : null;
  const server = shared ?? own?.url ?? '';
  const name = `gateway_${randomUUID().replaceAll('-', '')}`;
  const storage = await openStorage({ url: await createDatabase(server, name) });
  await storage.migrate();
  return {
    storage,
    close: async () => {
      await storage.close();
      await dropDatabase(server, name);
      await own?.stop();
    },
  };
}

/** The real gateway on a real database; only the services that it asks are stood in for. */
export async function startGateway(
  wanted: Partial<Pick<GatewaySettings, 'requestsPerMinute'>> = {},
): Promise<Gateway> {
  const { storage, close } = await freshStorage();
  const clock = new ManualClock(BUILT_AT_MS);
  const doorbell = new HeardDoorbell();
  const messages = new StandInMessages(storage, clock);
  const settings: GatewaySettings = {
    attemptTokenSecret: TEST_SECRET,
    version: '0.0.0-test',
    requestsPerMinute: 1_000_000,
    streamPollMs: 20,
    streamHeartbeatMs: 15_000,
    ...wanted,
  };
  const parts = gatewayParts({
    storage,
    queues: { doorbell },
    messages,
    clock,
    ids: new CountingIds(),
    serverSecret: new Secret(TEST_SECRET),
    jobSecrets,
  });
  const providers = [...parts.providers, { provide: GatewaySettings, useValue: settings }];
  const app = await NestFactory.create<NestFastifyApplication>(
    GatewayModule.with({ providers }),
    gatewayAdapter(),
    { bodyParser: false, logger: false },
  );
  const readiness = new Readiness();
  readiness.add('database', () => storage.offers.version());
  readiness.isUp();
  addOperations(app, { readiness, metrics: new Metrics('gateway'), metricsOpen: false });
  await prepareHttp(app);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return {
    app,
    storage,
    clock,
    doorbell,
    messages,
    keyFor: async (roles, projects) => {
      const issue = app.get(IssueApiKey);
      const wish = { name: roles.join('+') || 'nobody', roles, projects: projects ?? null };
      return `Bearer ${(await issue.run(wish, 'test')).key}`;
    },
    close: async () => {
      await app.close();
      await close();
    },
  };
}

/** Decides a stored job on a small catalogue and plans an attempt at the best offer, as the other services would. */
export async function place(
  { storage, clock }: Pick<Gateway, 'storage' | 'clock'>,
  job: Job,
  wanted: Partial<Attempt> = {},
  offers: readonly Offer[] = fakeOffers,
): Promise<Attempt> {
  const nowMs = clock.nowMs();
  const number = wanted.number ?? 1;
  const facts = { id: job.id, spec: job.spec, deadlineAtMs: null, spent: ZERO_USD };
  const policy = { version: 'builtin@1', rules: [], preferences: {} };
  const input = { job: facts, policy, offers, health: {}, suspensions: [], nowMs };
  const decision = decide(input);
  const id = asDecisionId(`dec-${job.id.slice(4)}-${number}`);
  const decided = await storage.decisions.record(
    {
      id,
      jobId: job.id,
      atMs: nowMs,
      engine: decision.engine,
      policyVersion: policy.version,
      bookVersion: 1,
      health: {},
      suspensions: [],
      spent: ZERO_USD,
      kind: 'placement',
      leftMs: null,
      reserves: [],
      preferences: DEFAULT_PREFERENCES,
      summary: summarise(decision),
      digests: { job: 'a', policy: 'b', offers: 'c', decision: 'd' },
    },
    { ...job, decisionId: id, baseline: job.baseline ?? decision.baseline },
    [],
  );
  const [best] = decision.ranked;
  if (best === undefined) throw new Error('no offer serves the job');
  const attempt = anAttempt({
    id: `att-${job.id.slice(4)}-${number}`,
    jobId: job.id,
    decisionId: id,
    offer: best.offer,
    createdAtMs: nowMs,
    phaseSinceMs: nowMs,
    number,
    ...wanted,
  });
  const event = { type: 'job.placed', data: { offer: best.offer.id }, jobId: job.id };
  await storage.attempts.plan(decided, attempt, [{ ...event, attemptId: attempt.id, atMs: nowMs }]);
  return (await storage.attempts.get(attempt.id)) ?? attempt;
}
