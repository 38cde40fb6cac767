import { usd } from '#libs/domain';
import { aSpec, fakeOffer } from '#libs/testkit';
import { PlanJob } from './plan-job';
import { Desk, noSpot } from './testing/desk';

const offers = [
  fakeOffer({ instanceType: 'firm', pricePerHour: usd(4) }),
  fakeOffer({ instanceType: 'spot', market: 'spot', interruptible: true }),
  fakeOffer({ instanceType: 'tiny-spot', market: 'spot', interruptible: true, memoryGib: 1 }),
];
const spec = aSpec({
  resources: { ...aSpec().resources, memoryGib: { min: 8, max: null } },
});

describe('planning a job', () => {
  it('says what a job submitted now would get, and stores nothing', async () => {
    const desk = new Desk();
    await desk.sells(offers);
    await desk.inForce(noSpot('acme'));
    const plan = await new PlanJob(desk.snapshots, desk.stores.attempts).run(
      spec,
      desk.clock.nowMs(),
      10,
    );
    expect(plan).toMatchObject({ policyVersion: 'acme@1', bookVersion: 1 });
    expect(desk.tables.jobs.size + desk.tables.decisions.size + desk.tables.events.length).toBe(0);
    expect(desk.doorbell.rings).toEqual([]);
    await desk.submitted({ spec });
    await desk.decide.run(desk.job().id);
    expect(desk.decision().summary).toEqual(plan.summary);
  });

  it('lists refused offers with the nearest misses first, as many as were asked for', async () => {
    const desk = new Desk();
    await desk.sells(offers);
    await desk.inForce(noSpot('acme'));
    const planned = new PlanJob(desk.snapshots, desk.stores.attempts);
    const { rejected } = await planned.run(spec, desk.clock.nowMs(), 10);
    expect(rejected.map(({ offerId, reasons }) => [offerId, reasons.length])).toEqual([
      ['memory/north/spot/spot', 1],
      ['memory/north/tiny-spot/spot', 2],
    ]);
    expect((await planned.run(spec, desk.clock.nowMs(), 1)).rejected).toHaveLength(1);
  });
});
