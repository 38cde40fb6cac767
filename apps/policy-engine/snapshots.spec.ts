import { asProviderId, usd } from '#libs/domain';
import { AdapterRegistry } from '#libs/provider-kit';
import { FakeCloud, fakeOffer, fakeOffers } from '#libs/testkit';
import { RefreshOffers } from '../cost-oracle/refresh-offers';
import { Snapshots } from './snapshots';
import { Desk, noSpot } from './testing/desk';

describe('snapshots', () => {
  it('keep book and policies until their versions move', async () => {
    const desk = new Desk();
    await desk.sells();
    await desk.inForce(noSpot('acme'));
    const first = await desk.snapshots.current(desk.clock.nowMs());
    await desk.sells();
    const same = await desk.snapshots.current(desk.clock.nowMs());
    expect(same.book).toBe(first.book);
    expect(same.policy).toBe(first.policy);
    await desk.sells(fakeOffers.slice(1));
    const newBook = await desk.snapshots.current(desk.clock.nowMs());
    expect(newBook.book).toMatchObject({ version: 2, offers: { length: fakeOffers.length - 1 } });
    expect(newBook.bookDigest).not.toBe(first.bookDigest);
    expect(newBook.policy).toBe(first.policy);
    await desk.inForce({ ...noSpot('acme'), rules: [] });
    const newPolicy = await desk.snapshots.current(desk.clock.nowMs());
    expect(newPolicy.policy).toMatchObject({ version: 'acme@2', rules: [] });
    expect(newPolicy.policyDigest).not.toBe(first.policyDigest);
    expect(newPolicy.book).toBe(newBook.book);
  });

  it('show health and suspensions as they are at the moment of asking', async () => {
    const desk = new Desk();
    const fromMs = desk.clock.nowMs();
    const suspension = { scope: 'provider', key: 'memory', jobId: null, reason: 'x' } as const;
    await desk.stores.suspensions.add([{ ...suspension, fromMs, untilMs: fromMs + 10 }]);
    expect((await desk.snapshots.current(fromMs)).suspensions).toHaveLength(1);
    expect((await desk.snapshots.current(fromMs + 10)).suspensions).toEqual([]);
  });

  it('go on with the last good offers of a provider whose feed is down', async () => {
    const desk = new Desk();
    const cloud = new FakeCloud(desk.clock);
    const other = fakeOffer({ providerId: asProviderId('other'), instanceType: 'o' });
    const refresh = new RefreshOffers(
      desk.stores,
      new AdapterRegistry([cloud]),
      desk.doorbell,
      desk.clock,
    );
    await refresh.run(cloud.descriptor.id);
    cloud.core.setDown(true);
    await expect(refresh.run(cloud.descriptor.id)).rejects.toMatchObject({ kind: 'unavailable' });
    await desk.stores.offers.replace(other.providerId, [other], desk.clock.nowMs());
    await desk.submitted();
    await desk.decide.run(desk.job().id);
    expect([...desk.rankedIds()].sort()).toEqual([...fakeOffers, other].map(({ id }) => id).sort());
  });

  it('leave nothing out: a policy that no longer compiles stops decisions instead', async () => {
    const desk = new Desk();
    await desk.sells([fakeOffer({ instanceType: 'a', pricePerHour: usd(1) })]);
    const rules = [{ id: 'old', forbid: 'offer.colour == "red"', because: 'it was so once' }];
    await desk.inForce({ ...noSpot('acme'), rules });
    await expect(new Snapshots(desk.stores).current(desk.clock.nowMs())).rejects.toThrow(
      'do not compile',
    );
  });
});
