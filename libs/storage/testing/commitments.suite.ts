import {
  asProviderId,
  microUsd,
  usd,
  ZERO_USD,
  type AgreedTerms,
  type Attempt,
  type CalibrationLesson,
  type Commitment,
} from '#libs/domain';
import { anAttempt, anOffer } from '../../testkit/builders';
import { MAX_COMMITMENTS, FORGET_ENDED_AFTER_MS } from '../cost-ports';
import type { Stores } from '../ports';
import { eachTest, submitted, type Open } from './open';

const HOUR_MS = 3_600_000;
const commitment = (wanted: Partial<Commitment> = {}): Commitment => ({
  name: 'reserved',
  providerId: asProviderId('acme'),
  region: null,
  instanceType: null,
  gpuModel: null,
  quantity: { kind: 'hours', leaseMs: 100 * HOUR_MS },
  fromMs: 1_000,
  untilMs: 9_000,
  ...wanted,
});

const lesson: CalibrationLesson = {
  terms: {
    charge: { weight: 1, predicted: 100, realised: 130 },
    interruption: { weight: 0.5, predicted: 20, realised: 50 },
    'start-up': { weight: 1, predicted: 10, realised: 10 },
    waiting: { weight: 1, predicted: 60_000, realised: 90_000 },
  },
  within90: true,
};

/** Commitments and calibration, and what cost entries add to them. */
export function describeCommitments(open: Open<Stores>): void {
  const stores = eachTest(open);

  /** An attempt that holds a lease under these terms. */
  async function drawing(id: string, coverage: AgreedTerms['coverage']): Promise<Attempt> {
    const job = await submitted(stores(), { id: `job-${id}` });
    const attempt = {
      ...anAttempt({ id, jobId: job.id, offer: anOffer({ egressPerGb: usd(0.1) }) }),
      agreed: { coverage, checkpointEveryMs: 60_000 },
    };
    await stores().attempts.plan(job, attempt, []);
    return attempt;
  }

  async function released(attempt: Attempt): Promise<void> {
    const known = await stores().attempts.get(attempt.id);
    if (known === null) throw new Error('the attempt is gone');
    await stores().attempts.update(
      { ...known, phase: 'released', outcome: 'succeeded' },
      { events: [], suspensions: [], jobState: null, wakeJob: false, nowMs: 1 },
    );
  }

  const coverage = { commitment: 'reserved', untilMs: 9_000, leaseMs: 5_000, listCost: usd(2) };

  describe('commitments', () => {
    it('are listed by name, and in force between their moments', async () => {
      const { commitments } = stores();
      expect(await commitments.put(commitment({ name: 'b' }), 1)).toBe(true);
      expect(await commitments.put(commitment({ name: 'a', fromMs: 5_000 }), 1)).toBe(true);
      const names = (all: readonly { name: string }[]) => all.map(({ name }) => name);
      expect(names(await commitments.list())).toEqual(['a', 'b']);
      expect(names(await commitments.inForce(999))).toEqual([]);
      expect(names(await commitments.inForce(1_000))).toEqual(['b']);
      expect(names(await commitments.inForce(5_000))).toEqual(['a', 'b']);
      expect(names(await commitments.inForce(9_000))).toEqual([]);
      expect(await commitments.inForce(1_000)).toEqual([
        {
          ...commitment({ name: 'b' }),
          usedMs: 0,
          usedListCost: 0,
          drawing: 0,
          grantedMs: 0,
          grantedListCost: 0,
        },
      ]);
    });

    it('count what attempts draw from the plan to the release', async () => {
      await stores().commitments.put(commitment(), 1);
      const first = await drawing('att-1', coverage);
      await drawing('att-2', { ...coverage, leaseMs: null, listCost: null });
      await drawing('att-3', { ...coverage, commitment: 'other' });
      await drawing('att-4', null);
      const [state] = await stores().commitments.inForce(2_000);
      expect(state).toMatchObject({ drawing: 2, grantedMs: 5_000, grantedListCost: usd(2) });
      await released(first);
      const [later] = await stores().commitments.inForce(2_000);
      expect(later).toMatchObject({ drawing: 1, grantedMs: 0, grantedListCost: 0 });
    });

    it('are used up by the slices that they pay for, each once, and what is used stays when they are changed', async () => {
      await stores().commitments.put(commitment(), 1);
      const attempt = await drawing('att-1', coverage);
      const job = await stores().jobs.get(attempt.jobId);
      if (job === null) throw new Error('the job is gone');
      const covered = { commitment: 'reserved', amount: usd(0.5), leaseMs: 2_000 };
      const slice = {
        sequence: 0,
        fromMs: 10,
        toMs: 50,
        amount: ZERO_USD,
        final: false,
        covered,
      };
      for (let times = 0; times < 2; times += 1)
        await stores().costEntries.book(attempt, job, slice, 60);
      expect(await stores().costEntries.accrued(attempt.id)).toEqual({
        entries: 1,
        amount: 0,
        toMs: 50,
        final: false,
        covered: { amount: usd(0.5), leaseMs: 2_000 },
      });
      await stores().commitments.put(commitment({ untilMs: 8_000 }), 2);
      const [state] = await stores().commitments.inForce(2_000);
      expect(state).toMatchObject({
        untilMs: 8_000,
        usedMs: 2_000,
        usedListCost: usd(0.5),
        grantedMs: 3_000,
        grantedListCost: usd(1.5),
      });
    });

    it('end now when they are used, and are forgotten when they never were', async () => {
      const { commitments } = stores();
      await commitments.put(commitment({ name: 'unused' }), 1);
      await commitments.put(commitment(), 1);
      await drawing('att-1', coverage);
      expect(await commitments.end('unused', 3_000)).toBe(true);
      expect(await commitments.end('reserved', 3_000)).toBe(true);
      expect(await commitments.end('none', 3_000)).toBe(false);
      expect(await commitments.list()).toMatchObject([{ name: 'reserved', untilMs: 3_000 }]);
    });

    it('are bounded, and make room once they have long been over', async () => {
      const { commitments } = stores();
      for (let n = 0; n < MAX_COMMITMENTS; n += 1)
        await commitments.put(commitment({ name: `c-${n}`, untilMs: 1_000 + n }), 1);
      expect(await commitments.put(commitment({ name: 'more' }), 1)).toBe(false);
      expect(await commitments.put(commitment({ name: 'c-7' }), 1)).toBe(true);
      const muchLater = 1_001 + FORGET_ENDED_AFTER_MS;
      await commitments.put(commitment({ name: 'c-9' }), muchLater);
      expect(await commitments.put(commitment({ name: 'more' }), muchLater)).toBe(true);
      expect(await commitments.list()).toHaveLength(MAX_COMMITMENTS);
    });
  });

  describe('transfers', () => {
    it('are booked once of each kind, and are no part of what the lease adds up to', async () => {
      const attempt = await drawing('att-1', null);
      const job = await stores().jobs.get(attempt.jobId);
      if (job === null) throw new Error('the job is gone');
      const transfer = { attempt, gb: 5, amount: usd(0.5), atMs: 70 };
      const { costEntries } = stores();
      expect(await costEntries.bookTransfer({ ...transfer, kind: 'outputs' }, job, 80)).toBe(true);
      expect(await costEntries.bookTransfer({ ...transfer, kind: 'outputs' }, job, 81)).toBe(false);
      expect(await costEntries.bookTransfer({ ...transfer, kind: 'checkpoint' }, job, 82)).toBe(
        true,
      );
      expect(await costEntries.accrued(attempt.id)).toEqual({
        entries: 0,
        amount: 0,
        toMs: null,
        final: false,
      });
    });
  });

  describe('what is agreed with a placement', () => {
    it('is kept as it was planned', async () => {
      const attempt = await drawing('att-1', { ...coverage, listCost: microUsd(7) });
      expect((await stores().attempts.get(attempt.id))?.agreed).toEqual(attempt.agreed);
    });
  });

  describe('calibration', () => {
    it('learns from each attempt once, also when told at the same time', async () => {
      const [first, second] = [await drawing('att-1', null), await drawing('att-2', null)];
      const { calibrations } = stores();
      const tell = (attempt: Attempt, key: string) =>
        calibrations.learn(attempt.id, key, lesson, 500);
      await Promise.all([tell(first, 'acme/spot'), tell(first, 'acme/spot')]);
      await Promise.all([tell(second, 'acme/spot'), tell(first, 'acme/spot')]);
      const all = await calibrations.all();
      expect(Object.keys(all)).toEqual(['acme/spot']);
      expect(all['acme/spot']).toMatchObject({
        asOfMs: 500,
        terms: { charge: { weight: 2, predicted: 200, realised: 260 } },
        finished: 2,
        within90: 2,
      });
    });
  });
}
