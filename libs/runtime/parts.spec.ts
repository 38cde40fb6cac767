import { Metrics } from './metrics';
import { Readiness } from './readiness';
import { SystemClock } from './system-clock';
import { UuidIds } from './uuid-ids';

describe('UuidIds', () => {
  it('makes names that are valid everywhere, different, and sorted as they were made', () => {
    const ids = new UuidIds();
    const made = Array.from({ length: 1_000 }, () => ids.next('attempt'));
    expect(new Set(made).size).toBe(made.length);
    expect(made.toSorted()).toEqual(made);
    for (const id of made) expect(id).toMatch(/^att-[0-9a-f-]{36}$/);
    expect(ids.next('job')).toMatch(/^job-.{36}$/);
  });
});

describe('SystemClock', () => {
  it('tells the time of the machine', () => {
    const beforeMs = Date.now();
    const nowMs = new SystemClock().nowMs();
    expect(nowMs).toBeGreaterThanOrEqual(beforeMs);
    expect(nowMs).toBeLessThanOrEqual(Date.now());
  });
});

describe('Metrics', () => {
  it('shows figures by their conventional names, apart for each instance', async () => {
    const metrics = new Metrics('dispatcher');
    metrics.observeCall({ providerId: 'aws', verb: 'acquire', errorKind: null, durationMs: 120 });
    metrics.observeCall({
      providerId: 'aws',
      verb: 'acquire',
      errorKind: 'no-capacity',
      durationMs: 80,
    });
    metrics.countAttempt({ providerId: 'akash', outcome: 'succeeded' });
    metrics.countRings('advance', 'enqueued', 3);
    metrics.observeWork('advance', 'done', 4);
    metrics.observeDecision(7);
    metrics.observeRequest({ method: 'GET', route: '/v1/jobs/:id', status: 200, durationMs: 12 });
    const text = await metrics.text();
    const call = { provider: 'aws', verb: 'acquire' };
    const request = { http_request_method: 'GET', http_route: '/v1/jobs/:id' };
    const shown: readonly (readonly [string, Record<string, string>, number])[] = [
      ['fairlead_provider_calls_total', { ...call, error_type: 'no-capacity' }, 1],
      ['fairlead_provider_calls_total', { ...call, error_type: '' }, 1],
      ['fairlead_provider_call_duration_seconds_sum', call, 0.2],
      ['fairlead_attempts_total', { provider: 'akash', outcome: 'succeeded' }, 1],
      ['fairlead_queue_rings_total', { queue: 'advance', fate: 'enqueued' }, 3],
      ['fairlead_queue_work_duration_seconds_count', { queue: 'advance', outcome: 'done' }, 1],
      ['fairlead_decision_duration_seconds_sum', {}, 0.007],
      [
        'http_server_request_duration_seconds_count',
        { ...request, http_response_status_code: '200' },
        1,
      ],
    ];
    for (const [name, labels, value] of shown)
      expect({ name, value: valueOf(text, name, { ...labels, service: 'dispatcher' }) }).toEqual({
        name,
        value,
      });
    expect(text).toContain('process_resident_memory_bytes');
    expect(await new Metrics('other').text()).not.toContain('akash');
  });
});

describe('Readiness', () => {
  it('is ready only when up, with every check passed, and not on the way out', async () => {
    const readiness = new Readiness();
    readiness.add('database', async () => undefined);
    expect(await readiness.report()).toEqual({ ready: false, checks: { database: 'ok' } });
    readiness.isUp();
    expect((await readiness.report()).ready).toBe(true);
    readiness.add('queues', () => {
      throw new Error('away');
    });
    expect(await readiness.report()).toEqual({
      ready: false,
      checks: { database: 'ok', queues: 'failed' },
    });
    readiness.add('queues', async () => undefined);
    readiness.isClosing();
    expect((await readiness.report()).ready).toBe(false);
  });
});

/** The value of the one line with this name and exactly these labels. */
function valueOf(text: string, name: string, labels: Record<string, string>): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
  const line = lines.find((candidate) => {
    const given = /\{(.*)\}/.exec(candidate)?.[1]?.split(',') ?? [];
    return given.toSorted().join() === wanted.toSorted().join();
  });
  return Number(line?.split(' ').at(-1));
}
