import {
  DEFAULT_HALF_LIFE_MS,
  asProviderId,
  residualLifeMs,
  constantTable,
  tableOf,
  totalsOf,
} from '#libs/domain';
import { anOffer, BUILT_AT_MS, ManualClock } from '#libs/testkit';
import { MemoryTables, memoryStores } from '../../test/simulation/memory-stores';
import { WatchSupply } from './watch-supply';

const HOUR_MS = 3_600_000;
const acme = asProviderId('acme');
const offer = anOffer({ market: 'spot' });
const KEY = 'acme/spot/north/cpu';

/** A book that changes by the hour; `1` is available, `0` sold out, `-` not in the book. */
async function watching(hours: string, lookEvery = 1) {
  const tables = new MemoryTables();
  const stores = memoryStores(tables);
  const clock = new ManualClock(BUILT_AT_MS);
  const watch = new WatchSupply(stores, clock);
  for (const [hour, state] of [...hours].entries()) {
    const sold = state === '-' ? [] : [{ ...offer, available: state === '1' }];
    await stores.offers.replace(acme, sold, clock.nowMs());
    if (hour % lookEvery === 0) await watch.run();
    clock.advance(HOUR_MS);
  }
  await watch.run();
  const { up, down } = (await stores.supply.times(clock.nowMs(), DEFAULT_HALF_LIFE_MS))[KEY] ?? {};
  return {
    up: up === undefined ? null : totalsOf(up),
    down: down === undefined ? null : totalsOf(down),
    all: { up, down },
  };
}

describe('offers that come and go', () => {
  it('are timed from the book, those that are still there as far as they have come', async () => {
    const { up, down } = await watching('1110011');
    expect(up?.events).toBeCloseTo(1, 1);
    expect((up?.exposureMs ?? 0) / HOUR_MS).toBeCloseTo(5, 1);
    expect(down?.events).toBeCloseTo(1, 1);
    expect((down?.exposureMs ?? 0) / HOUR_MS).toBeCloseTo(2, 1);
  });

  it('are away as well when they are gone from the book', async () => {
    const { up, down } = await watching('11--1');
    expect(up?.events).toBeCloseTo(1, 1);
    expect(down?.events).toBeCloseTo(1, 1);
  });

  it('are timed the same however seldom the book is looked at, since it keeps its history', async () => {
    const often = await watching('1100111010011');
    const seldom = await watching('1100111010011', 5);
    for (const side of ['up', 'down'] as const) {
      expect(seldom[side]?.events).toBeCloseTo(often[side]?.events ?? -1, 9);
      expect(seldom[side]?.exposureMs).toBeCloseTo(often[side]?.exposureMs ?? -1, 3);
    }
  });

  it('give tables of up-times and outages', async () => {
    const { all } = await watching('1111111100'.repeat(20));
    if (all.up === undefined || all.down === undefined) throw new Error('nothing was seen');
    const life = residualLifeMs(tableOf(all.up, constantTable(1), 1), 0) / HOUR_MS;
    const outage = residualLifeMs(tableOf(all.down, constantTable(1), 1), 0) / HOUR_MS;
    expect(life).toBeGreaterThan(2.5 * outage);
  });
});
