import { DEFAULT_PREFERENCES, asDecisionId, ZERO_USD, type PolicyDocument } from '#libs/domain';
import { BUILT_AT_MS, aSpec } from '../../testkit/builders';
import { draftOf, MAX_POLICY_EVENTS, type PolicyVersion } from '../policy-ports';
import type { DecisionRecord, Stores } from '../ports';
import { countFulfilled, eachTest, submitted, type Open } from './open';

const policy = (name: string, description = ''): PolicyDocument => ({
  kind: 'RoutingPolicy',
  name,
  description,
  rules: [],
  preferences: {},
});

const order = (by: string, nowMs: number) => ({ by, comment: null, nowMs });

/** The life of policies, and the decisions that a draft is tried on. */
export function describePolicies(open: Open<Stores>): void {
  const stores = eachTest(open);

  /** Moves one version as it is told, with one line of history. */
  const move = (name: string, version: number, patch: Partial<PolicyVersion>, nowMs = 9) =>
    stores().policies.change([name], ({ versions }) => {
      const was = versions.find((each) => each.version === version);
      if (was === undefined) return { answer: false, versions: [], events: [] };
      const next = { ...was, ...patch };
      const told = { type: 'schedule', from: was.state, to: next.state } as const;
      const event = { ...told, name, version, by: 'ann', comment: 'why not', atMs: nowMs };
      return { answer: true, versions: [next], events: [event] };
    });

  describe('policies', () => {
    it('keep how far each version has come, and who did what and why, newest first', async () => {
      const { policies } = stores();
      const draft = await policies.create(policy('acme'), 'ann', 5);
      expect(draft).toMatchObject({ state: 'draft', createdBy: 'ann', active: false });
      const standing = {
        state: 'scheduled',
        proposedBy: 'ann',
        approvedBy: 'bob',
        activateAtMs: 77,
      } as const;
      expect(await move('acme', 1, standing)).toBe(true);
      expect(await policies.ofName('acme')).toEqual([{ ...draft, ...standing }]);
      expect(await policies.ofName('nobody')).toEqual([]);
      const events = await policies.events('acme', 10);
      expect(events).toMatchObject([
        {
          type: 'schedule',
          from: 'draft',
          to: 'scheduled',
          by: 'ann',
          comment: 'why not',
          atMs: 9,
        },
        { type: 'create', from: null, to: 'draft', by: 'ann', comment: null, atMs: 5 },
      ]);
      expect(events[0]?.sequence).toBeGreaterThan(events[1]?.sequence ?? 0);
      expect(await policies.events('acme', 1)).toHaveLength(1);
      expect(await policies.events('other', 10)).toEqual([]);
    });

    it('show a change the versions of its names, everything in force and the settings', async () => {
      const { policies } = stores();
      for (const name of ['b', 'a', 'c']) await policies.create(policy(name), 'ann', 1);
      await policies.activate('c', 1, 2);
      await policies.put({ project: null, requireApproval: true, setBy: 'root', setAtMs: 3 });
      const names = (versions: readonly PolicyVersion[]) =>
        versions.map(({ document }) => document.name);
      const seen = (wanted: readonly string[] | 'all') =>
        policies.change(wanted, (known) => ({
          answer: [names(known.versions), names(known.inForce), known.settings.length],
          versions: [],
          events: [],
        }));
      expect(await seen(['b', 'a', 'none'])).toEqual([['a', 'b'], ['c'], 1]);
      expect(await seen('all')).toEqual([['a', 'b', 'c'], ['c'], 1]);
    });

    it('are changed together or not at all', async () => {
      const { policies } = stores();
      const failing = policies.change(['a', 'b'], ({ versions }) => {
        const one = draftOf(policy('a'), versions, order('ann', 1));
        const broken = { ...draftOf(policy('b'), versions, order('ann', 1)).version, state: 'odd' };
        if (broken.state === 'odd') throw new Error('thought better of it');
        return { answer: null, versions: [one.version], events: [one.event] };
      });
      await expect(failing).rejects.toThrow('thought better of it');
      expect(await policies.list()).toEqual([]);
      expect(await policies.events('a', 10)).toEqual([]);
    });

    it('are changed one after the other: each change is thought out on the one before', async () => {
      const { policies } = stores();
      await policies.create(policy('acme'), 'ann', 1);
      const bump = () =>
        policies.change(['acme'], ({ versions: [latest] }) => {
          if (latest === undefined) throw new Error('it is gone');
          const activateAtMs = (latest.activateAtMs ?? 0) + 1;
          return { answer: null, versions: [{ ...latest, activateAtMs }], events: [] };
        });
      expect(await countFulfilled(Array.from({ length: 8 }, bump))).toBe(8);
      expect((await policies.ofName('acme'))[0]?.activateAtMs).toBe(8);
    });

    it('replace what is in force in one change', async () => {
      const { policies } = stores();
      for (const n of [1, 2]) await policies.create(policy('acme', `v${n}`), 'ann', n);
      expect(await policies.activate('acme', 1, 10)).toBe(true);
      expect(await policies.activate('acme', 2, 20)).toBe(true);
      expect(await policies.list()).toMatchObject([
        { version: 2, state: 'active', active: true, activatedAtMs: 20 },
        { version: 1, state: 'retired', active: false, activatedAtMs: 10 },
      ]);
    });

    it('tell which of them are due, the longest overdue first', async () => {
      const { policies } = stores();
      for (const name of ['a', 'b', 'c', 'd']) await policies.create(policy(name), 'ann', 1);
      await move('a', 1, { state: 'scheduled', activateAtMs: 30 });
      await move('b', 1, { state: 'scheduled', activateAtMs: 20 });
      await move('c', 1, { state: 'scheduled', activateAtMs: 40 });
      await move('d', 1, { state: 'awaiting-approval', activateAtMs: 10 });
      expect(await policies.due(19, 10)).toEqual([]);
      expect(await policies.due(30, 10)).toEqual([
        { name: 'b', version: 1 },
        { name: 'a', version: 1 },
      ]);
      expect(await policies.due(99, 1)).toEqual([{ name: 'b', version: 1 }]);
    });

    it('forget the oldest lines of a long history, of their own name only', async () => {
      const { policies } = stores();
      await policies.create(policy('other'), 'ann', 1);
      await policies.create(policy('acme'), 'ann', 1);
      const line = { type: 'schedule', from: 'scheduled', to: 'scheduled' } as const;
      const told = { ...line, name: 'acme', version: 1, by: 'ann', comment: null };
      const events = Array.from({ length: MAX_POLICY_EVENTS }, (_, atMs) => ({ ...told, atMs }));
      await policies.change([], () => ({ answer: null, versions: [], events }));
      const kept = await policies.events('acme', MAX_POLICY_EVENTS);
      expect([kept.length, kept[0]?.atMs, kept.at(-1)?.atMs]).toEqual([
        MAX_POLICY_EVENTS,
        MAX_POLICY_EVENTS - 1,
        0,
      ]);
      expect(await policies.events('other', 10)).toHaveLength(1);
    });
  });

  describe('settings of policies', () => {
    const setting = (project: string | null, requireApproval: boolean, setAtMs = 1) => ({
      project,
      requireApproval,
      setBy: 'root',
      setAtMs,
    });

    it('are of the installation first, then by project, and of projects only where they ask', async () => {
      const { policies } = stores();
      expect(await policies.settings()).toEqual([]);
      for (const project of ['b', 'a', null]) await policies.put(setting(project, true));
      await policies.put(setting('b', true, 2));
      expect(await policies.settings()).toEqual([
        setting(null, true),
        setting('a', true),
        setting('b', true, 2),
      ]);
      await policies.put(setting('a', false));
      await policies.put(setting('a', false));
      await policies.put(setting(null, false, 3));
      expect(await policies.settings()).toEqual([setting(null, false, 3), setting('b', true, 2)]);
    });
  });

  describe('lists of decisions', () => {
    const decided = async (id: string, project: string, atMs: number): Promise<void> => {
      const job = await submitted(stores(), { id: `job-${id}`, spec: aSpec({ project }) });
      const record: DecisionRecord = {
        id: asDecisionId(`dec-${id}`),
        jobId: job.id,
        atMs,
        engine: 'decide/1',
        policyVersion: '',
        bookVersion: atMs - BUILT_AT_MS,
        health: {},
        suspensions: [],
        spent: ZERO_USD,
        kind: 'placement',
        leftMs: null,
        reserves: [],
        preferences: DEFAULT_PREFERENCES,
        summary: {
          engine: 'decide/1',
          ranked: [],
          rankedCount: 0,
          rejectedCount: 0,
          rejectionCounts: {},
          ruleCounts: {},
          nearestMisses: [],
          awaited: [],
          awaitedUntilMs: null,
          baseline: null,
        },
        digests: { job: 'a', policy: 'b', offers: 'c', decision: 'd' },
      };
      await stores().decisions.record(record, job, []);
    };
    const all = { projects: null, fromMs: null, toMs: null };

    it('are newest first, by project and time, and bounded', async () => {
      await decided('1', 'vision', BUILT_AT_MS + 1);
      await decided('3', 'speech', BUILT_AT_MS + 3);
      await decided('2', 'vision', BUILT_AT_MS + 2);
      await decided('4', 'vision', BUILT_AT_MS + 3);
      const list = async (over: Partial<Parameters<Stores['decisions']['list']>[0]>, limit = 10) =>
        (await stores().decisions.list({ ...all, ...over }, limit)).map(({ id }) => id);
      expect(await list({})).toEqual(['dec-4', 'dec-3', 'dec-2', 'dec-1']);
      expect(await list({}, 2)).toEqual(['dec-4', 'dec-3']);
      expect(await list({ projects: ['vision'] }, 2)).toEqual(['dec-4', 'dec-2']);
      expect(await list({ projects: [] })).toEqual([]);
      expect(await list({ fromMs: BUILT_AT_MS + 2, toMs: BUILT_AT_MS + 3 })).toEqual(['dec-2']);
      expect((await stores().decisions.list(all, 1))[0]).toEqual({
        id: 'dec-4',
        jobId: 'job-4',
        project: 'vision',
        atMs: BUILT_AT_MS + 3,
        bookVersion: 3,
      });
    });
  });
}
