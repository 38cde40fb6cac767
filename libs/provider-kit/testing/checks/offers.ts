import assert from 'node:assert/strict';
import { markets } from '#libs/domain';
import type { Offer } from '#libs/domain';
import type { Check } from '../check';
import type { ConformanceHarness } from '../harness';
import { emulatorOf } from '../steps';

const group = 'offers';

/** A statement that must hold for each offer by itself. */
function everyOffer(
  name: string,
  inspect: (offer: Offer, harness: ConformanceHarness) => void,
): Check {
  return {
    group,
    name,
    needs: 'any',
    run: async (harness) => {
      const offers = await list(harness);
      assert.ok(offers.length > 0, 'the provider offers nothing at all');
      for (const offer of offers) inspect(offer, harness);
    },
  };
}

export const offerChecks: readonly Check[] = [
  everyOffer('have ids of the form provider/region/instance-type/market', (offer) => {
    const { id, providerId, region, instanceType, market } = offer;
    assert.equal(id, `${providerId}/${region}/${instanceType}/${market}`);
    assert.equal(id.split('/').length, 4, `${id} has a slash too many`);
    assert.ok(region !== '' && instanceType !== '', `${id} lacks a part`);
  }),
  {
    group,
    name: 'have an id each',
    needs: 'any',
    run: async (harness) => {
      const ids = idsOf(await list(harness));
      assert.equal(new Set(ids).size, ids.length, `an id appears twice in ${ids.join(', ')}`);
    },
  },
  everyOffer('say who sells them, as the descriptor does', (offer, { adapter }) => {
    assert.equal(offer.providerId, adapter.descriptor.id);
    assert.equal(offer.providerKind, adapter.descriptor.kind);
    assert.ok(markets.includes(offer.market), `${offer.id}: unknown market`);
  }),
  everyOffer('have positive whole prices and billing steps', (offer) => {
    assertWhole(offer.pricePerHour, 1, `${offer.id}: pricePerHour`);
    assertWhole(offer.egressPerGb, 0, `${offer.id}: egressPerGb`);
    assertWhole(offer.billing.incrementMs, 1, `${offer.id}: billing.incrementMs`);
    assertWhole(offer.billing.minimumMs, 0, `${offer.id}: billing.minimumMs`);
  }),
  everyOffer('name an ISO country or none', ({ id, country }) => {
    assert.ok(country === null || /^[A-Z]{2}$/.test(country), `${id}: country ${country}`);
  }),
  everyOffer('have a sane shape', assertShape),
  {
    group,
    name: 'keep their ids from one call to the next',
    needs: 'any',
    run: async (harness) => {
      const first = idsOf(await list(harness));
      assert.deepEqual(idsOf(await list(harness)), first);
    },
  },
  {
    group,
    name: 'stay listed when sold out, marked as unavailable',
    needs: 'emulator',
    run: async (harness) => {
      const before = await list(harness);
      emulatorOf(harness).setSoldOut(true);
      const soldOut = await list(harness);
      assert.deepEqual(idsOf(soldOut), idsOf(before), 'offers vanished when sold out');
      assert.deepEqual(
        soldOut.filter(({ available }) => available).map(({ id }) => id),
        [],
      );
      emulatorOf(harness).setSoldOut(false);
      assert.ok(
        (await list(harness)).some(({ available }) => available),
        'nothing came back',
      );
    },
  },
];

function assertShape(offer: Offer): void {
  const { id, gpu } = offer;
  assert.ok(offer.cpus > 0, `${id}: cpus`);
  assert.ok(offer.memoryGib > 0, `${id}: memoryGib`);
  assert.ok(offer.diskGb >= 0, `${id}: diskGb`);
  assert.ok(offer.startupMs >= 0, `${id}: startupMs`);
  assert.ok(offer.market !== 'spot' || offer.interruptible, `${id}: spot is interruptible`);
  const { slaBps } = offer;
  assert.ok(slaBps === null || (slaBps > 0 && slaBps <= 10_000), `${id}: slaBps`);
  if (gpu === null) return;
  assert.ok(gpu.model !== '', `${id}: gpu.model`);
  assertWhole(gpu.count, 1, `${id}: gpu.count`);
  assert.ok(gpu.memoryGib > 0, `${id}: gpu.memoryGib`);
}

function assertWhole(value: number, least: number, name: string): void {
  assert.ok(Number.isSafeInteger(value) && value >= least, `${name} is ${value}`);
}

function list(harness: ConformanceHarness): Promise<readonly Offer[]> {
  return harness.adapter.listOffers(harness.context());
}

function idsOf(offers: readonly Offer[]): readonly string[] {
  return offers.map(({ id }) => id).sort();
}
