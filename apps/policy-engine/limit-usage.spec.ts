import { usd, type Offer, type PolicyLimit } from '#libs/domain';
import { aJob, anAttempt, aSpec, fakeOffer } from '#libs/testkit';
import { Desk } from './testing/desk';
import { aPolicy } from './testing/policies';

const firm = fakeOffer({ instanceType: 'firm', pricePerHour: usd(30) });
const inTokens = fakeOffer({
  instanceType: 'token',
  pricePerHour: usd(30),
  settlementToken: 'TOKEN',
});

/** A desk at which another job of the project holds an offer. */
async function deskWith(limit: Partial<PolicyLimit>, held: Offer, project = 'default') {
  const desk = new Desk();
  await desk.sells([firm, inTokens]);
  await desk.inForce(aPolicy({ limits: [{ id: 'cap', because: 'so', ...limit }] }));
  const other = aJob({ id: 'job-other', spec: aSpec({ project }) });
  await desk.stores.jobs.submit({ job: other, idempotency: null, reservation: null, events: [] });
  const attempt = anAttempt({ id: 'att-other', jobId: other.id, offer: held, phase: 'running' });
  const stored = await desk.stores.jobs.get(other.id);
  if (stored === null) throw new Error('the other job is not stored');
  await desk.stores.attempts.plan(stored, attempt, []);
  await desk.submitted({ id: 'job-mine' });
  await desk.decide.run(desk.job().id);
  return desk;
}

const refused = (desk: Desk) =>
  desk
    .decision()
    .summary.nearestMisses.flatMap(({ offerId, reasons }) =>
      reasons.map((reason) => `${offerId} ${reason.code}`),
    );

describe('limits on what a project holds', () => {
  it('count the leases of its other jobs', async () => {
    const desk = await deskWith({ maxJobs: 1 }, firm);
    expect(refused(desk)).toEqual([firm, inTokens].map(({ id }) => `${id} limit-reached`));
    expect(desk.decision().usage?.['acme/cap']).toMatchObject({ jobs: 1, spendPerHour: usd(30) });
  });

  it('leave the leases of other projects alone', async () => {
    const desk = await deskWith({ maxJobs: 1 }, firm, 'elsewhere');
    expect(refused(desk)).toEqual([]);
  });

  it('weigh tokens against the whole spend', async () => {
    const share = { maxTokenShareBps: 5_000, tokenAllowancePerHour: usd(25) };
    expect(refused(await deskWith(share, firm))).toEqual([]);
    expect(refused(await deskWith(share, inTokens))).toEqual([`${inTokens.id} limit-reached`]);
  });

  it('are asked again with what was held then when a decision is replayed', async () => {
    const desk = await deskWith({ maxJobs: 1 }, firm);
    expect(await desk.replay.run(desk.decision().id)).toEqual({ kind: 'replayed', differs: [] });
  });
});
