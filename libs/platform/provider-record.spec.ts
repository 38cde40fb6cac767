import { asProviderId } from '#libs/domain';
import { ProviderError, guard, guardedCall } from '#libs/provider-kit';
import { FakeCloud, ManualClock, fakeDescriptor } from '#libs/testkit';
import { MemoryTables, memoryStores } from '../../test/simulation/memory-stores';
import { ProviderRecord } from './provider-record';

const memory = fakeDescriptor.id;
const circuit = { failuresToOpen: 2, openForMs: 1_000 };

/** A process that calls a provider which answers, or does not, on the stores of everybody. */
async function processOn(tables: MemoryTables, clock: ManualClock) {
  const warnings: unknown[] = [];
  const record = new ProviderRecord({
    stores: memoryStores(tables),
    metrics: { observeCall: () => undefined },
    clock,
    log: { warn: (fields: unknown) => void warnings.push(fields) },
  });
  await record.begin();
  const cloud = new FakeCloud(clock);
  let answers = true;
  const adapter = guard(
    {
      descriptor: cloud.descriptor,
      listOffers: async (ctx) => {
        if (!answers) throw new ProviderError('unavailable', 'no answer');
        return cloud.listOffers(ctx);
      },
      acquire: (request, ctx) => cloud.acquire(request, ctx),
      observe: (ref, ctx) => cloud.observe(ref, ctx),
      release: (ref, ctx) => cloud.release(ref, ctx),
      listLeases: (ctx) => cloud.listLeases(ctx),
    },
    {
      timers: { nowMs: () => clock.nowMs(), setTimer: () => () => undefined },
      metrics: record,
      circuit,
      circuitRecord: record.circuitOf(memory),
    },
  );
  return {
    warnings,
    end: () => record.end(),
    call: async (does: 'answer' | 'not answer') => {
      answers = does === 'answer';
      return adapter.listOffers(guardedCall(clock.nowMs())).then(
        () => 'answered',
        ({ message }: Error) => message,
      );
    },
  };
}

const inForce = async (tables: MemoryTables, clock: ManualClock) =>
  (await memoryStores(tables).suspensions.inForce(clock.nowMs())).map(
    ({ scope, key, reason, untilMs }) => `${scope} ${key} ${reason} ${untilMs}`,
  );

describe('a circuit on record', () => {
  it('is a suspension of the provider until it ends, and is lifted when the provider answers', async () => {
    const tables = new MemoryTables();
    const clock = new ManualClock(10_000);
    const running = await processOn(tables, clock);
    await running.call('not answer');
    await running.call('not answer');
    await running.end();
    expect(await inForce(tables, clock)).toEqual([`provider ${memory} circuit-open 11000`]);
    clock.advance(500);
    expect(await running.call('answer')).toContain('left alone');
    clock.advance(499);
    const again = await processOn(tables, clock);
    expect(await again.call('answer')).toContain('left alone');
    clock.advance(1);
    expect(await again.call('not answer')).toBe('no answer');
    await again.end();
    expect(await inForce(tables, clock)).toEqual([`provider ${memory} circuit-open 12000`]);
    clock.advance(1_000);
    expect(await again.call('answer')).toBe('answered');
    await again.end();
    expect(await inForce(tables, clock)).toEqual([]);
  });
});

describe('calls on record', () => {
  it('are handed in added up', async () => {
    const tables = new MemoryTables();
    const clock = new ManualClock(10_000);
    const running = await processOn(tables, clock);
    for (const does of ['answer', 'not answer', 'answer'] as const) await running.call(does);
    await running.end();
    expect(tables.healthTables.tallies).toEqual([
      { providerId: memory, calls: 3, unanswered: 1, atMs: 10_000 },
    ]);
    expect(running.warnings).toEqual([]);
  });

  it('do not wait for a database that is down', async () => {
    const tables = new MemoryTables();
    const clock = new ManualClock(10_000);
    const warnings: unknown[] = [];
    const stores = memoryStores(tables);
    const record = new ProviderRecord({
      stores: {
        suspensions: stores.suspensions,
        health: { tally: () => Promise.reject(new Error('down')) },
      },
      metrics: { observeCall: () => undefined },
      clock,
      log: { warn: (fields: unknown) => void warnings.push(fields) },
    });
    await record.begin();
    record.observeCall({
      providerId: asProviderId('acme'),
      verb: 'observe',
      errorKind: null,
      durationMs: 1,
    });
    await record.end();
    expect(warnings).toHaveLength(1);
  });
});
