import { builtinPolicies, succeeded } from './builtin/builtin-policies';
import { SeedBuiltinPolicies } from './seed-builtin-policies';
import { Desk, noSpot } from './testing/desk';
import { PolicyDesk } from './testing/policy-desk';

const names = builtinPolicies.map(({ document }) => document.name).sort();
const [name = ''] = names;

const seeded = async <D extends Desk>(desk: D = new Desk() as D): Promise<D> => {
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

  it('are put there once, whole, when several processes start together', async () => {
    const desk = new Desk();
    await Promise.all([1, 2, 3].map(() => seeded(desk)));
    expect(await active(desk)).toEqual(names.map((each) => `${each}@1`));
    expect(desk.tables.policyVersions).toHaveLength(names.length);
    expect(desk.tables.policyEvents).toHaveLength(2 * names.length);
  });

  it('come with a new text that waits for a second person where one is asked for', async () => {
    const desk = new PolicyDesk();
    await desk.asksForApproval();
    await seeded(desk);
    expect(await active(desk)).toEqual(names.map((each) => `${each}@1`));
    const { policyVersions } = desk.tables;
    policyVersions.forEach((version, index) => {
      const document = { ...version.document, description: 'as an earlier release had it' };
      if (version.document.name === name) policyVersions[index] = { ...version, document };
    });
    await seeded(desk);
    expect(await desk.standing(name)).toEqual(['1 active', '2 awaiting-approval']);
    await desk.move({ do: 'approve', version: 2 }, 'ann', name);
    expect(await desk.standing(name)).toEqual(['1 retired', '2 active']);
  });

  it('end when they are no longer shipped, unless somebody has made them their own', async () => {
    const desk = await seeded();
    const [first] = desk.tables.policyVersions;
    if (first === undefined) throw new Error('nothing is shipped');
    for (const [own, createdBy] of [
      ['builtin-gone', 'fairlead'],
      ['builtin-mine', 'ann'],
    ] as const)
      desk.tables.policyVersions.push({ ...first, createdBy, document: noSpot(own) });
    await seeded(desk);
    expect(await active(desk)).not.toContain('builtin-gone@1');
    expect(await active(desk)).toContain('builtin-mine@1');
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

describe('a shipped policy that has been split', () => {
  const old = 'builtin-regulated-data';
  const successors = (succeeded[old] ?? []).map((each) => `${each}@1`);
  const shippedBefore = async (): Promise<Desk> => {
    const desk = new Desk();
    const nowMs = desk.clock.nowMs();
    const { version } = await desk.stores.policies.create(noSpot(old), 'fairlead', nowMs);
    await desk.stores.policies.activate(old, version, nowMs);
    return desk;
  };

  it('gives way to its parts where it was in force', async () => {
    const desk = await seeded(await shippedBefore());
    expect(await active(desk)).toEqual(expect.arrayContaining(successors));
    expect(await active(desk)).not.toContain(`${old}@1`);
    const before = await active(desk);
    expect(await active(await seeded(desk))).toEqual(before);
  });

  it('stays switched off in all of its parts', async () => {
    const desk = await shippedBefore();
    await desk.stores.policies.activate(old, null, desk.clock.nowMs());
    const inForce = await active(await seeded(desk));
    expect(inForce.filter((each) => [...successors, `${old}@1`].includes(each))).toEqual([]);
    expect(inForce.length).toBeGreaterThan(0);
  });

  it('stays replaced where somebody has put their own version in force', async () => {
    const desk = await shippedBefore();
    await desk.inForce(noSpot(old));
    const inForce = await active(await seeded(desk));
    expect(inForce).toContain(`${old}@2`);
    expect(inForce.filter((each) => successors.includes(each))).toEqual([]);
  });

  it('has parts that are shipped, each of one policy only', () => {
    const parts = Object.values(succeeded).flat();
    expect(parts.filter((part) => !names.includes(part))).toEqual([]);
    expect(new Set(parts).size).toBe(parts.length);
  });
});
