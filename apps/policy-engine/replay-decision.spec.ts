import { asDecisionId, usd } from '#libs/domain';
import { aSpec, fakeOffers } from '#libs/testkit';
import { noSpot, Desk } from './testing/desk';

/** A desk with a decision made under two policies whose names begin alike. */
async function decided(): Promise<Desk> {
  const desk = new Desk();
  await desk.sells();
  await desk.inForce(noSpot('acme'));
  await desk.inForce({ ...noSpot('acme-eu'), rules: [] });
  await desk.submitted();
  await desk.decide.run(desk.job().id);
  return desk;
}

describe('replaying a decision', () => {
  it('gives the same bytes, whatever has changed in the world since', async () => {
    const desk = await decided();
    const { id } = desk.decision();
    const same = { kind: 'replayed', differs: [] };
    expect(await desk.replay.run(id)).toEqual(same);
    desk.clock.advance(3_600_000);
    await desk.sells(fakeOffers.map((offer) => ({ ...offer, pricePerHour: usd(7) })));
    await desk.inForce({ ...noSpot('acme'), rules: [] });
    await desk.stores.policies.activate('acme-eu', null, desk.clock.nowMs());
    await desk.stores.suspensions.add([
      {
        scope: 'provider',
        key: 'memory',
        jobId: null,
        fromMs: desk.clock.nowMs(),
        untilMs: desk.clock.nowMs() + 1,
        reason: 'credentials-rejected',
      },
    ]);
    await desk.decide.run(desk.job().id);
    expect(desk.decision().id).not.toBe(id);
    expect(await desk.replay.run(id)).toEqual(same);
    expect(await desk.replay.run(desk.decision().id)).toEqual(same);
  });

  it('names the policy when the text of its version is another', async () => {
    const desk = await decided();
    const { policyVersions } = desk.tables;
    policyVersions.forEach((version, index) => {
      if (version.document.name === 'acme')
        policyVersions[index] = { ...version, document: { ...version.document, rules: [] } };
    });
    expect(await desk.replay.run(desk.decision().id)).toEqual({
      kind: 'replayed',
      differs: ['policy', 'decision'],
    });
  });

  it('names the book when its version holds other offers', async () => {
    const desk = await decided();
    const { books } = desk.tables;
    books.forEach(({ version, offers }, index) => {
      books[index] = { version, offers: offers.slice(1) };
    });
    expect(await desk.replay.run(desk.decision().id)).toEqual({
      kind: 'replayed',
      differs: ['offers', 'decision'],
    });
  });

  it('names the engine when another one made it', async () => {
    const desk = await decided();
    const record = desk.decision();
    desk.tables.decisions.set(record.id, { ...record, engine: 'decide/0' });
    expect(await desk.replay.run(record.id)).toEqual({ kind: 'replayed', differs: ['engine'] });
  });

  it('names the job when its spec is another', async () => {
    const desk = await decided();
    const job = desk.job();
    desk.tables.jobs.set(job.id, { ...job, spec: aSpec({ name: 'renamed' }) });
    expect(await desk.replay.run(desk.decision().id)).toEqual({
      kind: 'replayed',
      differs: ['job'],
    });
  });

  it('says what is gone', async () => {
    const desk = await decided();
    const { id } = desk.decision();
    expect(await desk.replay.run(asDecisionId('dec-unknown'))).toEqual({ kind: 'not-found' });
    desk.tables.policyVersions.pop();
    expect(await desk.replay.run(id)).toEqual({
      kind: 'inputs-gone',
      what: 'policies acme-eu@1,acme@1',
    });
    desk.tables.jobs.clear();
    expect(await desk.replay.run(id)).toEqual({ kind: 'inputs-gone', what: 'job job-1' });
  });

  it('works without any policy in force', async () => {
    const desk = new Desk();
    await desk.sells();
    await desk.submitted();
    await desk.decide.run(desk.job().id);
    expect(await desk.replay.run(desk.decision().id)).toEqual({ kind: 'replayed', differs: [] });
  });
});
