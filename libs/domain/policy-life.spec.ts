import fc from 'fast-check';
import { approvalNeeded } from './policy-approval';
import {
  drafted,
  policyInForce,
  policyMachine,
  policyStates,
  policyStep,
  versionInForce,
  type PolicyOrder,
  type PolicyStanding,
  type PolicyState,
  type PolicyWish,
} from './policy-life';

const NOW = 1_000;
const order = (over: Partial<PolicyOrder> = {}): PolicyOrder => ({
  by: 'ann',
  comment: null,
  nowMs: NOW,
  needsApproval: false,
  ...over,
});
const strict = (by: string, nowMs = NOW) => order({ by, nowMs, needsApproval: true });

const standing = (version: number, over: Partial<PolicyStanding> = {}): PolicyStanding => ({
  version,
  state: 'draft',
  createdBy: 'ann',
  proposedBy: null,
  approvedBy: null,
  activateAtMs: null,
  activatedAtMs: null,
  ...over,
});

/** The versions after the wish; throws when it is refused. */
function after(
  known: readonly PolicyStanding[],
  wish: PolicyWish,
  by: PolicyOrder,
): readonly PolicyStanding[] {
  const step = policyStep(known, wish, by);
  if (!step.ok) throw new Error(step.refusal);
  const changed = new Map(step.changed.map((each) => [each.version, each]));
  return known.map((each) => changed.get(each.version) ?? each);
}

const states = (known: readonly PolicyStanding[]) => known.map(({ state }) => state);
const refusal = (known: readonly PolicyStanding[], wish: PolicyWish, by: PolicyOrder) => {
  const step = policyStep(known, wish, by);
  return step.ok ? null : step.refusal;
};

describe('the machine', () => {
  it('leads from the first state to every other, and never out of what it knows', () => {
    const reached = new Set<PolicyState>([policyMachine.initial]);
    for (const from of reached)
      for (const to of Object.values(policyMachine.transitions[from])) reached.add(to);
    expect([...reached].sort()).toEqual([...policyStates].sort());
  });
});

describe('a change of a policy', () => {
  it('takes effect at once where nobody asks for a second person, and replaces what was in force', () => {
    const first = after(
      [standing(1), standing(2)],
      { do: 'activate', version: 1, atMs: null },
      order(),
    );
    const step = policyStep(
      first,
      { do: 'activate', version: 2, atMs: null },
      order({ comment: 'because' }),
    );
    expect(step).toMatchObject({
      ok: true,
      news: [
        {
          version: 1,
          type: 'retire',
          from: 'active',
          to: 'retired',
          comment: 'version 2 takes over',
        },
        {
          version: 2,
          type: 'activate',
          from: 'draft',
          to: 'active',
          by: 'ann',
          comment: 'because',
          atMs: NOW,
        },
      ],
    });
  });

  it('needs somebody who neither wrote nor proposed it where a second person is asked for', () => {
    const known = [standing(1)];
    const wish = { do: 'approve', version: 1 } as const;
    expect(refusal(known, { do: 'activate', version: 1, atMs: null }, strict('ann'))).toBe(
      'approval-required',
    );
    expect(refusal(known, { do: 'activate', version: 1, atMs: 9_999 }, strict('bob'))).toBe(
      'approval-required',
    );
    const proposed = after(known, { do: 'submit', version: 1, atMs: null }, strict('bob'));
    expect(refusal(proposed, { do: 'activate', version: 1, atMs: null }, strict('bob'))).toBe(
      'approval-required',
    );
    expect(refusal(proposed, wish, strict('ann'))).toBe('second-person-required');
    expect(refusal(proposed, wish, strict('bob'))).toBe('second-person-required');
    const approved = after(proposed, wish, strict('cleo'));
    expect(approved[0]).toMatchObject({ state: 'approved', approvedBy: 'cleo' });
    expect(
      states(after(approved, { do: 'activate', version: 1, atMs: null }, strict('ann'))),
    ).toEqual(['active']);
  });

  it.each([
    { reason: 'at once, when it was to be then', atMs: NOW, state: 'active' },
    { reason: 'at its time, when that is yet to come', atMs: NOW + 1, state: 'scheduled' },
    { reason: 'when somebody says so', atMs: null, state: 'approved' },
  ])('takes effect $reason, once approved', ({ atMs, state }) => {
    const proposed = after([standing(1)], { do: 'submit', version: 1, atMs }, strict('ann'));
    expect(states(after(proposed, { do: 'approve', version: 1 }, strict('bob')))).toEqual([state]);
  });

  it('waits for its time, and is overtaken by a newer one that comes first', () => {
    const later = after(
      [standing(1), standing(2)],
      { do: 'activate', version: 1, atMs: NOW + 5 },
      order(),
    );
    expect(states(later)).toEqual(['scheduled', 'draft']);
    const overtaken = after(later, { do: 'activate', version: 2, atMs: null }, order());
    expect(states(overtaken)).toEqual(['draft', 'active']);
    expect(overtaken[0]?.activateAtMs).toBeNull();
  });

  it('that was to come without approval does not once approval is asked for', () => {
    const later = after([standing(1)], { do: 'activate', version: 1, atMs: NOW + 5 }, order());
    const due = { do: 'activate', version: 1, atMs: null } as const;
    expect(refusal(later, due, strict('fairlead', NOW + 5))).toBe('approval-required');
    expect(states(after(later, due, order({ nowMs: NOW + 5 })))).toEqual(['active']);
  });

  it('can be rejected, and put up again', () => {
    const proposed = after([standing(1)], { do: 'submit', version: 1, atMs: NOW }, strict('ann'));
    const rejected = after(proposed, { do: 'reject', version: 1 }, strict('bob'));
    expect(rejected[0]).toMatchObject({ state: 'rejected', activateAtMs: null });
    expect(refusal(rejected, { do: 'activate', version: 1, atMs: null }, order())).toBe(
      'not-in-that-state',
    );
    expect(
      states(after(rejected, { do: 'submit', version: 1, atMs: null }, strict('ann'))),
    ).toEqual(['awaiting-approval']);
  });

  it('is undone in one call, by default to what was in force before, and without anybody else', () => {
    const known = [
      standing(1, { state: 'retired', activatedAtMs: 10 }),
      standing(2, { state: 'retired', activatedAtMs: 20 }),
      standing(3, { state: 'active', activatedAtMs: 30 }),
      standing(4),
    ];
    expect(states(after(known, { do: 'roll-back', to: null }, strict('ann')))).toEqual([
      'retired',
      'active',
      'retired',
      'draft',
    ]);
    expect(states(after(known, { do: 'roll-back', to: 1 }, strict('ann')))).toEqual([
      'active',
      'retired',
      'retired',
      'draft',
    ]);
    expect(refusal(known, { do: 'roll-back', to: 4 }, order())).toBe('never-in-force');
    expect(refusal(known, { do: 'roll-back', to: 9 }, order())).toBe('no-such-version');
    expect(
      refusal([standing(1, { state: 'active' })], { do: 'roll-back', to: null }, order()),
    ).toBe('never-in-force');
  });
});

describe('the end of a policy', () => {
  const known = [standing(1, { state: 'active', createdBy: 'ann', activatedAtMs: 1 })];

  it('needs a second person as well, and the policy counts until then', () => {
    const asked = after(known, { do: 'retire' }, strict('bob'));
    expect(versionInForce(asked)).toMatchObject({ version: 1, state: 'awaiting-retirement' });
    expect(refusal(asked, { do: 'approve', version: 1 }, strict('bob'))).toBe(
      'second-person-required',
    );
    expect(states(after(asked, { do: 'approve', version: 1 }, strict('ann')))).toEqual(['retired']);
    expect(states(after(asked, { do: 'reject', version: 1 }, strict('ann')))).toEqual(['active']);
  });

  it('comes at once where nobody asks for that', () => {
    expect(states(after(known, { do: 'retire' }, order()))).toEqual(['retired']);
    expect(refusal([], { do: 'retire' }, order())).toBe('no-such-version');
  });
});

describe('repeating', () => {
  const wishes: readonly [string, readonly PolicyStanding[], PolicyWish, PolicyOrder][] = [
    ['submit', [standing(1)], { do: 'submit', version: 1, atMs: 7 }, strict('ann')],
    [
      'approve',
      [standing(1, { state: 'awaiting-approval' })],
      { do: 'approve', version: 1 },
      strict('bob'),
    ],
    [
      'approve into force',
      [standing(1, { state: 'awaiting-approval', activateAtMs: 1 })],
      { do: 'approve', version: 1 },
      strict('bob'),
    ],
    [
      'reject',
      [standing(1, { state: 'awaiting-approval' })],
      { do: 'reject', version: 1 },
      strict('bob'),
    ],
    ['withdraw', [standing(1, { state: 'scheduled' })], { do: 'withdraw', version: 1 }, order()],
    ['activate', [standing(1)], { do: 'activate', version: 1, atMs: null }, order()],
    ['schedule', [standing(1)], { do: 'activate', version: 1, atMs: NOW + 9 }, order()],
    ['retire', [standing(1, { state: 'active' })], { do: 'retire' }, order()],
    ['ask to retire', [standing(1, { state: 'active' })], { do: 'retire' }, strict('ann')],
    ['roll back', [standing(1, { state: 'retired' })], { do: 'roll-back', to: 1 }, order()],
  ];
  it.each(wishes)('%s changes and tells nothing more', (_name, known, wish, by) => {
    const once = after(known, wish, by);
    expect(once).not.toEqual(known);
    expect(policyStep(once, wish, by)).toEqual({ ok: true, changed: [], news: [] });
  });
});

describe('whatever is wished, in whatever order', () => {
  const version = fc.integer({ min: 1, max: 5 });
  const atMs = fc.option(fc.integer({ min: 0, max: 50 }));
  const wish = fc.oneof(
    fc.constant({ do: 'create' } as const),
    fc.record({ do: fc.constant('submit' as const), version, atMs }),
    fc.record({
      do: fc.constantFrom('approve' as const, 'reject' as const, 'withdraw' as const),
      version,
    }),
    fc.record({ do: fc.constant('activate' as const), version, atMs }),
    fc.constant({ do: 'retire' } as const),
    fc.record({ do: fc.constant('roll-back' as const), to: fc.option(version) }),
  );
  const steps = fc.array(
    fc.record({ wish, by: fc.constantFrom('ann', 'bob'), needsApproval: fc.boolean() }),
    { maxLength: 40 },
  );

  it('at most one version is in force, every move is one of the machine, and approval is never that of the author', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let known: readonly PolicyStanding[] = [];
        all.forEach(({ wish: wanted, by, needsApproval }, nowMs) => {
          const who = { by, comment: null, nowMs, needsApproval };
          if (wanted.do === 'create') {
            known = [...known, drafted(known, who).standing];
            return;
          }
          const step = policyStep(known, wanted, who);
          if (!step.ok) return;
          for (const { from, to, type } of step.news)
            if (from !== null && type !== 'create')
              expect(policyMachine.transitions[from][type]).toBe(to);
          known = after(known, wanted, who);
          expect(known.filter(({ state }) => policyInForce.has(state)).length).toBeLessThanOrEqual(
            1,
          );
          for (const each of known) {
            if (each.approvedBy !== null) expect(each.approvedBy).not.toBe(each.createdBy);
            if (each.state === 'scheduled') expect(each.activateAtMs).not.toBeNull();
          }
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe('a second person', () => {
  const everywhere = { project: null, requireApproval: true };
  const clinic = { project: 'clinic', requireApproval: true };
  it.each([
    { settings: [], scopes: [undefined], needed: false, reason: 'nobody asks for one' },
    {
      settings: [everywhere],
      scopes: [{ projects: ['lab'] }],
      needed: true,
      reason: 'the installation asks',
    },
    {
      settings: [{ ...everywhere, requireApproval: false }],
      scopes: [undefined],
      needed: false,
      reason: 'it no longer asks',
    },
    {
      settings: [clinic],
      scopes: [undefined],
      needed: true,
      reason: 'a policy for all speaks of the project',
    },
    {
      settings: [clinic],
      scopes: [{ projects: ['cli*'] }],
      needed: true,
      reason: 'a glob covers the project',
    },
    {
      settings: [clinic],
      scopes: [{ projects: ['clin', 'lab'] }],
      needed: false,
      reason: 'other projects are meant',
    },
    {
      settings: [clinic],
      scopes: [{ projects: ['lab'] }, { projects: ['clinic'] }],
      needed: true,
      reason: 'it spoke of the project before',
    },
  ])('is needed: $needed, because $reason', ({ settings, scopes, needed }) => {
    expect(approvalNeeded(settings, scopes)).toBe(needed);
  });
});
