import { builtinPolicies } from './builtin/builtin-policies';
import { SeedBuiltinPolicies } from './seed-builtin-policies';
import { Desk, noSpot } from './testing/desk';

const names = builtinPolicies.map(({ document }) => document.name).sort();
const [name = ''] = names;

const seeded = async (desk = new Desk()): Promise<Desk> => {
  await new SeedBuiltinPolicies(desk.stores.policies, desk.clock).run();
  return desk;
};
const active = async ({ stores }: Desk) =>
  (await stores.policies.active()).map(({ document, version }) => `${document.name}@${version}`);

describe('the policies that are shipped', () => {
  it('are in force from the first start on, once each', async () => {
    const desk = await seeded();
    expect(await active(desk)).toEqual(names.map((each) => `${each}@1`));
    await seeded(desk);
    expect(desk.tables.policyVersions).toHaveLength(names.length);
  });

  it('stay switched off where somebody has switched them off', async () => {
    const desk = await seeded();
    await desk.stores.policies.activate(name, null, desk.clock.nowMs());
    await seeded(desk);
    expect(await active(desk)).toEqual(names.slice(1).map((each) => `${each}@1`));
  });

  it('stay replaced where somebody has put their own version in force', async () => {
    const desk = await seeded();
    await desk.inForce(noSpot(name));
    await seeded(desk);
    expect(await active(desk)).toContain(`${name}@2`);
    expect(desk.tables.policyVersions).toHaveLength(names.length + 1);
  });

  it.each<{ reason: string; prepare: (desk: Desk) => Promise<unknown>; inForce: string | null }>([
    { reason: 'the old one was in force', prepare: async () => undefined, inForce: `${name}@2` },
    {
      reason: 'the old one was switched off',
      prepare: ({ stores, clock }) => stores.policies.activate(name, null, clock.nowMs()),
      inForce: null,
    },
    {
      reason: 'the old one was replaced',
      prepare: (desk) => desk.inForce(noSpot(name)),
      inForce: `${name}@2`,
    },
  ])('come with a new text that is in force as $inForce when $reason', async (row) => {
    const desk = await seeded();
    const { policyVersions } = desk.tables;
    policyVersions.forEach((version, index) => {
      const document = { ...version.document, description: 'as an earlier release had it' };
      if (version.document.name === name) policyVersions[index] = { ...version, document };
    });
    await row.prepare(desk);
    await seeded(desk);
    const ours = (await active(desk)).filter((each) => each.startsWith(`${name}@`));
    expect(ours).toEqual(row.inForce === null ? [] : [row.inForce]);
    const before = policyVersions.length;
    await seeded(desk);
    expect(policyVersions).toHaveLength(before);
  });
});
