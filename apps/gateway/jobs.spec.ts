import { asJobId, asProviderId, microUsd, MICROS_PER_USD, usd, type Job } from '#libs/domain';
import { aJob, aSpec, fakeOffers } from '#libs/testkit';
import { place, startGateway, type Gateway } from './testing/gateway-harness';

let gateway: Gateway;
let admin: string;

beforeAll(async () => {
  gateway = await startGateway();
  admin = await gateway.keyFor(['admin']);
  await gateway.storage.offers.replace(asProviderId('memory'), fakeOffers, gateway.clock.nowMs());
});
afterAll(() => gateway.close());

const hello = { name: 'hello', image: 'alpine:3.22', command: ['echo', 'hello'] };

function post(url: string, payload?: object | string, headers: Record<string, string> = {}) {
  return gateway.app.inject({
    method: 'POST',
    url,
    headers: { authorization: admin, ...headers },
    ...(payload === undefined ? {} : { payload }),
  });
}

function get(url: string, authorization = admin) {
  return gateway.app.inject({ method: 'GET', url, headers: { authorization } });
}

async function submit(extra: object = {}): Promise<Job> {
  const answer = await post('/v1/jobs', { ...hello, ...extra });
  expect(answer.statusCode).toBe(201);
  const job = await gateway.storage.jobs.get(asJobId(answer.json<{ id: string }>().id));
  if (job === null) throw new Error('the job was not stored');
  return job;
}

describe('submitting', () => {
  it('stores the job with its event, says where it is, and wakes the policy engine', async () => {
    gateway.doorbell.rings.length = 0;
    const answer = await post('/v1/jobs', hello);
    expect(answer.statusCode).toBe(201);
    const view = answer.json<{ id: string }>();
    expect(answer.headers['location']).toBe(`/v1/jobs/${view.id}`);
    expect(view).toMatchObject({ name: 'hello', state: 'queued', costMicroUsd: 0, attempts: 0 });
    const nowMs = gateway.clock.nowMs();
    expect(gateway.doorbell.rings).toEqual([
      { queue: 'decide', id: view.id, providerId: null, atMs: nowMs, tag: 'r0' },
    ]);
    const events = await gateway.storage.events.after(0, asJobId(view.id), 10);
    expect(events.map(({ type }) => type)).toEqual(['job.submitted']);
    const stored = await gateway.storage.jobs.get(asJobId(view.id));
    expect(stored).toMatchObject({ state: 'queued', dueAtMs: nowMs, revision: 0 });
  });

  it('reads YAML, and shows a spec that can be sent again', async () => {
    const yaml =
      'name: hello\nimage: alpine:3.22\ncommand: [echo, hello]\nresources: {gpus: "H100:1"}\n';
    const first = await post('/v1/jobs', yaml, { 'content-type': 'application/yaml' });
    expect(first.statusCode).toBe(201);
    const { spec } = first.json<{ spec: object }>();
    const again = await post('/v1/jobs', spec);
    expect(again.json<{ spec: object }>().spec).toEqual(spec);
  });

  it('answers a repeated key with the same job, in either notation, and refuses another body', async () => {
    const key = { 'idempotency-key': 'one' };
    const first = await post('/v1/jobs', hello, key);
    const yaml = 'command: [echo, hello]\nimage: alpine:3.22\nname: hello\n';
    const repeats = [
      await post('/v1/jobs', hello, key),
      await post('/v1/jobs', yaml, { ...key, 'content-type': 'application/yaml' }),
    ];
    for (const repeat of repeats) {
      expect(repeat.statusCode).toBe(200);
      expect(repeat.headers['idempotency-replayed']).toBe('true');
      expect(repeat.json<{ id: string }>().id).toBe(first.json<{ id: string }>().id);
    }
    const other = await post('/v1/jobs', { ...hello, name: 'other' }, key);
    expect(other.statusCode).toBe(409);
    expect(other.json()).toMatchObject({ type: '/problems/key-reused' });
  });

  it('keeps the keys of different callers apart', async () => {
    const headers = { 'idempotency-key': 'shared' };
    const mine = await post('/v1/jobs', hello, headers);
    const theirs = await post('/v1/jobs', hello, {
      ...headers,
      authorization: await gateway.keyFor(['submitter']),
    });
    expect(theirs.statusCode).toBe(201);
    expect(theirs.json<{ id: string }>().id).not.toBe(mine.json<{ id: string }>().id);
  });

  it('makes one job of simultaneous repeats', async () => {
    const headers = { 'idempotency-key': 'race' };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => post('/v1/jobs', hello, headers)),
    );
    expect(new Set(answers.map((answer) => answer.json<{ id: string }>().id)).size).toBe(1);
    expect(answers.filter(({ statusCode }) => statusCode === 201)).toHaveLength(1);
  });

  it('plans without storing anything', async () => {
    const count = (await get('/v1/jobs?limit=200')).json<{ items: object[] }>().items.length;
    const answer = await post('/v1/jobs/plan', { ...hello, resources: { gpus: 'H100:1' } });
    expect(answer.statusCode).toBe(200);
    const plan = answer.json<{
      ranked: { rank: number; expectedCostMicroUsd: number; terms: Record<string, number> }[];
      rejected: { reasons: { code: string; remedy: string }[] }[];
    }>();
    expect(plan.ranked.map(({ rank }) => rank)).toEqual([1, 2]);
    for (const { terms, expectedCostMicroUsd } of plan.ranked)
      expect(Object.values(terms).reduce((a, b) => a + b, 0)).toBe(expectedCostMicroUsd);
    expect(plan.rejected[0]?.reasons[0]).toMatchObject({ code: 'gpu-mismatch' });
    expect((await get('/v1/jobs?limit=200')).json<{ items: object[] }>().items).toHaveLength(count);
  });
});

describe('budgets', () => {
  it('reserve the expected charge, tell at the soft limit and refuse at the hard one', async () => {
    const limits = { softLimit: '$0.05', hardLimit: '$0.30' };
    const put = await gateway.app.inject({
      method: 'PUT',
      url: '/v1/budgets/tight',
      headers: { authorization: admin },
      payload: limits,
    });
    expect(put.json()).toMatchObject({
      hardLimitMicroUsd: 0.3 * MICROS_PER_USD,
      committedMicroUsd: 0,
    });
    const first = await submit({ project: 'tight' });
    const types = (await gateway.storage.events.after(0, first.id, 10)).map(({ type }) => type);
    expect(types).toEqual(['job.submitted', 'budget.soft-limit']);
    const state = await gateway.storage.budgets.of('tight', '2026-11');
    expect(state?.committed).toBeGreaterThan(0);
    const dear = await post('/v1/jobs', { ...hello, project: 'tight', durationEstimate: '20h' });
    expect(dear.statusCode).toBe(409);
    expect(dear.json()).toMatchObject({ type: '/problems/over-budget' });
    expect(await gateway.storage.budgets.of('tight', '2026-11')).toEqual(state);
  });

  it('reserve no more than the job may cost', async () => {
    await gateway.storage.budgets.put({ project: 'capped', softLimit: null, hardLimit: null }, 1);
    await submit({ project: 'capped', budget: { maxCost: '$0.000005' } });
    const committed = (await gateway.storage.budgets.of('capped', '2026-11'))?.committed;
    expect(committed).toBe(5);
  });

  it('keep their hard limit while everything is sold out', async () => {
    const { offers, budgets } = gateway.storage;
    const memory = asProviderId('memory');
    const soldOut = fakeOffers.map((offer) => ({ ...offer, available: false }));
    await offers.replace(memory, soldOut, gateway.clock.nowMs());
    try {
      const cheapest = Math.min(...fakeOffers.map(({ pricePerHour }) => pricePerHour));
      const hardLimit = microUsd(2 * cheapest);
      await budgets.put({ project: 'sold-out', softLimit: null, hardLimit }, 1);
      const send = () => post('/v1/jobs', { ...hello, project: 'sold-out' });
      await submit({ project: 'sold-out' });
      const committed = (await budgets.of('sold-out', '2026-11'))?.committed;
      expect(committed).toBeGreaterThan(0);
      expect(committed).toBeLessThanOrEqual(cheapest);
      const more = await Promise.all(Array.from({ length: 300 }, send));
      const statuses = new Set(more.map(({ statusCode }) => statusCode));
      expect(statuses).toContain(409);
      expect((await budgets.of('sold-out', '2026-11'))?.committed).toBeLessThanOrEqual(hardLimit);
    } finally {
      await offers.replace(memory, fakeOffers, gateway.clock.nowMs());
    }
  });

  it('refuse what cannot be priced only under a hard limit, and answer a repeated order as before', async () => {
    const unpriced = { project: 'unpriced', resources: { gpus: 'H100:64' } };
    const headers = { 'idempotency-key': 'unpriced-1' };
    const send = () => post('/v1/jobs', { ...hello, ...unpriced }, headers);
    const { budgets } = gateway.storage;
    await budgets.put({ project: 'unpriced', softLimit: null, hardLimit: null }, 1);
    expect((await send()).statusCode).toBe(201);
    await budgets.put({ project: 'unpriced', softLimit: null, hardLimit: microUsd(5) }, 2);
    expect((await send()).statusCode).toBe(200);
    const refused = await post('/v1/jobs', { ...hello, ...unpriced });
    expect(refused.statusCode).toBe(409);
    expect(refused.json()).toMatchObject({
      type: '/problems/over-budget',
      detail: expect.stringContaining('set budget.maxCost'),
    });
    await submit({ ...unpriced, budget: { maxCost: '$0.000005' } });
  });

  it('make a submission wait for the policy engine; without it nothing is stored', async () => {
    gateway.messages.silent.add('policy.plan');
    const answer = await post('/v1/jobs', { ...hello, project: 'capped' });
    gateway.messages.silent.clear();
    expect(answer.statusCode).toBe(503);
  });
});

describe('secrets', () => {
  const send = (project: string, secrets: Record<string, string>) =>
    post('/v1/jobs', { ...hello, project, secrets });

  it('may be named by the projects that are listed for them', async () => {
    const answer = await send('research', { HF_TOKEN: 'hugging-face' });
    expect(answer.statusCode).toBe(201);
  });

  it('are refused to others where they are named, in the words for one that does not exist', async () => {
    const refusalOf = async (name: string) => {
      const answer = await send('other', { GOOD_NAME: name });
      expect(answer.statusCode).toBe(422);
      return answer.json<{ type: string; problems: object[] }>();
    };
    const [foreign, unknown] = [await refusalOf('hugging-face'), await refusalOf('no-such-one')];
    expect(foreign).toMatchObject({
      type: '/problems/invalid-job',
      problems: [
        {
          pointer: '/secrets/GOOD_NAME',
          code: 'not-allowed',
          message: 'project "other" may use no secret "hugging-face"',
          remedy: expect.stringContaining('ask who runs the router'),
        },
      ],
    });
    const text = JSON.stringify(unknown.problems).replaceAll('no-such-one', 'hugging-face');
    expect(text).toBe(JSON.stringify(foreign.problems));
    expect((await get('/v1/jobs?project=other')).json()).toMatchObject({ items: [] });
  });

  it('are all named in one answer, and asked for again on a retry', async () => {
    const both = await send('research', { A: 'x', B: 'hugging-face', C: 'y' });
    const { problems } = both.json<{ problems: { pointer: string }[] }>();
    expect(problems.map(({ pointer }) => pointer)).toEqual(['/secrets/A', '/secrets/C']);
    const job = aJob({ id: 'job-ended-1', spec: aSpec({ secrets: { A: 'taken-away' } }) });
    const ended: Job = { ...job, state: 'failed', outcome: 'unsupported', endedAtMs: 1 };
    await gateway.storage.jobs.submit({
      job: ended,
      idempotency: null,
      reservation: null,
      events: [],
    });
    const retried = await post(`/v1/jobs/${job.id}/retry`);
    expect(retried.statusCode).toBe(422);
    expect(retried.json()).toMatchObject({ problems: [{ pointer: '/secrets/A' }] });
  });
});

describe('listing', () => {
  it('pages through everything once, newest first, with filters', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 7; index += 1) {
      gateway.clock.advance(1);
      ids.unshift((await submit({ project: 'paged', labels: { odd: String(index % 2) } })).id);
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const page = (await get(`/v1/jobs?project=paged&limit=3${query}`)).json<{
        items: { id: string }[];
        next: string | null;
      }>();
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next;
    } while (cursor !== null);
    expect(seen).toEqual(ids);
    const odd = (await get('/v1/jobs?project=paged&label=odd%3D1&state=queued,running')).json<{
      items: object[];
    }>();
    expect(odd.items).toHaveLength(3);
  });

  it('shows a restricted key its projects only, as if there were no others', async () => {
    const mine = await submit({ project: 'mine' });
    const other = await submit({ project: 'other' });
    const one = await gateway.keyFor(['submitter'], ['mine']);
    const two = await gateway.keyFor(['submitter', 'finance'], ['mine', 'yours']);
    const listed = (await get('/v1/jobs', one)).json<{ items: { id: string }[] }>().items;
    expect(listed.map(({ id }) => id)).toEqual([mine.id]);
    expect((await get('/v1/jobs', two)).json()).toMatchObject({
      type: '/problems/project-required',
    });
    expect((await get('/v1/jobs?project=other', one)).statusCode).toBe(403);
    for (const path of ['', '/why', '/events', '/attempts', '/logs', '/outputs'])
      expect((await get(`/v1/jobs/${other.id}${path}`, one)).statusCode).toBe(404);
    const refused = await post('/v1/jobs', { ...hello, project: 'other' }, { authorization: one });
    expect(refused.statusCode).toBe(403);
    const report = await get('/v1/reports/costs?project=other', two);
    expect(report.statusCode).toBe(403);
  });

  it('pages through offers, cheapest first, with filters', async () => {
    const first = (await get('/v1/offers?limit=1&gpu=h100')).json<{
      items: { id: string; pricePerHourMicroUsd: number }[];
      next: string;
    }>();
    expect(first.items[0]).toMatchObject({ pricePerHourMicroUsd: 1_100_000 });
    const second = (await get(`/v1/offers?limit=1&gpu=h100&cursor=${first.next}`)).json<object>();
    expect(second).toMatchObject({ items: [{ pricePerHourMicroUsd: 2_500_000 }], next: null });
    const cheap = (await get('/v1/offers?maxPricePerHour=%240.10&market=spot')).json<object>();
    expect(cheap).toMatchObject({ items: [{ market: 'spot' }], next: null });
  });
});

describe('a job under way', () => {
  it('is explained to engineer, finance and ops alike', async () => {
    const job = await submit({ resources: { gpus: 'H100:1' }, budget: { maxCost: '$9' } });
    const attempt = await place(gateway, job);
    const why = (await get(`/v1/jobs/${job.id}/why`, await gateway.keyFor(['finance']))).json<{
      sentences: string[];
      where: object;
      chosen: object;
      nextBest: { differenceMicroUsd: number };
      cost: object;
    }>();
    expect(why.where).toMatchObject({ offerId: attempt.offer.id, phase: 'planned', number: 1 });
    expect(why.chosen).toMatchObject({ rank: 1, policyVersion: 'builtin@1' });
    expect(why.nextBest.differenceMicroUsd).toBeGreaterThanOrEqual(0);
    expect(why.cost).toMatchObject({ soFarMicroUsd: 0, maxMicroUsd: usd(9) });
    expect(why.sentences.join(' ')).toContain(attempt.offer.id);
    const decision = await get(`/v1/decisions/${attempt.decisionId}`);
    expect(decision.json()).toMatchObject({ jobId: job.id, rankedCount: 2 });
    const replay = await post(`/v1/decisions/${attempt.decisionId}/replay`);
    expect(replay.json()).toEqual({ decisionId: attempt.decisionId, same: true, differs: [] });
    const attempts = (await get(`/v1/jobs/${job.id}/attempts`)).json<{ items: object[] }>();
    expect(attempts.items).toMatchObject([{ id: attempt.id, phase: 'planned', exit: null }]);
  });

  it('says what it waits for while it has no place', async () => {
    const job = await submit({ name: 'waits' });
    const why = (await get(`/v1/jobs/${job.id}/why`)).json<{ sentences: string[]; where: null }>();
    expect(why).toMatchObject({ where: null, chosen: null, waitingFor: { awaited: [] } });
    expect(why.sentences[0]).toBe('It waits for a place.');
  });

  it('is cancelled at any moment, once, and everybody concerned is woken', async () => {
    const job = await submit();
    const attempt = await place(gateway, job);
    gateway.doorbell.rings.length = 0;
    const first = await post(`/v1/jobs/${job.id}/cancel`);
    expect(first.statusCode).toBe(202);
    expect(first.json()).toMatchObject({ state: 'stopping' });
    expect(gateway.doorbell.rings.map(({ queue, id }) => [queue, id])).toEqual([
      ['advance', attempt.id],
      ['place', job.id],
    ]);
    await post(`/v1/jobs/${job.id}/cancel`);
    const events = await gateway.storage.events.after(0, job.id, 100);
    expect(events.filter(({ type }) => type === 'job.cancel-requested')).toHaveLength(1);
    expect((await gateway.storage.attempts.get(attempt.id))?.abandonAs).toBe('cancelled');
  });

  it('is submitted again only after its end, with a link to what it repeats', async () => {
    const job = await submit({ labels: { team: 'vision' } });
    expect((await post(`/v1/jobs/${job.id}/retry`)).json()).toMatchObject({
      type: '/problems/still-running',
    });
    const ended = { ...job, outcome: 'workload-failed', state: 'failed', endedAtMs: 1 } as const;
    await gateway.storage.jobs.update({ ...ended, dueAtMs: null }, { events: [] });
    const headers = { 'idempotency-key': 'retry' };
    const retried = await post(`/v1/jobs/${job.id}/retry`, undefined, headers);
    expect(retried.statusCode).toBe(201);
    expect(retried.json()).toMatchObject({
      state: 'queued',
      labels: { team: 'vision', 'fairlead/retry-of': job.id },
    });
    const repeat = await post(`/v1/jobs/${job.id}/retry`, undefined, headers);
    expect(repeat.statusCode).toBe(200);
    expect(repeat.json<{ id: string }>().id).toBe(retried.json<{ id: string }>().id);
  });
});
