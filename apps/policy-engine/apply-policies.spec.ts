import { noSpot } from './testing/desk';
import { PolicyDesk, worded } from './testing/policy-desk';

const bad = {
  ...noSpot('bad'),
  rules: [{ id: 'r', forbid: 'offer.regoin == "eu"', because: 'x' }],
};
const told = (applied: Awaited<ReturnType<PolicyDesk['apply']>>) =>
  applied.kind === 'applied'
    ? applied.policies.map(({ name, change, version, state }) => [name, change, version, state])
    : applied;

describe('applying policies', () => {
  it('puts all of them in force together, and doing it again changes nothing', async () => {
    const desk = new PolicyDesk();
    const documents = [noSpot('beta'), noSpot('acme')];
    expect(told(await desk.apply(documents, { comment: 'from git' }))).toEqual([
      ['acme', 'new', 1, 'active'],
      ['beta', 'new', 1, 'active'],
    ]);
    expect(await desk.stores.policies.events('acme', 10)).toMatchObject([
      { type: 'activate', comment: 'from git' },
      { type: 'create', comment: 'from git' },
    ]);
    expect(told(await desk.apply(documents))).toEqual([
      ['acme', 'none', 1, 'active'],
      ['beta', 'none', 1, 'active'],
    ]);
    expect(desk.tables.policyVersions).toHaveLength(2);
  });

  it('does all of it or nothing', async () => {
    const desk = new PolicyDesk();
    await desk.inForce(noSpot('acme'));
    const applied = await desk.apply([worded('other'), bad]);
    expect(applied).toMatchObject({ kind: 'invalid', problems: [{ policy: 'bad', ruleId: 'r' }] });
    expect(await desk.standing()).toEqual(['1 active']);
    const twice = await desk.apply([noSpot('gamma'), noSpot('gamma')]);
    expect(twice).toMatchObject({ kind: 'invalid', problems: [{ policy: 'gamma' }] });
    expect(await desk.standing('gamma')).toEqual([]);
  });

  it('shows before and after without doing anything when only asked what it would do', async () => {
    const desk = new PolicyDesk();
    await desk.inForce(worded('one'));
    await desk.inForce(noSpot('old'));
    const applied = await desk.apply([worded('two')], { dryRun: true, prune: true });
    expect(applied).toMatchObject({
      kind: 'applied',
      policies: [
        {
          name: 'acme',
          change: 'changed',
          version: 2,
          state: 'active',
          before: { description: 'one' },
          after: { description: 'two' },
        },
        { name: 'old', change: 'end', state: 'retired', after: null },
      ],
    });
    expect(await desk.standing()).toEqual(['1 active']);
    expect(await desk.standing('old')).toEqual(['1 active']);
    expect(desk.doorbell.rings).toEqual([]);
  });

  it('ends what is not there only when told to, and never what ships with the product', async () => {
    const desk = new PolicyDesk();
    for (const name of ['acme', 'old', 'builtin-x']) await desk.inForce(noSpot(name));
    await desk.save.run(noSpot('later'), 'ann');
    await desk.move({ do: 'activate', version: 1, atMs: desk.clock.nowMs() + 9 }, 'ann', 'later');
    await desk.apply([noSpot('acme')]);
    expect(await desk.standing('old')).toEqual(['1 active']);
    expect(told(await desk.apply([noSpot('acme')], { prune: true }))).toEqual([
      ['acme', 'none', 1, 'active'],
      ['later', 'end', 1, 'draft'],
      ['old', 'end', 1, 'retired'],
    ]);
    expect(await desk.standing('builtin-x')).toEqual(['1 active']);
  });

  it('waits for a second person where one is asked for, once however often it is repeated', async () => {
    const desk = new PolicyDesk();
    await desk.inForce(worded('one'));
    await desk.inForce(noSpot('old'));
    await desk.asksForApproval();
    const once = await desk.apply([worded('two')], { prune: true });
    expect(told(once)).toEqual([
      ['acme', 'changed', 2, 'awaiting-approval'],
      ['old', 'end', 1, 'awaiting-retirement'],
    ]);
    desk.clock.advance(60_000);
    expect(told(await desk.apply([worded('two')], { prune: true }))).toEqual(told(once));
    expect(await desk.standing()).toEqual(['1 active', '2 awaiting-approval']);
    await desk.move({ do: 'approve', version: 2 }, 'bob');
    await desk.move({ do: 'approve', version: 1 }, 'bob', 'old');
    expect(await desk.standing()).toEqual(['1 retired', '2 active']);
    expect(await desk.standing('old')).toEqual(['1 retired']);
  });

  it('does not ask again for what was rejected', async () => {
    const desk = new PolicyDesk();
    await desk.asksForApproval();
    await desk.apply([noSpot('acme')]);
    await desk.move({ do: 'reject', version: 1 }, 'bob');
    const again = await desk.apply([noSpot('acme'), noSpot('beta')]);
    expect(again).toMatchObject({ kind: 'refused', name: 'acme', state: 'rejected' });
    expect(await desk.standing('beta')).toEqual([]);
    await desk.apply([worded('better')]);
    expect(await desk.standing()).toEqual(['1 rejected', '2 awaiting-approval']);
  });

  it('takes effect at a time', async () => {
    const desk = new PolicyDesk();
    const atMs = desk.clock.nowMs() + 60_000;
    for (let times = 0; times < 2; times += 1)
      expect(told(await desk.apply([noSpot('acme')], { atMs }))).toEqual([
        ['acme', 'new', 1, 'scheduled'],
      ]);
    desk.clock.advance(60_000);
    await desk.due.run();
    expect(await desk.standing()).toEqual(['1 active']);
  });

  it('takes up a draft that says the same instead of making another', async () => {
    const desk = new PolicyDesk();
    await desk.save.run(noSpot('acme'), 'ann');
    expect(told(await desk.apply([noSpot('acme')]))).toEqual([['acme', 'new', 1, 'active']]);
  });
});
