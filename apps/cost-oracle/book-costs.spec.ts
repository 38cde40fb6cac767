import { asAttemptId, attemptCost, sumUsd, usd, type Attempt } from '#libs/domain';
import { aJob, anAttempt, anOffer, aSpec, BUILT_AT_MS, ManualClock } from '#libs/testkit';
import { SilentDoorbell } from '../../libs/queue/testing/silent-doorbell';
import { MemoryTables, memoryStores } from '../../test/simulation/memory-stores';
import { BookCosts } from './book-costs';

const MINUTE_MS = 60_000;
const offer = anOffer({
  pricePerHour: usd(3.6),
  billing: { incrementMs: 1_000, minimumMs: MINUTE_MS },
});

/** A lease that began to be charged when the clock stood at zero seconds of a minute. */
class Counter {
  readonly clock = new ManualClock(BUILT_AT_MS);
  readonly tables = new MemoryTables();
  readonly doorbell = new SilentDoorbell();
  readonly stores = memoryStores(this.tables);
  private readonly book = new BookCosts(this.stores, this.doorbell, this.clock);

  constructor(wanted: Partial<Attempt> = {}, job = aJob({ id: 'job-1' })) {
    this.tables.jobs.set(job.id, job);
    this.tables.attemptsOf.set(job.id, [asAttemptId('att-1')]);
    this.changed({
      ...anAttempt({ id: 'att-1', jobId: 'job-1', offer, phase: 'running' }),
      billedFromMs: BUILT_AT_MS,
      ...wanted,
    });
  }

  changed(wanted: Partial<Attempt>): Attempt {
    const id = asAttemptId('att-1');
    const known = this.tables.attempts.get(id);
    const next = { ...anAttempt({ id, jobId: 'job-1' }), ...known, ...wanted };
    this.tables.attempts.set(id, next);
    return next;
  }

  add(attempt: Attempt): void {
    this.tables.attempts.set(attempt.id, attempt);
    this.tables.attemptsOf.set(attempt.jobId, [asAttemptId('att-1'), attempt.id]);
  }

  booked(id = asAttemptId('att-1')): Promise<void> {
    return this.book.run(id);
  }

  transfers(): readonly (readonly [string, string, number])[] {
    return [...this.tables.costTables.transfers.values()].map(({ attempt, kind, amount }) => [
      attempt.id,
      kind,
      amount,
    ]);
  }

  amounts(): readonly number[] {
    return this.tables.costEntries.map(({ amount }) => amount);
  }
}

describe('booking what a lease costs', () => {
  it('books the minimum first and then what was added, and the slices add up to the bill', async () => {
    const counter = new Counter();
    counter.clock.advance(1_000);
    await counter.booked();
    expect(counter.amounts()).toEqual([usd(0.06)]);
    counter.clock.advance(MINUTE_MS);
    await counter.booked();
    expect(counter.amounts()).toEqual([usd(0.06), usd(0.001)]);
    const billedToMs = BUILT_AT_MS + 2 * MINUTE_MS;
    counter.clock.advance(10 * MINUTE_MS);
    const attempt = counter.changed({ phase: 'released', billedToMs });
    await counter.booked();
    expect(sumUsd(counter.tables.costEntries.map(({ amount }) => amount))).toBe(
      attemptCost(attempt, counter.clock.nowMs()),
    );
    expect(counter.tables.costEntries.map(({ final }) => final)).toEqual([false, false, true]);
    expect(counter.tables.costEntries.at(-1)?.toMs).toBe(billedToMs);
  });

  it('books nothing twice, however often it is asked', async () => {
    const counter = new Counter();
    counter.clock.advance(90_000);
    for (let ask = 0; ask < 3; ask += 1) await counter.booked();
    expect(counter.amounts()).toHaveLength(1);
    counter.changed({ phase: 'released', billedToMs: counter.clock.nowMs() });
    for (let ask = 0; ask < 3; ask += 1) await counter.booked();
    expect(counter.tables.costEntries.filter(({ final }) => final)).toHaveLength(1);
  });

  it('takes back what was booked for an order that turned out to have cost nothing', async () => {
    const counter = new Counter({ phase: 'starting' });
    counter.clock.advance(5_000);
    await counter.booked();
    counter.changed({ phase: 'released', outcome: 'refused', billedFromMs: null });
    await counter.booked();
    expect(counter.amounts()).toEqual([usd(0.06), usd(-0.06)]);
    expect(counter.tables.costEntries.at(-1)?.final).toBe(true);
  });

  it.each(['planned', 'acquiring', 'confirming'] as const)(
    'waits while nobody knows whether there is a lease: %s',
    async (phase) => {
      const counter = new Counter({ phase });
      counter.clock.advance(90_000);
      await counter.booked();
      expect(counter.amounts()).toEqual([]);
    },
  );

  it('asks to be woken once a minute while the lease lives, and no more once it is released', async () => {
    const counter = new Counter();
    counter.clock.advance(30_000);
    await counter.booked();
    await counter.booked();
    expect(new Set(counter.doorbell.rings.map(({ tag }) => tag)).size).toBe(1);
    expect(counter.doorbell.rings[0]).toMatchObject({
      queue: 'book-costs',
      id: 'att-1',
      atMs: BUILT_AT_MS + MINUTE_MS,
    });
    counter.clock.advance(30_000);
    await counter.booked();
    expect(counter.doorbell.rings.at(-1)?.atMs).toBe(BUILT_AT_MS + 2 * MINUTE_MS);
    counter.doorbell.rings.length = 0;
    counter.changed({ phase: 'released', billedToMs: counter.clock.nowMs() });
    await counter.booked();
    expect(counter.doorbell.rings).toEqual([]);
  });

  it('charges the price that was quoted, whatever the provider shows later', async () => {
    const counter = new Counter({ observedPricePerHour: usd(99) });
    counter.clock.advance(1_000);
    await counter.booked();
    expect(counter.amounts()).toEqual([usd(0.06)]);
  });

  it('books what a commitment pays beside what is charged, and takes it from the commitment', async () => {
    const counter = new Counter({
      agreed: {
        coverage: {
          commitment: 'year',
          untilMs: BUILT_AT_MS + 2 * MINUTE_MS,
          leaseMs: null,
          listCost: null,
        },
        checkpointEveryMs: null,
      },
    });
    const { commitments } = counter.stores;
    await commitments.put(
      {
        name: 'year',
        providerId: offer.providerId,
        region: null,
        instanceType: null,
        gpuModel: null,
        quantity: { kind: 'capacity', machines: 1 },
        fromMs: 0,
        untilMs: BUILT_AT_MS + 2 * MINUTE_MS,
      },
      BUILT_AT_MS,
    );
    for (let minute = 0; minute < 3; minute += 1) {
      counter.clock.advance(MINUTE_MS);
      await counter.booked();
    }
    expect(counter.amounts()).toEqual([0, 0, usd(0.06)]);
    expect(counter.tables.costEntries.map(({ covered }) => covered?.amount)).toEqual([
      usd(0.06),
      usd(0.06),
      undefined,
    ]);
    expect(await commitments.list()).toMatchObject([
      { usedMs: 2 * MINUTE_MS, usedListCost: usd(0.12) },
    ]);
  });

  it('books the outputs once the attempt has succeeded, and the checkpoint that it brought along', async () => {
    const spec = aSpec({
      outputs: [{ path: 'o', sizeGb: 10, dataClass: 'public' }],
      checkpoint: { path: 'c', intervalMs: MINUTE_MS, sizeGb: 20 },
    });
    const counter = new Counter({}, aJob({ id: 'job-1', spec }));
    const away = anOffer({ providerId: 'zeta', egressPerGb: usd(0.05) });
    const report = { ...anAttempt({ id: 'a', jobId: 'b' }).report, startedAtMs: BUILT_AT_MS };
    counter.changed({ offer: away, report, round: 1, phase: 'released', outcome: 'interrupted' });
    await counter.booked();
    expect(counter.transfers()).toEqual([]);
    const last = {
      ...anAttempt({ id: 'att-2', jobId: 'job-1' }),
      offer: { ...offer, egressPerGb: usd(0.01) },
      round: 2,
      phase: 'released' as const,
      outcome: 'succeeded' as const,
      billedFromMs: BUILT_AT_MS,
      billedToMs: BUILT_AT_MS + MINUTE_MS,
      report,
    };
    counter.add(last);
    for (let time = 0; time < 2; time += 1) await counter.booked(last.id);
    expect(counter.transfers()).toEqual([
      ['att-2', 'outputs', usd(0.1)],
      ['att-1', 'checkpoint', usd(1)],
    ]);
    expect(
      counter.tables.costEntries.filter(({ attemptId }) => attemptId === last.id),
    ).toHaveLength(1);
  });

  it('has nothing to book for an attempt that nobody knows', async () => {
    const counter = new Counter();
    counter.tables.attempts.clear();
    await counter.booked();
    expect(counter.amounts()).toEqual([]);
    expect(counter.doorbell.rings).toEqual([]);
  });
});
