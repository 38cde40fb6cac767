import { usd, type PolicyDocument } from '#libs/domain';
import { aSpec, fakeOffer } from '#libs/testkit';
import { noSpot } from './testing/desk';
import { PolicyDesk } from './testing/policy-desk';
import { WhatIfPolicy } from './what-if-policy';

const firm = fakeOffer({ instanceType: 'firm', pricePerHour: usd(4) });
const spot = fakeOffer({ instanceType: 'spot', market: 'spot', interruptible: true });
const all = { projects: null, fromMs: null, toMs: null };

const nothingGoes: PolicyDocument = {
  ...noSpot('acme'),
  rules: [{ id: 'closed', forbid: 'offer.pricePerHour < 1000.0', because: 'we are closed' }],
};

/** Four decisions for two projects, each at a book of its own, all of them at the spot offer. */
async function decided(): Promise<PolicyDesk> {
  const desk = new PolicyDesk();
  for (const [index, project] of ['vision', 'speech', 'vision', 'vision'].entries()) {
    await desk.sells([firm, { ...spot, pricePerHour: usd(1 + index / 100) }]);
    const spec = aSpec({ project, interruptible: true });
    const { id } = await desk.submitted({ id: `job-${index}`, spec });
    await desk.decide.run(id);
    desk.clock.advance(60_000);
  }
  return desk;
}

async function reported(desk: PolicyDesk, document: PolicyDocument, over: object = {}) {
  const answer = await desk.whatIf.run({ document, filter: { ...all, ...over }, last: 200 });
  if (answer.kind !== 'reported') throw new Error(answer.kind);
  return answer;
}

describe('what if a draft were in force', () => {
  it('shows what would have gone elsewhere, what that costs, and which rule is the cause', async () => {
    const desk = await decided();
    const { report, replaces } = await reported(desk, noSpot('acme'));
    expect(replaces).toBeNull();
    expect(report).toMatchObject({
      considered: 4,
      jobs: 4,
      jobsChanged: 4,
      total: { decisions: 4, moved: 4, same: 0 },
      causes: [{ what: 'acme/no-spot', does: 'refuses', decisions: 4 }],
      skipped: {},
    });
    expect(report.total.expectedAfter).toBeGreaterThan(report.total.expectedBefore);
    expect(report.projects.map(({ project, moved }) => [project, moved])).toEqual([
      ['speech', 1],
      ['vision', 3],
    ]);
    expect(report.changes[0]).toMatchObject({
      kind: 'moved',
      from: { offerId: spot.id },
      to: { offerId: firm.id },
    });
  });

  it('stores nothing, and says the same again', async () => {
    const desk = await decided();
    const before = JSON.stringify([...desk.tables.decisions, ...desk.tables.jobs]);
    const first = await reported(desk, nothingGoes);
    expect(first.report.total).toMatchObject({ infeasible: 4, moved: 0 });
    expect(await reported(desk, nothingGoes)).toEqual(first);
    expect(JSON.stringify([...desk.tables.decisions, ...desk.tables.jobs])).toBe(before);
    expect(desk.tables.policyVersions).toEqual([]);
  });

  it('puts the draft in the place of its namesake and leaves all others in force', async () => {
    const desk = await decided();
    await desk.inForce(noSpot('acme'));
    const lifted = await reported(desk, { ...noSpot('acme'), rules: [] });
    expect(lifted).toMatchObject({
      replaces: 1,
      policyVersion: 'acme@1',
      report: {
        total: { moved: 4 },
        causes: [{ what: 'acme/no-spot', does: 'opens', decisions: 4 }],
      },
    });
    const beside = await reported(desk, { ...noSpot('beta'), rules: [] });
    expect(beside.report.total).toMatchObject({ same: 4, moved: 0 });
  });

  it('tells what would have a place that had none', async () => {
    const desk = await decided();
    await desk.inForce(nothingGoes);
    const { report } = await reported(desk, noSpot('acme'));
    expect(report.total).toMatchObject({ feasible: 4 });
    expect(report.causes).toMatchObject([{ what: 'acme/closed', does: 'opens' }]);
  });

  it('counts a draft that is to hold later as if it held always', async () => {
    const desk = await decided();
    const later = { ...noSpot('acme'), effective: { from: '2030-01-01T00:00:00Z', until: null } };
    expect((await reported(desk, later)).report.total.moved).toBe(4);
  });

  it('looks at the newest decisions, of some projects or of a time', async () => {
    const desk = await decided();
    const count = async (over: object) =>
      (await reported(desk, noSpot('acme'), over)).report.considered;
    expect(await count({ projects: ['speech'] })).toBe(1);
    expect(await count({ projects: [] })).toBe(0);
    expect(await count({ fromMs: desk.clock.nowMs() - 150_000 })).toBe(2);
    const two = await desk.whatIf.run({ document: noSpot('acme'), filter: all, last: 2 });
    expect(two).toMatchObject({ report: { considered: 2, total: { decisions: 2 } } });
  });

  it('says how many decisions could not be made again, and why', async () => {
    const desk = await decided();
    desk.tables.books.forEach((book, index) => {
      if (book.version === 2) desk.tables.books[index] = { ...book, offers: [firm] };
    });
    const [first, , third] = [...desk.tables.jobs.keys()];
    const [record] = [...desk.tables.decisions.values()].filter(({ jobId }) => jobId === first);
    if (record === undefined || third === undefined) throw new Error('nothing was decided');
    const unreadable = { ...record, suspensions: null } as unknown as typeof record;
    desk.tables.decisions.set(record.id, unreadable);
    const jobs = desk.stores.jobs;
    const gone = new WhatIfPolicy(
      {
        ...desk.stores,
        jobs: Object.assign(Object.create(jobs) as typeof jobs, {
          get: async (id: typeof third) => (id === third ? null : jobs.get(id)),
        }),
      },
      desk.save,
      desk.clock,
    );
    const answer = await gone.run({ document: noSpot('acme'), filter: all, last: 200 });
    expect(answer).toMatchObject({
      report: {
        considered: 4,
        total: { decisions: 1 },
        skipped: { 'offers-gone': 1, 'job-gone': 1, failed: 1 },
      },
    });
  });

  it('ends in time, and says what it did not reach', async () => {
    const desk = await decided();
    const hurried = new WhatIfPolicy(desk.stores, desk.save, desk.clock, 0);
    const answer = await hurried.run({ document: noSpot('acme'), filter: all, last: 200 });
    expect(answer).toMatchObject({ report: { considered: 4, skipped: { 'out-of-time': 4 } } });
  });

  it('refuses a draft with mistakes, and a third question at a time', async () => {
    const desk = await decided();
    const rules = [{ id: 'r', forbid: 'offer.regoin == "eu"', because: 'x' }];
    const question = { document: noSpot('acme'), filter: all, last: 200 };
    expect(
      await desk.whatIf.run({ ...question, document: { ...noSpot('acme'), rules } }),
    ).toMatchObject({ kind: 'invalid', problems: [{ ruleId: 'r' }] });
    const answers = await Promise.all([1, 2, 3].map(() => desk.whatIf.run(question)));
    expect(answers.map(({ kind }) => kind)).toEqual(['reported', 'reported', 'busy']);
    expect(await desk.whatIf.run(question)).toMatchObject({ kind: 'reported' });
  });

  it('lets others have their turn between decisions', async () => {
    const desk = await decided();
    let turns = 0;
    let asking = true;
    const count = (): void => {
      turns += 1;
      if (asking) setImmediate(count);
    };
    setImmediate(count);
    await reported(desk, noSpot('acme'));
    asking = false;
    expect(turns).toBeGreaterThanOrEqual(4);
  });
});
