import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { asJobId, type Attempt, type Job } from '#libs/domain';
import { STREAMS_PER_KEY } from './open-streams';
import { place, startGateway, type Gateway } from './testing/gateway-harness';

let gateway: Gateway;
let admin: string;
let base: string;

beforeAll(async () => {
  gateway = await startGateway();
  admin = await gateway.keyFor(['admin']);
  await gateway.app.listen(0, '127.0.0.1');
  const { port } = gateway.app.getHttpServer().address() as AddressInfo;
  base = `http://127.0.0.1:${port}`;
});
afterAll(() => gateway.close());

async function submit(): Promise<Job> {
  const answer = await fetch(`${base}/v1/jobs`, {
    method: 'POST',
    headers: { authorization: admin, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'a', image: 'b', command: ['c'], outputs: [{ path: 'out' }] }),
  });
  const { id } = (await answer.json()) as { id: string };
  const job = await gateway.storage.jobs.get(asJobId(id));
  if (job === null) throw new Error('the job was not stored');
  return job;
}

async function append(job: Job, type: string, more: Partial<Job> = {}): Promise<Job> {
  const event = { type, data: {}, jobId: job.id, attemptId: null, atMs: gateway.clock.nowMs() };
  return gateway.storage.jobs.update({ ...job, ...more }, { events: [event] });
}

const ENDED = { outcome: 'completed', state: 'succeeded', endedAtMs: 5, dueAtMs: null } as const;

/** Reads a stream piece by piece, until a text has come or it ends. */
async function readUntil(response: Response, wanted: string | null): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) throw new Error('no body');
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value as Uint8Array, { stream: true });
    if (wanted !== null && text.includes(wanted)) {
      await reader.cancel();
      return text;
    }
  }
}

function stream(job: Job, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${base}/v1/jobs/${job.id}/events`, {
    headers: { authorization: admin, accept: 'text/event-stream', ...headers },
    signal: AbortSignal.timeout(20_000),
  });
}

const typesIn = (text: string) => [...text.matchAll(/^event: (.*)$/gm)].map(([, type]) => type);
const idsIn = (text: string) => [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => Number(id));

describe('event streams', () => {
  it('tell what was, what comes, and end with the job', async () => {
    const job = await submit();
    const response = await stream(job);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reading = readUntil(response, null);
    const waiting = await append(job, 'job.waiting');
    await append(waiting, 'job.ended', ENDED);
    const text = await reading;
    expect(typesIn(text)).toEqual(['job.submitted', 'job.waiting', 'job.ended']);
    const ids = idsIn(text);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
  });

  it('resume after the last event that was seen, without loss or repetition', async () => {
    const job = await submit();
    const first = await readUntil(await stream(job), 'job.submitted"');
    const [lastSeen] = idsIn(first).slice(-1);
    const waiting = await append(job, 'job.waiting');
    await append(waiting, 'job.ended', ENDED);
    const rest = await readUntil(await stream(job, { 'last-event-id': String(lastSeen) }), null);
    expect(typesIn(rest)).toEqual(['job.waiting', 'job.ended']);
    const [end] = idsIn(rest).slice(-1);
    expect(
      typesIn(await readUntil(await stream(job, { 'last-event-id': String(end) }), null)),
    ).toEqual([]);
    const bad = await stream(job, { 'last-event-id': 'x' });
    expect(bad.status).toBe(400);
  });

  it('come as pages too', async () => {
    const job = await append(await submit(), 'job.waiting');
    const headers = { authorization: admin };
    const url = `${base}/v1/jobs/${job.id}/events`;
    const first = (await (await fetch(`${url}?limit=1`, { headers })).json()) as {
      items: { type: string }[];
      next: number;
    };
    expect(first.items.map(({ type }) => type)).toEqual(['job.submitted']);
    const rest = (await (await fetch(`${url}?after=${first.next}`, { headers })).json()) as object;
    expect(rest).toMatchObject({ items: [{ type: 'job.waiting' }], next: null });
  });
});

async function write(attempt: Attempt, offset: number, text: string): Promise<void> {
  await gateway.storage.logs.append(attempt.id, offset, Buffer.from(text), 1);
}

describe('logs', () => {
  const logsOf = (job: Job, query: string) =>
    fetch(`${base}/v1/jobs/${job.id}/logs${query}`, {
      headers: { authorization: admin },
      signal: AbortSignal.timeout(20_000),
    });

  async function release(attempt: Attempt, jobState: Job['state']): Promise<void> {
    const current = (await gateway.storage.attempts.get(attempt.id)) ?? attempt;
    await gateway.storage.attempts.update(
      { ...current, phase: 'released', outcome: 'interrupted', dueAtMs: null },
      { events: [], suspensions: [], jobState, wakeJob: false, nowMs: 1 },
    );
  }

  it('are followed through every attempt until the job ends', async () => {
    const job = await submit();
    const first = await place(gateway, job);
    await write(first, 0, 'one\n');
    // The answer begins with the first bytes, so from here on the first attempt is being followed.
    const reading = readUntil(await logsOf(job, '?follow=true'), null);
    await release(first, 'recovering');
    const between = (await gateway.storage.jobs.get(job.id)) ?? job;
    const second = await place(gateway, between, { number: 2 });
    await write(second, 0, 'two\n');
    await release(second, 'recovering');
    const last = (await gateway.storage.jobs.get(job.id)) ?? job;
    await append(last, 'job.ended', ENDED);
    expect(await reading).toBe(`one\n\n[fairlead: attempt 2 at ${second.offer.id}]\ntwo\n`);
    expect(await (await logsOf(job, '')).text()).toBe('two\n');
    expect(await (await logsOf(job, '?attempt=1&offset=2')).text()).toBe('e\n');
    expect((await logsOf(job, '?attempt=9')).status).toBe(404);
  });

  it('may be asked for before there is anything to read', async () => {
    const job = await submit();
    const early = logsOf(job, '?follow=true').then((response) => response.text());
    const attempt = await place(gateway, job);
    await write(attempt, 0, 'hello\n');
    await release(attempt, 'recovering');
    await append((await gateway.storage.jobs.get(job.id)) ?? job, 'job.ended', ENDED);
    expect(await early).toBe('hello\n');
    expect(await (await logsOf(await submit(), '')).text()).toBe('');
  });

  it('come whole however long they are', async () => {
    const job = await submit();
    const attempt = await place(gateway, job);
    const chunk = 'x'.repeat(60_000);
    for (let index = 0; index < 10; index += 1) await write(attempt, index * 60_000, chunk);
    expect(await (await logsOf(job, '')).text()).toHaveLength(600_000);
  });
});

describe('too many streams', () => {
  it('are refused by key, and let go with their readers', async () => {
    const job = await submit();
    const authorization = await gateway.keyFor(['admin']);
    const leaving = new AbortController();
    const headers = { authorization, accept: 'text/event-stream' };
    const open = (signal?: AbortSignal, path = 'events') =>
      fetch(`${base}/v1/jobs/${job.id}/${path}`, { headers, ...(signal ? { signal } : {}) });
    await write(await place(gateway, job), 0, 'one');
    const streams = await Promise.all(
      Array.from({ length: STREAMS_PER_KEY }, (_, index) =>
        open(leaving.signal, index % 2 === 0 ? 'events' : 'logs?follow=true'),
      ),
    );
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
    const refused = await open();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ type: '/problems/rate-limited' });
    const logs = await fetch(`${base}/v1/jobs/${job.id}/logs`, { headers: { authorization } });
    expect(logs.status).toBe(429);
    leaving.abort();
    // Each of them must be let go, or there would be no room for as many again.
    const again = new AbortController();
    let opened = 0;
    for (let tries = 0; tries < 400 && opened < STREAMS_PER_KEY; tries += 1) {
      const { status } = await open(again.signal);
      if (status === 200) opened += 1;
      else await pause(25);
    }
    again.abort();
    expect(opened).toBe(STREAMS_PER_KEY);
  });
});
