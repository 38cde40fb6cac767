import { SavePolicy } from './save-policy';
import { Desk, noSpot } from './testing/desk';
import { PolicyDesk, worded } from './testing/policy-desk';

describe('saving a policy', () => {
  it('stores the next version of its name, which is not in force yet', async () => {
    const { stores, clock } = new Desk();
    const save = new SavePolicy(stores.policies, clock);
    for (const version of [1, 2])
      expect(await save.run(worded(`text ${version}`), 'key-1')).toMatchObject({
        kind: 'created',
        version: { version, active: false, createdBy: 'key-1', createdAtMs: clock.nowMs() },
      });
    expect(await stores.policies.active()).toEqual([]);
  });

  it('again makes no other version of what the newest one says, unless that has ended', async () => {
    const desk = new PolicyDesk();
    await desk.save.run(noSpot('acme'), 'key-1');
    const again = await desk.save.run({ ...noSpot('acme') }, 'key-2');
    expect(again).toMatchObject({ kind: 'known', version: { version: 1, createdBy: 'key-1' } });
    await desk.move({ do: 'activate', version: 1, atMs: null });
    await desk.move({ do: 'retire' });
    expect(await desk.save.run(noSpot('acme'), 'key-1')).toMatchObject({ version: { version: 2 } });
  });

  it('refuses with every mistake, and stores nothing', async () => {
    const { stores, clock } = new Desk();
    const save = new SavePolicy(stores.policies, clock);
    const rule = { because: 'of a mistake' };
    const rules = [
      { ...rule, id: 'unknown-field', forbid: 'offer.colour == "red"' },
      { ...rule, id: 'no-truth', require: 'offer.pricePerHour' },
    ];
    const document = { ...noSpot('acme'), rules };
    const saved = await save.run(document, 'key-1');
    const problems = saved.kind === 'refused' ? saved.problems : [];
    expect(problems.map(({ ruleId, field }) => [ruleId, field])).toEqual([
      ['unknown-field', 'forbid'],
      ['no-truth', 'require'],
    ]);
    expect(save.check(document)).toEqual(problems);
    expect(await stores.policies.list()).toEqual([]);
  });
});
