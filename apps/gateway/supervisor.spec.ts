import { asAttemptId, type Attempt } from '#libs/domain';
import { attemptToken } from '#libs/supervisor';
import { place, startGateway, TEST_SECRET, type Gateway } from './testing/gateway-harness';

let gateway: Gateway;
let admin: string;

beforeAll(async () => {
  gateway = await startGateway();
  admin = await gateway.keyFor(['admin']);
});
afterAll(() => gateway.close());

const job = {
  name: 'a',
  image: 'b',
  command: ['c'],
  inputs: [
    { path: 'in/bytes', uri: 'data:application/octet-stream;base64,AAH/' },
    { path: 'in/text', uri: 'data:,a%20b%FF' },
    { path: 'in/far', uri: 'https://example.com/x' },
  ],
  outputs: [{ path: 'out' }],
  checkpoint: { path: 'ck' },
};

async function attemptOf(payload: object = job): Promise<Attempt> {
  const headers = { authorization: admin };
  const answer = await gateway.app.inject({ method: 'POST', url: '/v1/jobs', headers, payload });
  const stored = await gateway.storage.jobs.get(answer.json<{ id: Attempt['jobId'] }>().id);
  if (stored === null) throw new Error('the job was not stored');
  const attempt = await place(gateway, stored);
  return setPhase(attempt, 'starting');
}

function setPhase(attempt: Attempt, phase: Attempt['phase']): Promise<Attempt> {
  return gateway.storage.attempts.update(
    { ...attempt, phase, dueAtMs: phase === 'released' ? null : 1 },
    { events: [], suspensions: [], jobState: 'starting', wakeJob: false, nowMs: 1 },
  );
}

const tokenOf = ({ id }: Attempt) => `Bearer ${attemptToken(TEST_SECRET, id)}`;

function post(attempt: Attempt, path: string, payload?: object | string | Buffer, more = {}) {
  const isBytes = payload === undefined || Buffer.isBuffer(payload);
  return gateway.app.inject({
    method: 'POST',
    url: `/v1/attempts/${attempt.id}/${path}`,
    headers: {
      authorization: tokenOf(attempt),
      'content-type': isBytes ? 'application/octet-stream' : 'application/json',
      ...more,
    },
    ...(payload === undefined ? {} : { payload }),
  });
}

function get(attempt: Attempt, path: string) {
  const headers = { authorization: tokenOf(attempt) };
  return gateway.app.inject({ method: 'GET', url: `/v1/attempts/${attempt.id}/${path}`, headers });
}

describe('the words of a supervisor', () => {
  it('are answered in one plain word each', async () => {
    const attempt = await attemptOf();
    const boot = { bootId: 'boot-1' };
    const start = await post(attempt, 'start', boot);
    expect([start.statusCode, start.body]).toEqual([200, 'run']);
    expect(start.headers['content-type']).toContain('text/plain');
    expect((await post(attempt, 'start', { bootId: 'boot-2' })).body).toBe('over');
    expect((await post(attempt, 'heartbeat', boot)).body).toBe('go');
    expect((await post(attempt, 'heartbeat', { bootId: 'boot-2' })).body).toBe('stop');
    const exit = await post(attempt, 'exit', { ...boot, code: 3, reason: 'exited' });
    expect(exit.statusCode).toBe(200);
    const stored = await gateway.storage.attempts.get(attempt.id);
    expect(stored?.report.exit).toMatchObject({ code: 3, reason: 'exited' });
  });

  it('are refused with everything that is wrong when they are no words', async () => {
    const attempt = await attemptOf();
    const answer = await post(attempt, 'exit', { bootId: '', code: 700, reason: 'bored' });
    expect(answer.statusCode).toBe(422);
    expect(answer.json<{ problems: object[] }>().problems).toHaveLength(3);
  });
});

describe('logs', () => {
  it('are appended once each, whatever is repeated, and gaps are not', async () => {
    const attempt = await attemptOf();
    const send = async (offset: number, text: string) =>
      (await post(attempt, `logs?offset=${offset}`, Buffer.from(text))).body;
    expect((await post(attempt, 'logs?offset=0')).body).toBe('0');
    expect(await send(0, 'abc')).toBe('3');
    expect(await send(0, 'abc')).toBe('3');
    expect(await send(2, 'cde')).toBe('5');
    expect(await send(9, 'zzz')).toBe('5');
    const stored = await gateway.storage.logs.read(attempt.id, 0, 100);
    expect(Buffer.from(stored).toString()).toBe('abcde');
  });

  it('come in chunks of 64 KiB at most', async () => {
    const attempt = await attemptOf();
    expect((await post(attempt, 'logs?offset=0', Buffer.alloc(65_536))).body).toBe('65536');
    expect((await post(attempt, 'logs?offset=65536', Buffer.alloc(65_537))).statusCode).toBe(413);
    expect((await post(attempt, 'logs', Buffer.from('a'))).statusCode).toBe(422);
  });
});

describe('files', () => {
  it('inside the job are served byte by byte; others are not', async () => {
    const attempt = await attemptOf();
    expect([...(await get(attempt, 'inputs/0')).rawPayload]).toEqual([0, 1, 255]);
    expect([...(await get(attempt, 'inputs/1')).rawPayload]).toEqual([97, 32, 98, 255]);
    for (const index of ['2', '3', 'x', '-1'])
      expect((await get(attempt, `inputs/${index}`)).statusCode).toBe(404);
  });

  it('that were delivered can be fetched by those who see the job', async () => {
    const attempt = await attemptOf();
    const tar = { 'content-type': 'application/x-tar' };
    expect((await post(attempt, 'outputs/0', Buffer.from('tar'), tar)).statusCode).toBe(200);
    expect((await post(attempt, 'outputs/1', Buffer.from('no'))).statusCode).toBe(404);
    const headers = { authorization: admin };
    const url = `/v1/jobs/${attempt.jobId}/outputs`;
    const list = await gateway.app.inject({ method: 'GET', url, headers });
    expect(list.json()).toMatchObject({ items: [{ index: 0, path: 'out', sizeBytes: 3 }] });
    const output = await gateway.app.inject({ method: 'GET', url: `${url}/0`, headers });
    expect(output.body).toBe('tar');
    expect(output.headers['content-type']).toBe('application/x-tar');
    expect(output.headers['content-disposition']).toContain('attachment');
  });

  it('saved as checkpoint are found by the next attempt of the job', async () => {
    const attempt = await attemptOf();
    const none = await get(attempt, 'checkpoint');
    expect([none.statusCode, none.body]).toEqual([204, '']);
    const large = Buffer.alloc(2 * 1024 * 1024, 7);
    expect((await post(attempt, 'checkpoint', large)).statusCode).toBe(200);
    await setPhase((await gateway.storage.attempts.get(attempt.id)) ?? attempt, 'released');
    const stored = await gateway.storage.jobs.get(attempt.jobId);
    if (stored === null) throw new Error('the job is gone');
    const next = await place(gateway, stored, { number: 2 });
    const found = await get(next, 'checkpoint');
    expect(found.rawPayload.equals(large)).toBe(true);
  });

  it('are not taken as checkpoint from a job that has none', async () => {
    const attempt = await attemptOf({ name: 'a', image: 'b', command: ['c'] });
    expect((await post(attempt, 'checkpoint', Buffer.from('x'))).statusCode).toBe(404);
  });
});

describe('tokens', () => {
  it('open nothing but their own attempt, and nothing of the rest of the API', async () => {
    const mine = await attemptOf();
    const other = await attemptOf();
    const authorization = tokenOf(mine);
    const tries = [
      `/v1/attempts/${other.id}/checkpoint`,
      `/v1/attempts/${asAttemptId('att-none')}/checkpoint`,
      `/v1/jobs/${mine.jobId}`,
    ];
    for (const url of tries) {
      const answer = await gateway.app.inject({ method: 'GET', url, headers: { authorization } });
      expect(answer.statusCode).toBe(401);
    }
    const url = `/v1/attempts/${mine.id}/checkpoint`;
    const asAdmin = await gateway.app.inject({
      method: 'GET',
      url,
      headers: { authorization: admin },
    });
    expect(asAdmin.statusCode).toBe(401);
  });

  it('still bring in the last words while the lease is given back, and are worthless afterwards', async () => {
    const attempt = await attemptOf();
    const releasing = await setPhase(attempt, 'releasing');
    expect((await post(releasing, 'logs?offset=0', Buffer.from('bye'))).body).toBe('3');
    const exit = { bootId: 'b', code: 0, reason: 'stopped' };
    expect((await post(releasing, 'exit', exit)).statusCode).toBe(200);
    expect((await post(releasing, 'heartbeat', { bootId: 'b' })).body).toBe('stop');
    const now = await gateway.storage.attempts.get(attempt.id);
    const released = await setPhase(now ?? releasing, 'released');
    for (const path of ['logs?offset=3', 'exit', 'heartbeat', 'start', 'checkpoint'])
      expect((await post(released, path, { bootId: 'b' })).statusCode).toBe(410);
    const unknown = { ...attempt, id: asAttemptId('att-never') };
    expect((await post(unknown, 'start', { bootId: 'b' })).statusCode).toBe(410);
  });
});
