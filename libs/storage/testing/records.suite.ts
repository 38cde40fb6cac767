import {
  DEFAULT_PREFERENCES,
  asAttemptId,
  asDecisionId,
  asJobId,
  asProviderId,
  usd,
  type DecisionSummary,
  type PolicyDocument,
  type Suspension,
  type OfferId,
} from '#libs/domain';
import { BUILT_AT_MS, aJob, anAttempt, anOffer } from '../../testkit/builders';
import { StaleRevision, type DecisionRecord, type Stores } from '../ports';
import { eachTest, eventOf, submissionOf, submitted, type Open } from './open';

const summary: DecisionSummary = {
  engine: 'decide/1',
  ranked: [],
  rankedCount: 0,
  rejectedCount: 1,
  rejectionCounts: { unavailable: 1 },
  ruleCounts: { 'builtin/no-spot': 2 },
  nearestMisses: [],
  awaited: [anOffer().id],
  awaitedUntilMs: 5,
  baseline: null,
};

const policy = (name: string, description: string): PolicyDocument => ({
  kind: 'RoutingPolicy',
  name,
  description,
  rules: [{ id: 'r1', require: 'true', because: 'it is so' }],
  preferences: { training: { waitingCostPerHour: usd(1) } },
});

/** Everything that is recorded beside jobs and attempts. */
export function describeRecords(open: Open<Stores>): void {
  const stores = eachTest(open);

  describe('events', () => {
    it('come in the order in which they were appended, from a cursor on, up to the limit', async () => {
      const types = ['a', 'b', 'c', 'd'];
      const events = types.map((type, index) => ({ ...eventOf('job-1', type, 40 - index) }));
      await stores().jobs.submit(submissionOf(aJob({ id: 'job-1' }), { events }));
      const first = await stores().events.after(0, null, 3);
      expect(first.map(({ type }) => type)).toEqual(['a', 'b', 'c']);
      const { sequence, ...rest } = first[0] ?? { sequence: 0 };
      expect(rest).toEqual(events[0]);
      const next = await stores().events.after(first[2]?.sequence ?? 0, null, 3);
      expect(next.map(({ type }) => type)).toEqual(['d']);
      expect(next[0]?.sequence).toBeGreaterThan(sequence);
    });

    it('can be read of one job alone, and carry their attempt', async () => {
      const event = { ...eventOf('job-2', 'mine'), attemptId: asAttemptId('att-1') };
      await stores().jobs.submit(
        submissionOf(aJob({ id: 'job-1' }), { events: [eventOf('job-1', 'other')] }),
      );
      await stores().jobs.submit(submissionOf(aJob({ id: 'job-2' }), { events: [event] }));
      const read = await stores().events.after(0, asJobId('job-2'), 10);
      expect(read).toMatchObject([{ type: 'mine', attemptId: 'att-1' }]);
    });

    it('are never overtaken: a reader that follows the cursor sees each exactly once', async () => {
      const ids = Array.from({ length: 60 }, (_, index) => `job-${index}`);
      const seen: number[] = [];
      let writing = true;
      const reader = (async () => {
        for (let idle = 0; idle < 2; idle += writing ? 0 : 1) {
          const news = await stores().events.after(seen.at(-1) ?? 0, null, 7);
          seen.push(...news.map(({ sequence }) => sequence));
          if (news.length > 0) idle = 0;
        }
      })();
      await Promise.all(
        ids.map((id) =>
          stores().jobs.submit(
            submissionOf(aJob({ id }), { events: [eventOf(id, 'a'), eventOf(id, 'b')] }),
          ),
        ),
      );
      writing = false;
      await reader;
      expect(seen).toHaveLength(120);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
    });
  });

  describe('suspensions', () => {
    const one: Suspension = {
      scope: 'offer',
      key: 'acme/north',
      jobId: null,
      fromMs: 10,
      untilMs: 20,
      reason: 'no-capacity',
    };

    it('are in force from their beginning up to, not including, their end', async () => {
      const forJob: Suspension = { ...one, scope: 'offer-for-job', jobId: asJobId('job-1') };
      await stores().suspensions.add([one, { ...forJob, fromMs: 15, untilMs: 30 }]);
      await stores().suspensions.add([]);
      const counts: [number, number][] = [
        [9, 0],
        [10, 1],
        [15, 2],
        [19, 2],
        [20, 1],
        [30, 0],
      ];
      for (const [atMs, count] of counts)
        expect(await stores().suspensions.inForce(atMs)).toHaveLength(count);
      expect(await stores().suspensions.inForce(10)).toEqual([one]);
    });
  });

  describe('decisions', () => {
    const record = (jobId: string): DecisionRecord => ({
      id: asDecisionId('dec-1'),
      jobId: asJobId(jobId),
      atMs: BUILT_AT_MS,
      engine: 'decide/1',
      policyVersion: 'builtin@1',
      bookVersion: 3,
      health: {},
      suspensions: [],
      spent: usd(0.25),
      kind: 'placement',
      leftMs: null,
      reserves: [],
      preferences: DEFAULT_PREFERENCES,
      summary,
      digests: { job: 'a', policy: 'b', offers: 'c', decision: 'd' },
    });

    it('are stored, given to the job and told, all together', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      const decision = record('job-1');
      const next = { ...job, decisionId: decision.id, dueAtMs: 77 };
      const saved = await stores().decisions.record(decision, next, [eventOf('job-1', 'decided')]);
      expect(saved).toEqual({ ...next, revision: job.revision + 1 });
      expect(await stores().jobs.get(job.id)).toEqual(saved);
      const stored = { ...decision, confirmedAtMs: decision.atMs };
      expect(await stores().decisions.get(decision.id)).toEqual(stored);
      expect(await stores().events.after(0, null, 10)).toMatchObject([{ type: 'decided' }]);
    });

    it('take the place of the one that is named, and of no other job’s', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      const other = await submitted(stores(), { id: 'job-2' });
      const first = await stores().decisions.record(record('job-1'), job, []);
      const foreign = { ...record('job-2'), id: asDecisionId('dec-foreign') };
      await stores().decisions.record(foreign, other, [], asDecisionId('dec-1'));
      expect(await stores().decisions.get(asDecisionId('dec-1'))).not.toBeNull();
      const next: DecisionRecord = {
        ...record('job-1'),
        id: asDecisionId('dec-2'),
        kind: 'reconsideration',
        leftMs: 60_000,
      };
      await stores().decisions.record(next, first, [], asDecisionId('dec-1'));
      expect(await stores().decisions.get(asDecisionId('dec-1'))).toBeNull();
      expect(await stores().decisions.get(next.id)).toEqual({ ...next, confirmedAtMs: next.atMs });
    });

    it('stay what they were when deciding again comes to the same', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      const decision = record('job-1');
      const decided = await stores().decisions.record(decision, job, []);
      const again = { ...decided, dueAtMs: 99 };
      const saved = await stores().decisions.confirm(again, BUILT_AT_MS + 50);
      expect(saved).toEqual({ ...again, revision: decided.revision + 1 });
      expect(await stores().jobs.get(job.id)).toEqual(saved);
      const confirmed = { ...decision, confirmedAtMs: BUILT_AT_MS + 50 };
      expect(await stores().decisions.get(decision.id)).toEqual(confirmed);
      const late = stores().decisions.confirm(decided, BUILT_AT_MS + 60);
      await expect(late).rejects.toThrow(StaleRevision);
      expect(await stores().decisions.get(decision.id)).toEqual(confirmed);
    });

    it('are dropped when the job has moved', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      await stores().jobs.update(job, { events: [] });
      const late = stores().decisions.record(record('job-1'), job, [eventOf('job-1', 'decided')]);
      await expect(late).rejects.toThrow(StaleRevision);
      expect(await stores().decisions.get(asDecisionId('dec-1'))).toBeNull();
      expect(await stores().events.after(0, null, 10)).toEqual([]);
    });
  });

  describe('offers', () => {
    const acme = asProviderId('acme');
    const cheap = anOffer({ instanceType: 'a', pricePerHour: usd(1) });
    const dear = { ...cheap, pricePerHour: usd(2) };
    const other = anOffer({ instanceType: 'b' });

    it('start as an empty book', async () => {
      expect(await stores().offers.book()).toEqual({ version: 0, offers: [] });
      expect(await stores().offers.version()).toBe(0);
    });

    it('keep every earlier book', async () => {
      expect(await stores().offers.replace(acme, [cheap, other], 1)).toBe(1);
      expect(await stores().offers.replace(acme, [dear, other], 2)).toBe(2);
      expect(await stores().offers.replace(acme, [dear], 3)).toBe(3);
      expect(await stores().offers.replace(acme, [cheap], 4)).toBe(4);
      const books = [[], [cheap, other], [dear, other], [dear], [cheap]];
      for (const [version, offers] of books.entries())
        expect(await stores().offers.bookAt(version)).toEqual({ version, offers });
      expect(await stores().offers.book()).toEqual({ version: 4, offers: [cheap] });
    });

    it('keep their version when nothing differs, however it is put together', async () => {
      await stores().offers.replace(acme, [cheap, other], 1);
      const same = { ...Object.fromEntries(Object.entries(cheap).reverse()), ...cheap };
      expect(await stores().offers.replace(acme, [other, same], 2)).toBe(1);
      expect(await stores().offers.version()).toBe(1);
    });

    it('tell what has changed since a version, and whether something is new', async () => {
      const changes = async (version: number) => stores().offers.changesSince(version);
      await stores().offers.replace(acme, [cheap], 1);
      expect(await changes(0)).toEqual({ changed: [], hasNew: true });
      expect(await changes(1)).toEqual({ changed: [], hasNew: false });
      await stores().offers.replace(acme, [dear, other], 2);
      expect(await changes(1)).toEqual({ changed: [cheap.id], hasNew: true });
      await stores().offers.replace(acme, [dear], 3);
      expect(await changes(2)).toEqual({ changed: [other.id], hasNew: false });
    });

    it('tell what makes one version of the book another, a page at a time', async () => {
      const third = anOffer({ instanceType: 'c' });
      await stores().offers.replace(acme, [cheap, other], 1);
      await stores().offers.replace(acme, [dear, third], 2);
      await stores().offers.replace(acme, [dear], 3);
      const patch = (since: number, until: number, after: OfferId | null = null, limit = 9) =>
        stores().offers.patch({ since, until }, after, limit);
      expect(await patch(0, 1)).toEqual({ gone: [], come: [cheap, other], next: null });
      expect(await patch(1, 2)).toEqual({ gone: [other.id], come: [dear, third], next: null });
      expect(await patch(1, 3)).toMatchObject({ come: [dear], next: null });
      expect((await patch(1, 3)).gone).toContain(other.id);
      expect(await patch(2, 3)).toEqual({ gone: [third.id], come: [], next: null });
      expect(await patch(3, 3)).toEqual({ gone: [], come: [], next: null });
      const first = await patch(1, 2, null, 2);
      expect(first).toEqual({ gone: [other.id], come: [dear], next: other.id });
      expect(await patch(1, 2, first.next, 2)).toEqual({ gone: [], come: [third], next: null });
    });

    it('of one provider do not touch those of another', async () => {
      const foreign = anOffer({ providerId: 'zeta' });
      await stores().offers.replace(acme, [cheap], 1);
      await stores().offers.replace(foreign.providerId, [foreign], 2);
      await stores().offers.replace(acme, [], 3);
      expect(await stores().offers.book()).toEqual({ version: 3, offers: [foreign] });
      expect((await stores().offers.bookAt(2)).offers).toEqual([cheap, foreign]);
    });

    it('get one version each when providers refresh at the same time', async () => {
      const offers = ['p1', 'p2', 'p3', 'p4'].map((providerId) => anOffer({ providerId }));
      const versions = await Promise.all(
        offers.map((offer) => stores().offers.replace(offer.providerId, [offer], 1)),
      );
      expect([...versions].sort()).toEqual([1, 2, 3, 4]);
      expect((await stores().offers.book()).offers).toEqual(offers);
    });
  });

  describe('cost entries', () => {
    it('add up per attempt, each slice once', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      const attempt = anAttempt({ id: 'att-1', jobId: 'job-1', billedFromMs: 10 });
      await stores().attempts.plan(job, attempt, []);
      const { costEntries } = stores();
      const nothing = { entries: 0, amount: 0, toMs: null, final: false };
      expect(await costEntries.accrued(attempt.id)).toEqual(nothing);
      const first = { sequence: 0, fromMs: 10, toMs: 50, amount: usd(0.5), final: false };
      const last = { sequence: 1, fromMs: 50, toMs: 80, amount: usd(0.25), final: true };
      const booked = await Promise.all(
        [1, 2, 3].map(() => costEntries.book(attempt, job, first, 60)),
      );
      expect(booked.filter((isNew) => isNew)).toHaveLength(1);
      const half = { entries: 1, amount: usd(0.5), toMs: 50, final: false };
      expect(await costEntries.accrued(attempt.id)).toEqual(half);
      expect(await costEntries.book(attempt, job, last, 90)).toBe(true);
      expect(await costEntries.book(attempt, job, last, 91)).toBe(false);
      const all = { entries: 2, amount: usd(0.75), toMs: 80, final: true };
      expect(await costEntries.accrued(attempt.id)).toEqual(all);
    });

    it('leave the revision of the attempt alone', async () => {
      const job = await submitted(stores(), { id: 'job-1' });
      const attempt = anAttempt({ id: 'att-1', jobId: 'job-1', billedFromMs: 10 });
      await stores().attempts.plan(job, attempt, []);
      const slice = { sequence: 0, fromMs: 10, toMs: 50, amount: usd(0.5), final: false };
      await stores().costEntries.book(attempt, job, slice, 60);
      expect((await stores().attempts.get(attempt.id))?.revision).toBe(attempt.revision);
    });
  });

  describe('policies', () => {
    it('are numbered by name and begin inactive', async () => {
      const created = await stores().policies.create(policy('acme', 'one'), 'key-1', 5);
      expect(created).toEqual({
        document: policy('acme', 'one'),
        version: 1,
        createdAtMs: 5,
        createdBy: 'key-1',
        active: false,
        state: 'draft',
        proposedBy: null,
        approvedBy: null,
        activateAtMs: null,
        activatedAtMs: null,
      });
      await stores().policies.create(policy('acme', 'two'), 'key-1', 6);
      await stores().policies.create(policy('builtin', 'x'), 'key-1', 7);
      const listed = (await stores().policies.list()).map(
        ({ document, version }) => `${document.name}@${version}`,
      );
      expect(listed).toEqual(['acme@2', 'acme@1', 'builtin@1']);
      expect(await stores().policies.active()).toEqual([]);
    });

    it('get numbers of their own when created at the same time', async () => {
      const created = await Promise.all(
        [1, 2, 3, 4].map((n) => stores().policies.create(policy('acme', `v${n}`), 'key-1', n)),
      );
      expect(created.map(({ version }) => version).sort()).toEqual([1, 2, 3, 4]);
    });

    it('have at most one active version of each name', async () => {
      for (const name of ['b', 'a', 'a']) await stores().policies.create(policy(name, ''), 'k', 1);
      const active = async () =>
        (await stores().policies.active()).map(({ document, version, active: is }) => [
          document.name,
          version,
          is,
        ]);
      expect(await stores().policies.activate('a', 1, 2)).toBe(true);
      expect(await stores().policies.activate('b', 1, 2)).toBe(true);
      expect(await stores().policies.activate('a', 2, 3)).toBe(true);
      expect(await stores().policies.activate('a', 2, 4)).toBe(true);
      expect(await active()).toEqual([
        ['a', 2, true],
        ['b', 1, true],
      ]);
      expect(await stores().policies.activate('a', 9, 5)).toBe(false);
      expect(await stores().policies.activate('none', 1, 5)).toBe(false);
      expect((await active())[0]).toEqual(['a', 2, true]);
      expect(await stores().policies.activate('a', null, 6)).toBe(true);
      expect(await active()).toEqual([['b', 1, true]]);
    });
  });
}
