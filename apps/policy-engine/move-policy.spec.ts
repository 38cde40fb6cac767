import { noSpot } from './testing/desk';
import { PolicyDesk, worded } from './testing/policy-desk';

const broken = {
  ...noSpot('acme'),
  rules: [{ id: 'old', forbid: 'offer.colour == "red"', because: 'it was so once' }],
};

describe('the life of a policy', () => {
  it('goes from draft to force in one step, and says who did it and why', async () => {
    const desk = new PolicyDesk();
    await desk.save.run(noSpot('acme'), 'ann', 'ticket 4711');
    const moved = await desk.move({ do: 'activate', version: 1, atMs: null }, 'bob');
    expect(moved).toMatchObject({ kind: 'moved', changed: true, version: { state: 'active' } });
    expect(await desk.stores.policies.events('acme', 10)).toMatchObject([
      { type: 'activate', by: 'bob', comment: 'as bob wished', atMs: desk.clock.nowMs() },
      { type: 'create', by: 'ann', comment: 'ticket 4711' },
    ]);
    expect((await desk.stores.policies.active()).map(({ version }) => version)).toEqual([1]);
  });

  it('is told apart from a step that was taken before', async () => {
    const desk = new PolicyDesk();
    await desk.save.run(noSpot('acme'), 'ann');
    await desk.move({ do: 'activate', version: 1, atMs: null });
    const again = await desk.move({ do: 'activate', version: 1, atMs: null }, 'bob');
    expect(again).toMatchObject({ kind: 'moved', changed: false, version: { version: 1 } });
    expect(await desk.stores.policies.events('acme', 10)).toHaveLength(2);
  });

  it('needs a second person where the installation or a project that it speaks of asks for one', async () => {
    const desk = new PolicyDesk();
    await desk.asksForApproval('clinic');
    await desk.save.run({ ...noSpot('acme'), scope: { projects: ['lab'] } }, 'ann');
    const activate = { do: 'activate', version: 1, atMs: null } as const;
    expect(await desk.move(activate)).toMatchObject({ kind: 'moved' });
    // The version in force speaks of the lab alone, the next one of the clinic as well.
    await desk.save.run({ ...noSpot('acme'), scope: { projects: ['lab', 'clinic'] } }, 'ann');
    expect(await desk.move({ ...activate, version: 2 })).toEqual({
      kind: 'refused',
      refusal: 'approval-required',
      state: 'draft',
    });
    await desk.move({ do: 'submit', version: 2, atMs: desk.clock.nowMs() });
    expect(await desk.move({ do: 'approve', version: 2 })).toMatchObject({
      refusal: 'second-person-required',
    });
    await desk.move({ do: 'approve', version: 2 }, 'bob');
    expect(await desk.standing()).toEqual(['1 retired', '2 active']);
    // Nor may the clinic be left out again by one person alone.
    await desk.save.run({ ...noSpot('acme'), scope: { projects: ['lab'] } }, 'ann');
    expect(await desk.move({ ...activate, version: 3 })).toMatchObject({ kind: 'refused' });
    expect(await desk.move({ do: 'retire' })).toMatchObject({
      version: { version: 2, state: 'awaiting-retirement', active: true },
    });
  });

  it('is undone in one call', async () => {
    const desk = new PolicyDesk();
    for (const text of ['one', 'two']) await desk.inForce(worded(text));
    expect(await desk.move({ do: 'roll-back', to: null })).toMatchObject({
      version: { version: 1, document: { description: 'one' } },
    });
    expect(await desk.move({ do: 'roll-back', to: 2 })).toMatchObject({ version: { version: 2 } });
    expect(await desk.standing()).toEqual(['1 retired', '2 active']);
  });

  it('stops before what would stop all decisions: policies that do not compile together', async () => {
    const desk = new PolicyDesk();
    await desk.inForce(worded('good'));
    // Stored by an earlier release that knew the field.
    await desk.stores.policies.create(broken, 'ann', desk.clock.nowMs());
    const moved = await desk.move({ do: 'activate', version: 2, atMs: null });
    expect(moved).toMatchObject({ kind: 'invalid', problems: [{ policy: 'acme', ruleId: 'old' }] });
    expect(await desk.standing()).toEqual(['1 active', '2 draft']);
  });

  it('refuses what is not known', async () => {
    const desk = new PolicyDesk();
    for (const wish of [
      { do: 'activate', version: 1, atMs: null },
      { do: 'retire' },
      { do: 'roll-back', to: 3 },
    ] as const)
      expect(await desk.move(wish)).toMatchObject({ refusal: 'no-such-version' });
  });
});

describe('a change of what is in force', () => {
  it('has waiting jobs decided anew, and only that', async () => {
    const desk = new PolicyDesk();
    await desk.sells();
    const { id } = await desk.submitted();
    await desk.decide.run(id);
    const waiting = { ...desk.job(), dueAtMs: desk.clock.nowMs() + 300_000 };
    await desk.stores.jobs.update(waiting, { events: [] });
    await desk.save.run(noSpot('acme'), 'ann');
    await desk.move({ do: 'submit', version: 1, atMs: null });
    expect(desk.doorbell.rung('decide')).toEqual([]);
    await desk.move({ do: 'withdraw', version: 1 });
    await desk.move({ do: 'activate', version: 1, atMs: null });
    expect(desk.doorbell.rung('decide')).toMatchObject([{ id, atMs: desk.clock.nowMs() }]);
  });
});

describe('a policy with a time', () => {
  const LATER_MS = 3_600_000;
  const scheduled = async (desk = new PolicyDesk()) => {
    await desk.inForce(worded('one'));
    await desk.save.run(worded('two'), 'ann');
    const atMs = desk.clock.nowMs() + LATER_MS;
    await desk.move({ do: 'activate', version: 2, atMs });
    return { desk, atMs };
  };

  it('takes effect at that time, once, whoever looks', async () => {
    const { desk, atMs } = await scheduled();
    expect(desk.doorbell.rung('activate-policies')).toMatchObject([{ atMs }]);
    await desk.due.run();
    expect(await desk.standing()).toEqual(['1 active', '2 scheduled']);
    desk.clock.advance(LATER_MS);
    await Promise.all([desk.due.run(), desk.due.run()]);
    expect(await desk.standing()).toEqual(['1 retired', '2 active']);
    const events = await desk.stores.policies.events('acme', 10);
    expect(events.filter(({ to, version }) => to === 'active' && version === 2)).toMatchObject([
      { by: 'fairlead', type: 'activate' },
    ]);
  });

  it('that cannot take effect goes back to being a draft, which says why', async () => {
    const { desk } = await scheduled();
    await desk.asksForApproval();
    desk.clock.advance(LATER_MS);
    await desk.due.run();
    expect(await desk.standing()).toEqual(['1 active', '2 draft']);
    const [last] = await desk.stores.policies.events('acme', 1);
    expect(last).toMatchObject({
      type: 'withdraw',
      by: 'fairlead',
      comment: expect.stringContaining('approval-required'),
    });
    await desk.due.run();
    expect(await desk.stores.policies.events('acme', 1)).toEqual([last]);
  });

  it('is put in force by whoever finds it, also when nobody rang', async () => {
    const { desk } = await scheduled();
    desk.doorbell.rings.length = 0;
    desk.clock.advance(7 * 24 * LATER_MS);
    await desk.due.run();
    expect(await desk.standing()).toEqual(['1 retired', '2 active']);
  });
});
