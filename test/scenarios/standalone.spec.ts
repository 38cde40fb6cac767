import {
  budgetViewSchema,
  costReportSchema,
  decisionSchema,
  planSchema,
  policyVersionSchema,
  replaySchema,
} from '#libs/contracts';
import { asAttemptId, asJobId } from '#libs/domain';
import { streamOf } from './events-stream';
import { booksOf, leasesOf } from './books';
import { workloadsUnder } from './processes';
import { startProduct, type Product } from './product';
import { trainingJob } from './training-job';
import { until } from './wait';

jest.setTimeout(120_000);

const SECRET = 'correct-horse-battery-staple';
const IMAGE = 'docker.io/library/node:24';

let product: Product;
const submitted: string[] = [];

/** The one long story, told while the short ones go on. */
let interrupted: ReturnType<typeof interruptTraining>;

beforeAll(async () => {
  product = await startProduct({
    FAIRLEAD_SECRET_GREETING: SECRET,
    FAIRLEAD_SECRET_GREETING_PROJECTS: '*',
    FAIRLEAD_SECRET_FORGOTTEN_PROJECTS: '*',
    FAIRLEAD_SECRET_PRIVATE: SECRET,
    FAIRLEAD_SECRET_PRIVATE_PROJECTS: 'another-project',
  });
  interrupted = interruptTraining();
  interrupted.catch(() => undefined);
});
afterAll(() => product?.close());

const api = () => product.api;

/** A short job; what is not said is the same for all of them. */
async function submit(spec: Readonly<Record<string, unknown>>): Promise<string> {
  const id = await api().submit(job(spec));
  submitted.push(id);
  return id;
}

function job(spec: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { name: 'short', image: IMAGE, command: 'echo done', durationEstimate: '5m', ...spec };
}

/** Takes the machine of a training away once it has saved its state; asks all the while where it is and why. */
async function interruptTraining() {
  const id = await submit(trainingJob());
  const reasons: string[] = [];
  let isPlugPulled = false;
  await until('the end of the training', async () => {
    const { sentences, outcome } = await api().why(id);
    reasons.push(sentences.join(' '));
    const saved = await product.platform.storage.artifacts.list(asJobId(id));
    if (!isPlugPulled && saved.some(({ kind }) => kind === 'checkpoint')) {
      isPlugPulled = true;
      const [first] = await api().attempts(id);
      product.emulator(first?.provider ?? '').interrupt(asAttemptId(first?.id ?? ''), 0);
    }
    return outcome !== null;
  });
  return { id, reasons };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

describe('a job', () => {
  it('goes from submitted to succeeded, with its logs, exit code, output and price', async () => {
    const id = await submit({
      command: 'cat in.txt; echo 42 > answer.txt; echo oops >&2',
      inputs: [{ path: 'in.txt', uri: 'data:text/plain,hello' }],
      outputs: [{ path: 'answer.txt', size: '1MB' }],
    });
    const ended = await api().ended(id);
    expect(ended).toMatchObject({ state: 'succeeded', outcome: 'completed', attempts: 1 });
    expect(await api().logs(id)).toMatch(/hello[^]*oops/);
    const [attempt] = await api().attempts(id);
    expect(attempt).toMatchObject({ phase: 'released', outcome: 'succeeded', error: null });
    expect(attempt?.exit).toMatchObject({ code: 0, reason: 'exited' });
    const [output] = await api().outputs(id);
    expect(output).toMatchObject({ path: 'answer.txt', sizeBytes: 3, attemptId: attempt?.id });
    expect((await api().ask('GET', `/v1/jobs/${id}/outputs/0`)).text).toBe('42\n');
    const types = (await api().events(id)).map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['workload.started', 'workload.exited']));
    // Which of the supervisor and the provider is heard first is a matter of speed.
    expect(types.filter((type) => !/workload.started|^workload/.test(type))).toEqual([
      'job.submitted',
      'job.decided',
      'job.placed',
      'attempt.acquire',
      'attempt.lease-granted',
      'attempt.workload-exited',
      'attempt.lease-gone',
      'job.ended',
    ]);
    const why = await api().why(id);
    expect(why.sentences[0]).toBe('It completed.');
    expect(why.cost.soFarMicroUsd).toBe(ended.costMicroUsd);
    expect(why.chosen?.offerId).toBe(attempt?.offerId);
  });

  it('that fails keeps its exit code, and is not tried again unless it says so', async () => {
    const [once, twice] = await Promise.all([
      submit({ command: 'echo bad data; exit 7' }),
      submit({ command: 'exit 7', retry: { on: ['error'], limit: 1 } }),
    ]);
    expect(await api().ended(once)).toMatchObject({
      state: 'failed',
      outcome: 'workload-failed',
      attempts: 1,
    });
    expect((await api().attempts(once))[0]?.exit).toMatchObject({ code: 7, reason: 'exited' });
    expect((await api().why(once)).sentences.join(' ')).toContain('exit code 7');
    expect(await api().ended(twice)).toMatchObject({ outcome: 'workload-failed', attempts: 2 });
  });

  it('gets its secrets by reference, and nothing that people can read shows them', async () => {
    const id = await submit({
      command: 'printf %s "$GREETING" | tr a-z A-Z; test -n "$GREETING"',
      secrets: { GREETING: 'greeting' },
    });
    expect(await api().ended(id)).toMatchObject({ outcome: 'completed' });
    expect(await api().logs(id)).toContain(SECRET.toUpperCase());
    const paths = ['', '/why', '/attempts', '/events', '/logs', '/outputs'];
    const replies = await Promise.all(
      paths.map((path) => api().ask('GET', `/v1/jobs/${id}${path}`)),
    );
    const metrics = await api().ask('GET', '/metrics');
    for (const { text } of [...replies, metrics]) expect(text).not.toContain(SECRET);
    expect(product.logged.length).toBeGreaterThan(0);
    expect(product.logged.join('\n')).not.toContain(SECRET);
  });

  it('that asks for a secret that nobody holds ends, and says which', async () => {
    const id = await submit({ secrets: { TOKEN: 'forgotten' } });
    expect(await api().ended(id)).toMatchObject({ state: 'failed', outcome: 'unsupported' });
    expect((await api().attempts(id)).at(-1)?.error?.text).toContain('forgotten');
  });

  it('that asks for a secret of another project, or for none that there is, is not taken in', async () => {
    const secrets = { ONE: 'private', TWO: 'no-such-secret' };
    const { status, text } = await api().ask('POST', '/v1/jobs', job({ secrets }));
    expect(status).toBe(422);
    for (const part of ['/secrets/ONE', '/secrets/TWO']) expect(text).toContain(part);
    expect(text).not.toContain(SECRET);
  });

  it('is the same one when it is submitted twice with one key, and refused with another body', async () => {
    const send = (body: unknown) =>
      api().ask('POST', '/v1/jobs', body, { 'idempotency-key': 'scenario-twice' });
    const [first, second] = [await send(job({})), await send(job({}))];
    expect([first.status, second.status]).toEqual([201, 200]);
    const [one, two] = [first, second].map(({ document }) => (document as { id: string }).id);
    expect(two).toBe(one);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect((await send(job({ command: 'echo other' }))).status).toBe(409);
    submitted.push(one ?? '');
    expect(await api().ended(one ?? '')).toMatchObject({ outcome: 'completed' });
  });

  it('that has ended can be submitted again as a new one', async () => {
    const id = await submit({ name: 'again', command: 'exit 1' });
    await api().ended(id);
    const { status, document } = await api().ask('POST', `/v1/jobs/${id}/retry`);
    const again = document as { id: string; labels: Record<string, string> };
    expect(status).toBe(201);
    expect(again.id).not.toBe(id);
    expect(Object.values(again.labels)).toContain(id);
    submitted.push(again.id);
    expect(await api().ended(again.id)).toMatchObject({ outcome: 'workload-failed' });
  });

  it('can be followed as a stream of events from its submission to its end', async () => {
    const id = await submit({ name: 'streamed' });
    const streamed = await streamOf(api(), id);
    expect(streamed.map(({ type }) => type).at(0)).toBe('job.submitted');
    expect(streamed.map(({ type }) => type).at(-1)).toBe('job.ended');
    expect(streamed).toEqual(await api().events(id));
    const resumed = await streamOf(api(), id, streamed[3]?.sequence);
    expect(resumed).toEqual(streamed.slice(4));
  });
});

describe('a cancelled job', () => {
  const LONG = { command: 'echo up; exec sleep 300' };
  const cancel = (id: string) => api().ask('POST', `/v1/jobs/${id}/cancel`);

  it('that still waits in the queue is never placed', async () => {
    const id = await submit({ resources: { cpus: '4000+' } });
    const why = await until('a job that waits', async () => {
      const found = await api().why(id);
      return found.waitingFor !== null && found.reasons.length > 0 && found;
    });
    expect(why.sentences.join(' ')).toMatch(/waits for a place[^]*what helps/);
    expect((await cancel(id)).status).toBe(202);
    expect(await api().ended(id)).toMatchObject({ state: 'cancelled', attempts: 0 });
    expect((await api().job(id)).costMicroUsd).toBe(0);
  });

  it('that is starting or running gives its lease back', async () => {
    const [starting, running] = await Promise.all([
      submit({ ...LONG, infra: ['akash/*'] }),
      submit({ ...LONG, infra: ['aws/*'] }),
    ]);
    await api().inPhase(starting, 'starting', 'running');
    expect((await api().why(starting)).where).toMatchObject({ provider: 'akash', number: 1 });
    expect((await cancel(starting)).status).toBe(202);
    await api().inPhase(running, 'running');
    await api().printed(running, /up/);
    expect((await api().why(running)).where).toMatchObject({ phase: 'running', provider: 'aws' });
    expect((await cancel(running)).status).toBe(202);
    for (const id of [starting, running]) {
      expect(await api().ended(id)).toMatchObject({ state: 'cancelled', outcome: 'cancelled' });
      expect((await api().attempts(id)).map(({ phase }) => phase)).toEqual(['released']);
      expect((await cancel(id)).status).toBe(202);
      expect((await api().why(id)).sentences[0]).toBe('It was cancelled.');
    }
  });
});

describe('when a provider fails', () => {
  it('a job that saves its state goes on from there, and both leases are in its cost', async () => {
    const { id, reasons } = await interrupted;
    expect(await api().job(id)).toMatchObject({ outcome: 'completed', attempts: 2 });
    expect(await api().logs(id)).toMatch(/^resumed from epoch [1-9]/m);
    const attempts = await api().attempts(id);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['interrupted', 'succeeded']);
    const costs = attempts.map(({ costMicroUsd }) => costMicroUsd);
    expect(Math.min(...costs)).toBeGreaterThan(0);
    expect((await api().job(id)).costMicroUsd).toBe(sum(costs));
    for (const attempt of attempts) {
      const books = await until('the last charge', async () => {
        const found = await booksOf(product, asAttemptId(attempt.id));
        return found.isFinal && found;
      });
      expect(books).toMatchObject({ booked: attempt.costMicroUsd, missing: 0 });
    }
    expect(reasons.filter((reason) => reason.includes('is starting at'))).not.toEqual([]);
    expect(reasons.filter((reason) => reason.includes('is running at'))).not.toEqual([]);
    expect(reasons.at(-1)).toMatch(/^It completed\.[^]*interrupted by the provider/);
  });

  it('a refused job gets the next offer', async () => {
    const spec = { name: 'refused', infra: ['aws/*'] };
    const plan = await api().want(planSchema, 'POST', '/v1/jobs/plan', job(spec));
    const [best, next] = plan.ranked.map(({ offer }) => offer);
    product.emulator(best?.provider ?? '').inject({
      verb: 'acquire',
      when: 'before',
      as: 'no-capacity',
    });
    const startedMs = performance.now();
    const id = await submit(spec);
    expect(await api().ended(id)).toMatchObject({ outcome: 'completed' });
    const attempts = await api().attempts(id);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['refused', 'succeeded']);
    expect(attempts.map(({ offerId }) => offerId)).toEqual([best?.id, next?.id]);
    expect(attempts[0]).toMatchObject({ error: { kind: 'no-capacity' }, costMicroUsd: 0 });
    note('refusal to end of the job elsewhere', performance.now() - startedMs);
  });

  it('a provider that has sold everything is passed over', async () => {
    const spec = {
      name: 'sold-out',
      workload: 'rendering',
      resources: { gpus: 'RTX4090,L40S:1' },
      durationEstimate: '2h',
      infra: ['akash/de', 'aws/us-east-1'],
    };
    const plan = await api().want(planSchema, 'POST', '/v1/jobs/plan', job(spec));
    expect(plan.ranked[0]?.offer.provider).toBe('akash');
    const emulator = product.emulator('akash');
    emulator.setSoldOut(true);
    try {
      const startedMs = performance.now();
      const id = await submit(spec);
      expect(await api().ended(id)).toMatchObject({ outcome: 'completed' });
      const attempts = await api().attempts(id);
      expect(attempts.at(-1)).toMatchObject({ provider: 'aws', outcome: 'succeeded' });
      for (const { outcome, error } of attempts.slice(0, -1))
        expect([outcome, error?.kind]).toEqual(['refused', 'no-capacity']);
      note('sold-out provider to end of the job elsewhere', performance.now() - startedMs);
      note('attempts that it took', attempts.length);
    } finally {
      emulator.setSoldOut(false);
    }
  });
});

describe('a plan', () => {
  it('that nothing can serve says for each offer why, and stores nothing', async () => {
    const plan = await api().want(
      planSchema,
      'POST',
      '/v1/jobs/plan',
      job({ workload: 'confidential', resources: { gpus: 'H100:1' } }),
    );
    expect(plan.rankedCount).toBe(0);
    expect(plan.rejected.length).toBeGreaterThan(0);
    for (const { reasons } of plan.rejected)
      for (const { text, remedy } of reasons) expect([text, remedy]).not.toContain('');
    const { text } = await api().ask('GET', '/v1/jobs?workload=confidential');
    expect(text).toContain('"items":[]');
  });

  it('is what the job gets, and its decision gives the same bytes again', async () => {
    const spec = { name: 'planned' };
    const plan = await api().want(planSchema, 'POST', '/v1/jobs/plan', job(spec));
    const id = await submit(spec);
    const { decisionId } = await api().ended(id);
    const decision = await api().want(decisionSchema, 'GET', `/v1/decisions/${decisionId}`);
    expect(decision.ranked[0]?.offer.id).toBe(plan.ranked[0]?.offer.id);
    const replay = await api().want(replaySchema, 'POST', `/v1/decisions/${decisionId}/replay`);
    expect(replay).toEqual({ decisionId, same: true, differs: [] });
  });
});

it('a policy that is put in force moves the next job elsewhere', async () => {
  const spec = { project: 'guarded', name: 'moved' };
  const before = await api().want(planSchema, 'POST', '/v1/jobs/plan', job(spec));
  const usual = before.ranked[0]?.offer.provider ?? '';
  const { document, version } = await api().want(policyVersionSchema, 'POST', '/v1/policies', {
    name: 'not-there',
    rules: [
      {
        id: 'elsewhere',
        when: "job.project == 'guarded'",
        forbid: `provider.id == '${usual}'`,
        because: 'the contract there has run out',
      },
    ],
  });
  const activate = (wanted: number | null) =>
    api().ask('POST', `/v1/policies/${document.name}/activate`, { version: wanted });
  expect((await activate(version)).status).toBe(200);
  const id = await submit(spec);
  expect(await api().ended(id)).toMatchObject({ outcome: 'completed' });
  expect((await api().attempts(id)).map(({ provider }) => provider)).not.toContain(usual);
  expect((await api().why(id)).rules).toContainEqual(
    expect.objectContaining({ because: 'the contract there has run out' }),
  );
  expect((await activate(null)).status).toBe(200);
});

describe('a budget', () => {
  const put = (project: string, limits: unknown) =>
    api().want(budgetViewSchema, 'PUT', `/v1/budgets/${project}`, limits);

  it('refuses what would pass its hard limit', async () => {
    await put('poor', { hardLimit: '$0.000001' });
    const { status, document } = await api().ask('POST', '/v1/jobs', job({ project: 'poor' }));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(document).toMatchObject({ type: expect.stringContaining('over-budget') });
    expect((await api().ask('GET', '/v1/jobs?project=poor')).text).toContain('"items":[]');
  });

  it('tells when its soft limit is passed, and trues up at the end', async () => {
    await put('warned', { softLimit: '$0.000001', hardLimit: '$5' });
    const id = await submit({ project: 'warned' });
    const { costMicroUsd } = await api().ended(id);
    const told = (await api().events(id)).filter(({ type }) => type === 'budget.soft-limit');
    expect(told).toHaveLength(1);
    const { document } = await api().ask('GET', '/v1/budgets');
    const { items } = document as {
      items: readonly { project: string; committedMicroUsd: number }[];
    };
    const budget = items.find(({ project }) => project === 'warned');
    expect(budget?.committedMicroUsd).toBe(costMicroUsd);
  });
});

/** Last, since it looks back at everything above. */
it('nothing is left running, and what was booked covers what the providers charge', async () => {
  await Promise.all(submitted.map((id) => api().ended(id)));
  await until('no lease', () => product.leasesLeft().length === 0);
  const { attempts } = product.platform.storage;
  await until('no charge to book', async () => {
    return (await attempts.unbooked(Number.MAX_SAFE_INTEGER, 1)).length === 0;
  });
  const report = await api().want(costReportSchema, 'GET', '/v1/reports/costs?groupBy=provider');
  const jobs = await Promise.all(submitted.map((id) => api().job(id)));
  const costs = jobs.map(({ costMicroUsd }) => costMicroUsd);
  expect(report.total.billedMicroUsd).toBe(sum(costs));
  const books = await Promise.all(
    leasesOf(product).map(({ leaseKey }) => booksOf(product, leaseKey)),
  );
  expect(books.length).toBeGreaterThan(10);
  expect(books.filter(({ missing }) => missing > 0)).toEqual([]);
  note('micro-dollars booked', sum(books.map(({ booked }) => booked)));
  note('micro-dollars charged', sum(books.map(({ charged }) => charged)));
  expect(product.logged.filter((line) => /"level":"(?:error|fatal)"/.test(line))).toEqual([]);
  expect(workloadsUnder(product.dataDir)).toEqual([]);
});

function note(what: string, value: number): void {
  process.stderr.write(`note: ${what}: ${Math.round(value)}\n`);
}
