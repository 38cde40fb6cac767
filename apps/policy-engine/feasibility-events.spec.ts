import { usd } from '#libs/domain';
import { fakeOffer } from '#libs/testkit';
import { noSpot } from './testing/desk';
import { PolicyDesk } from './testing/policy-desk';

const spot = fakeOffer({ instanceType: 'spot', market: 'spot', interruptible: true });
const firm = fakeOffer({ instanceType: 'firm', pricePerHour: usd(4) });

const flips = ({ tables }: PolicyDesk) =>
  tables.events
    .filter(({ type }) => type === 'job.feasibility-changed')
    .map(({ data }) => [data['from'], data['to']]);

/** Decides again what waits, as a change of the book or of the policies makes it be. */
async function decides(desk: PolicyDesk): Promise<void> {
  desk.clock.advance(60_000);
  await desk.decide.run(desk.job().id);
}

describe('whether a job can ever run', () => {
  it('is told a waiting job when policies or what is on sale change it, and not otherwise', async () => {
    const desk = new PolicyDesk();
    await desk.inForce(noSpot('acme'));
    await desk.sells([spot]);
    await desk.submitted();
    await decides(desk);
    expect(flips(desk)).toEqual([]);
    await desk.sells([{ ...spot, pricePerHour: usd(2) }]);
    await decides(desk);
    expect(flips(desk)).toEqual([]);
    await desk.sells([spot, { ...firm, available: false }]);
    await decides(desk);
    await decides(desk);
    expect(flips(desk)).toEqual([['never', 'not-now']]);
    await desk.sells([spot]);
    await decides(desk);
    await desk.move({ do: 'retire' });
    await decides(desk);
    expect(flips(desk).slice(1)).toEqual([
      ['not-now', 'never'],
      ['never', 'now'],
    ]);
  });

  it('comes with the reason in words', async () => {
    const desk = new PolicyDesk();
    await desk.sells([spot]);
    await desk.submitted();
    await decides(desk);
    await desk.inForce(noSpot('acme'));
    await decides(desk);
    expect(desk.tables.events.at(-1)).toMatchObject({
      type: 'job.feasibility-changed',
      data: {
        from: 'now',
        to: 'never',
        because:
          'No offer can ever run this as things are, of 1 offer: rule acme/no-spot removes 1.',
      },
    });
  });
});
