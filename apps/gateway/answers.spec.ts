import { z } from 'zod';
import { parsePolicyDocument, routes } from '#libs/contracts';
import { NO_REPORT, asProviderId, type Attempt, type Job } from '#libs/domain';
import { fakeOffers } from '#libs/testkit';
import { place, startGateway, type Gateway } from './testing/gateway-harness';
import { costCsv } from './report-costs';

const HOUR_MS = 3_600_000;
let gateway: Gateway;
let admin: string;
let job: Job;
let attempt: Attempt;

/** A job that has run, cost and delivered something, so that every view has something to show. */
beforeAll(async () => {
  gateway = await startGateway();
  admin = await gateway.keyFor(['admin']);
  const { storage, clock } = gateway;
  await storage.offers.replace(asProviderId('memory'), fakeOffers, clock.nowMs());
  const answer = await request('POST', '/v1/jobs', {
    name: 'a',
    project: 'vision',
    costCentre: '=1+1',
    image: 'b',
    command: ['c'],
    outputs: [{ path: 'out' }],
  });
  const stored = await storage.jobs.get(answer.json<{ id: Job['id'] }>().id);
  if (stored === null) throw new Error('the job was not stored');
  attempt = await place(gateway, stored);
  const fromMs = clock.nowMs();
  await storage.offers.replace(attempt.offer.providerId, [attempt.offer], fromMs);
  const report = { ...NO_REPORT, bootId: 'b', startedAtMs: fromMs, heartbeatAtMs: fromMs };
  await storage.attempts.report(
    attempt.id,
    () => ({ report, abandonAs: null, events: [] }),
    fromMs,
  );
  const current = (await storage.attempts.get(attempt.id)) ?? attempt;
  attempt = await storage.attempts.update(
    { ...current, phase: 'running', billedFromMs: fromMs, errorText: 'once refused' },
    { events: [], suspensions: [], jobState: 'running', wakeJob: false, nowMs: fromMs },
  );
  job = (await storage.jobs.get(attempt.jobId)) ?? stored;
  clock.advance(HOUR_MS);
  const slice = { sequence: 0, fromMs, toMs: fromMs + HOUR_MS, final: false };
  const amount = attempt.offer.pricePerHour;
  await storage.costEntries.book(attempt, job, { ...slice, amount }, clock.nowMs());
  const ref = { jobId: job.id, kind: 'output', index: 0 } as const;
  const meta = { ...ref, attemptId: attempt.id, contentType: 'application/x-tar', atMs: fromMs };
  await storage.artifacts.put(meta, Buffer.from('tar'));
});
afterAll(() => gateway.close());

function request(method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) {
  const headers = { authorization: admin };
  return gateway.app.inject({
    method,
    url,
    headers,
    ...(payload === undefined ? {} : { payload }),
  });
}

const policy = {
  name: 'health',
  rules: [{ id: 'r', require: "provider.kind == 'hyperscaler'", because: 'it must' }],
  preferences: { training: { waitingCostPerHour: '$0.10', latenessToleranceBps: 10 } },
};

const sheetRow = { provider: 'acme', region: 'north', instanceType: 'cpu-4', pricePerHour: 0.4 };

describe('answers', () => {
  it('fit the schemas that the description promises', async () => {
    await request('PUT', '/v1/budgets/vision', { hardLimit: '$500' });
    await request('POST', '/v1/policies', policy);
    await request('PUT', `/v1/price-sheets/${policy.name}`, { rows: [sheetRow] });
    const values: Record<string, string> = {
      jobId: job.id,
      decisionId: attempt.decisionId,
      code: 'not-found',
      name: policy.name,
      offerId: encodeURIComponent(attempt.offer.id),
    };
    const readable = routes.filter(
      ({ method, path, access }) =>
        method === 'get' && access.kind !== 'attempt-token' && !path.includes('{index}'),
    );
    expect(readable.length).toBeGreaterThan(15);
    for (const { path, answers } of readable) {
      const answer = await request(
        'GET',
        path.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? ''),
      );
      expect([path, answer.statusCode]).toEqual([path, 200]);
      const [content] = answers[0]?.content ?? [];
      expect(answer.headers['content-type']).toContain(content?.mediaType);
      if (content === undefined || typeof content.schema === 'string') continue;
      const fits = content.schema.safeParse(answer.json());
      expect([path, fits.success ? '' : z.prettifyError(fits.error)]).toEqual([path, '']);
    }
  });

  it('show a job that runs with its cost and its baseline compared', async () => {
    const view = (await request('GET', `/v1/jobs/${job.id}`)).json<object>();
    expect(view).toMatchObject({
      state: 'running',
      attempts: 1,
      costMicroUsd: attempt.offer.pricePerHour,
    });
    const attempts = (await request('GET', `/v1/jobs/${job.id}/attempts`)).json<object>();
    expect(attempts).toMatchObject({
      items: [{ error: { text: 'once refused' }, phase: 'running' }],
    });
  });
});

describe('money', () => {
  it('is reported by group, with a total', async () => {
    const url = '/v1/reports/costs?groupBy=project,provider&from=2026-11-01&to=2026-12-01';
    const report = (await request('GET', url)).json<object>();
    const billedMicroUsd = attempt.offer.pricePerHour;
    expect(report).toMatchObject({
      groupBy: ['project', 'provider'],
      rows: [{ group: { project: 'vision', provider: 'memory' }, billedMicroUsd, jobs: 1 }],
      total: { billedMicroUsd },
      truncated: false,
    });
  });

  it('comes for spreadsheets without formulas of users', async () => {
    const url = '/v1/reports/costs.csv?groupBy=cost-centre&from=2026-11-01&to=2026-12-01';
    const answer = await request('GET', url);
    expect(answer.headers['content-type']).toContain('text/csv');
    const [head, row] = answer.body.split('\r\n');
    expect(head).toBe('cost-centre,billed_usd,baseline_usd,saving_usd,lease_hours,jobs,list_usd');
    expect(row).toMatch(/^'=1\+1,0\.\d{6},[^,]*,[^,]*,1\.000000,1,0\.\d{6}$/);
  });

  it('keeps quotes, commas and negative savings what they are', () => {
    const csv = costCsv({
      from: '',
      to: '',
      groupBy: ['project', 'gpu'],
      rows: [
        {
          group: { project: 'a,"b"', gpu: null },
          billedMicroUsd: 2,
          listMicroUsd: 3,
          baselineMicroUsd: 1,
          savingMicroUsd: -1,
          leaseMs: 0,
          jobs: 1,
        },
      ],
      total: { billedMicroUsd: 2, listMicroUsd: 3, baselineMicroUsd: 1, savingMicroUsd: -1 },
      truncated: false,
    });
    expect(csv.split('\r\n')[1]).toBe('"a,""b""",,0.000002,0.000001,-0.000001,0.000000,1,0.000003');
  });

  const badReports = ['groupBy=user', 'from=yesterday', 'from=2026-13-45', 'form=2026-11-01'];
  it.each(badReports)('is not reported for %s', async (query) => {
    expect((await request('GET', `/v1/reports/costs?${query}`)).statusCode).toBe(422);
  });

  it('is paid in advance where somebody says so, until that is ended', async () => {
    const url = '/v1/commitments/h100-year';
    const terms = { provider: 'memory', region: 'north', until: '2099-01-01', hours: 1_000 };
    const put = await request('PUT', url, terms);
    expect(put.statusCode).toBe(200);
    expect(put.json()).toMatchObject({
      name: 'h100-year',
      provider: 'memory',
      region: 'north',
      gpu: null,
      state: 'in-force',
      hours: 1_000,
      machines: null,
      usedHours: 0,
      leases: 0,
    });
    const list = (await request('GET', '/v1/commitments')).json<{ items: object[] }>();
    expect(list.items).toEqual([put.json()]);
    expect((await request('DELETE', url)).statusCode).toBe(204);
    expect((await request('DELETE', url)).statusCode).toBe(404);
    expect((await request('GET', '/v1/commitments')).json()).toEqual({ items: [] });
  });

  const badTerms: readonly [string, object][] = [
    ['two quantities', { provider: 'p', until: '2099-01-01', hours: 1, machines: 1 }],
    ['no quantity', { provider: 'p', until: '2099-01-01' }],
    ['an end in the past', { provider: 'p', until: '2001-01-01', hours: 1 }],
    ['no end', { provider: 'p', hours: 1 }],
    ['an unknown field', { provider: 'p', until: '2099-01-01', hours: 1, regoin: 'x' }],
  ];
  it.each(badTerms)('is not paid in advance with %s', async (_name, terms) => {
    expect((await request('PUT', '/v1/commitments/x', terms)).statusCode).toBe(422);
  });

  it('is compared with what was predicted, by market', async () => {
    const sums = { weight: 10, predicted: 100, realised: 150 };
    const lesson = {
      terms: { charge: sums, interruption: sums, 'start-up': sums, waiting: sums },
      within90: true,
    };
    await gateway.storage.calibrations.learn(
      attempt.id,
      'memory/spot',
      lesson,
      gateway.clock.nowMs(),
    );
    const answer = (await request('GET', '/v1/reports/calibration')).json<object>();
    const term = { ratio: 1.5, weight: 10, factor: 1.25 };
    expect(answer).toEqual({
      items: [
        {
          provider: 'memory',
          market: 'spot',
          charge: { ...term, factor: 1 },
          interruption: { ...term, factor: 1.33 },
          startUp: term,
          waiting: term,
          within90: 1,
          finished: 1,
          at: new Date(gateway.clock.nowMs()).toISOString(),
        },
      ],
    });
    expect((await request('GET', '/v1/reports/calibration?provider=other')).json()).toEqual({
      items: [],
    });
  });

  it('is limited by month and project', async () => {
    const put = await request('PUT', '/v1/budgets/vision', { softLimit: '$4', hardLimit: '5 USD' });
    expect(put.json()).toMatchObject({
      softLimitMicroUsd: 4e6,
      hardLimitMicroUsd: 5e6,
      period: '2026-11',
    });
    const bad = await request('PUT', '/v1/budgets/vision', { hardLimit: 5 });
    expect(bad.statusCode).toBe(422);
    const list = (await request('GET', '/v1/budgets?period=2026-12')).json<object>();
    expect(list).toMatchObject({ items: [{ project: 'vision', committedMicroUsd: 0 }] });
    const other = await gateway.keyFor(['finance'], ['elsewhere']);
    const hidden = await gateway.app.inject({
      method: 'GET',
      url: '/v1/budgets',
      headers: { authorization: other },
    });
    expect(hidden.json()).toEqual({ items: [] });
  });
});

describe('keys', () => {
  it('are shown once, kept as a digest, and can be taken back', async () => {
    const wish = { name: 'ci', roles: ['submitter'], projects: ['vision'] };
    const created = (await request('POST', '/v1/api-keys', wish)).json<{
      id: string;
      key: string;
    }>();
    expect(created.key).toMatch(new RegExp(`^fl_${created.id}_[\\w-]{43}$`));
    const secret = created.key.slice(-43);
    const stored = await gateway.storage.apiKeys.get(created.id);
    expect(JSON.stringify(stored)).not.toContain(secret);
    const list = await request('GET', '/v1/api-keys');
    expect(list.body).not.toContain(secret);
    expect(list.body).not.toContain(stored?.secretDigest);
    const headers = { authorization: `Bearer ${created.key}` };
    const get = () => gateway.app.inject({ method: 'GET', url: `/v1/jobs/${job.id}`, headers });
    expect((await get()).statusCode).toBe(200);
    expect((await request('DELETE', `/v1/api-keys/${created.id}`)).statusCode).toBe(204);
    expect((await request('DELETE', `/v1/api-keys/${created.id}`)).statusCode).toBe(204);
    expect((await get()).statusCode).toBe(401);
    expect((await request('DELETE', '/v1/api-keys/key-none')).statusCode).toBe(404);
  });

  it('are not made with unknown roles', async () => {
    const bad = await request('POST', '/v1/api-keys', { name: 'x', roles: ['root'] });
    expect(bad.statusCode).toBe(422);
  });
});

describe('policies', () => {
  it('are saved by version, put in force, and shown as they were written', async () => {
    const written = { ...policy, name: 'versions' };
    const first = await request('POST', '/v1/policies', written);
    expect(first.statusCode).toBe(201);
    expect(first.json()).toMatchObject({ version: 1, active: false });
    const again = await request(
      'POST',
      '/v1/policies',
      first.json<{ document: object }>().document,
    );
    expect([again.statusCode, again.json()]).toMatchObject([200, { version: 1 }]);
    expect(again.json<{ document: object }>().document).toEqual(
      first.json<{ document: object }>().document,
    );
    const activate = (version: number | null, name = 'versions') =>
      request('POST', `/v1/policies/${name}/activate`, { version });
    expect((await activate(1)).json()).toMatchObject({ changed: true, version: { active: true } });
    expect((await activate(9)).statusCode).toBe(404);
    expect((await activate(null)).json()).toMatchObject({ version: { state: 'retired' } });
  });

  it('are refused with every problem of their shape', () => {
    const parsed = parsePolicyDocument({
      name: 'A b',
      rule: [],
      rules: [
        { id: 'x', because: 'y' },
        { id: 'x', require: 'a', forbid: 'b', because: '' },
      ],
    });
    const pointers = parsed.ok ? [] : parsed.problems.map(({ pointer }) => pointer);
    expect([...pointers].sort()).toEqual(['/name', '/rule', '/rules/1/because']);
    const rules = parsePolicyDocument({
      name: 'a',
      rules: [
        { id: 'x', because: 'y' },
        { id: 'x', require: 'a', because: 'b' },
      ],
    });
    const wrong = rules.ok ? [] : rules.problems.map(({ pointer, code }) => `${pointer} ${code}`);
    expect(wrong).toEqual(['/rules/0 contradiction', '/rules/1/id repeated']);
  });
});
