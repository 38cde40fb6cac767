import type { Ring } from './doorbell';
import { GatheringDoorbell, type DoorbellDependencies, type Posting } from './gathering-doorbell';

interface Heard {
  readonly posted: (readonly Posting[])[];
  readonly said: string[];
  readonly counted: Map<string, number>;
}

function doorbell(parts: Partial<DoorbellDependencies> = {}): Heard & { bell: GatheringDoorbell } {
  const posted: (readonly Posting[])[] = [];
  const said: string[] = [];
  const counted = new Map<string, number>();
  const bell = new GatheringDoorbell({
    post: async (_queue, _providerId, postings) => void posted.push(postings),
    nowMs: () => 1_000,
    traceParent: () => null,
    log: { warn: (_fields, text) => said.push(text), error: (_fields, text) => said.push(text) },
    figures: {
      countRings: (_queue, fate, count) => counted.set(fate, (counted.get(fate) ?? 0) + count),
      observeWork: () => undefined,
    },
    ...parts,
  });
  return { bell, posted, said, counted };
}

function ring(fields: Partial<Ring> = {}): Ring {
  return { queue: 'decide', id: 'job-1', providerId: null, atMs: 0, tag: 'r1', ...fields };
}

it('enqueues what is rung within a moment together, one batch per queue and provider', async () => {
  const { bell, posted } = doorbell();
  for (let n = 0; n < 3; n += 1) {
    bell.ring(ring({ id: `job-${n}` }));
    bell.ring(ring({ queue: 'advance', id: `att-${n}`, providerId: n === 0 ? 'aws' : 'akash' }));
  }
  expect(posted).toEqual([]);
  await bell.settled();
  const ids = posted.map((batch) => batch.map(({ message }) => message.id));
  expect(ids).toEqual([['job-0', 'job-1', 'job-2'], ['att-0'], ['att-1', 'att-2']]);
});

it('turns the time of a ring into a delay, and its tag into an id without colons', async () => {
  const { bell, posted } = doorbell({ traceParent: () => '{"traceparent":"x"}' });
  bell.ring(ring({ atMs: 1_250, tag: 'a:b' }));
  bell.ring(ring({ atMs: 10, tag: 'late' }));
  await bell.settled();
  const telemetry = { metadata: '{"traceparent":"x"}' };
  expect(posted[0]?.map(({ options }) => options)).toEqual([
    { jobId: 'job-1.a_b', delay: 250, telemetry },
    { jobId: 'job-1.late', delay: 0, telemetry },
  ]);
});

it('loses the rings that nobody takes, says so once, and takes new ones afterwards', async () => {
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const { bell, said, counted } = doorbell({ post: () => held });
  for (let n = 0; n < 12_000; n += 1) bell.ring(ring({ id: `job-${n}` }));
  expect(counted.get('lost')).toBe(2_000);
  expect(said).toHaveLength(1);
  letGo();
  await bell.settled();
  expect(counted.get('enqueued')).toBe(10_000);
  bell.ring(ring({ id: 'job-11999' }));
  await bell.settled();
  expect(counted.get('enqueued')).toBe(10_001);
});

it('logs what cannot be enqueued, throws nothing, and rings it again when asked to', async () => {
  let fails = true;
  const { bell, said, counted } = doorbell({
    post: async () => {
      if (fails) throw new Error('away');
    },
  });
  bell.ring(ring());
  await bell.settled();
  expect(said).toEqual(['Rings could not be enqueued; the sweep will find their rows.']);
  fails = false;
  bell.ring(ring());
  await bell.settled();
  expect([...counted]).toEqual([
    ['lost', 1],
    ['enqueued', 1],
  ]);
});

it('refuses a ring for a provider queue that names none', async () => {
  const { bell, posted, said } = doorbell();
  bell.ring(ring({ queue: 'advance', providerId: null }));
  await bell.settled();
  expect(posted).toEqual([]);
  expect(said).toEqual(['A ring names no provider.']);
});
