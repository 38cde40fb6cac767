import { decide } from './decide';
import type { DecisionInput } from './decision';
import { advisedIntervalMs, courseAt } from './course';
import { costFactsOf, costTerms, fallbackCost, withFallback, type Delivery } from './cost';
import { agreedTerms, costPerJobHour, withEffectiveCosts } from './effective-cost';
import { summarise } from './explain';
import { asOfferId, asProviderId } from './ids';
import type { JobFacts } from './job';
import { microUsd, usd, ZERO_USD } from './money';
import { DEFAULT_PREFERENCES } from './policy';
import { counted } from './testing/health';
import { HOUR_MS, jobOf, offerOf } from './testing/job';
import { exponential, minimalRandom } from './testing/random';

const preferences = { ...DEFAULT_PREFERENCES, latenessCost: ZERO_USD };
/** 0.02 h at 200 MB/s. */
const checkpoint = { path: 'c', intervalMs: HOUR_MS, sizeGb: 14.4, auto: true };

const delivery = (meanUpHours: number, over: Partial<Delivery> = {}): Delivery => ({
  interruptionsPerHour: 1 / meanUpHours,
  startFailureChance: 0,
  startupMs: 0.2 * HOUR_MS,
  recoveryWaitMs: 0,
  lieChance: 0.02,
  ...over,
});

describe('the published worked example: 24 h of work, 50 GB out at 0.09, failure 2 %, fallback at 6.88', () => {
  const outputs = [{ path: 'o', sizeGb: 50, dataClass: 'public' }] as const;
  const job = jobOf({ durationEstimateMs: 24 * HOUR_MS, checkpoint, outputs });
  const billing = { incrementMs: 60_000, minimumMs: 0 };
  const fallback = fallbackCost({ pricePerHour: usd(6.88), billing }, job);
  /** The daily volatility at which a day's quantile is 13 %, stretched to the example's one day until settlement. */
  const sigmaFor = (wallHours: number) =>
    Math.log(1.13) / (1.645 * Math.sqrt(((4 / 9) * wallHours) / 24));

  it.each([
    // tau sqrt(2 c L): 0.28 h; 16 losses; bill 31.1 h; wall 36.3 h.
    { place: 'Texas', price: 1.87, up: 1.91, wait: 0.32, wall: 36.29, hour: 2.74, token: 3.05 },
    { place: 'Finland', price: 0.8, up: 13.2, wait: 5.6, wall: 36.89, hour: 1.18, token: 1.3 },
  ])('$place comes to $hour an hour, and $token in a token', (example) => {
    const { price, up, wait, wall, hour, token } = example;
    const reliability = delivery(up, { recoveryWaitMs: wait * HOUR_MS });
    const course = courseAt(job, reliability);
    const perHour = (settlementToken: string | null) => {
      const offer = offerOf({
        providerKind: 'decentralised',
        pricePerHour: usd(price),
        egressPerGb: usd(0.09),
        billing,
        settlementToken,
      });
      const rate = { usdMicro: usd(1), readAtMs: 0, sigmaDaily: sigmaFor(wall), sources: [] };
      const facts = costFactsOf(
        job,
        { fx: { FIL: rate }, egressPerGb: {}, calibration: {}, commitments: [] },
        0,
      );
      const list = costTerms(offer, job, course, reliability, 0, preferences, facts);
      const terms = withFallback(list, offer, job, course, reliability, 0, preferences, fallback);
      return (costPerJobHour({ terms, latenessBps: 0 }, 24 * HOUR_MS) ?? 0) / 1e6;
    };
    expect(Math.abs(perHour(null) - hour)).toBeLessThan(0.01);
    expect(Math.abs(perHour('FIL') - token)).toBeLessThan(0.015);
  });
});

describe('the checkpoint interval', () => {
  const job = jobOf({ durationEstimateMs: 24 * HOUR_MS, checkpoint });

  it('is Young’s sqrt(2 c L), at least a minute and at most the work', () => {
    const advised = (meanUpHours: number, sizeGb = 14.4) =>
      (advisedIntervalMs(
        jobOf({ ...job.spec, checkpoint: { ...checkpoint, sizeGb } }),
        delivery(meanUpHours),
      ) ?? 0) / HOUR_MS;
    expect(advised(1.91)).toBeCloseTo(0.2764, 3);
    expect(advised(13.2)).toBeCloseTo(0.7266, 3);
    expect(advised(1e9)).toBe(24);
    expect(advised(5, 0)).toBe(1 / 60);
    expect(advisedIntervalMs(job, delivery(Infinity))).toBe(24 * HOUR_MS);
  });

  it('is what a job that leaves it to the router is priced at, and within a per cent of the best there is', () => {
    for (const meanUpHours of [1, 4, 20]) {
      const reliability = delivery(meanUpHours);
      const billed = (intervalMs: number) =>
        courseAt(
          jobOf({ ...job.spec, checkpoint: { path: 'c', sizeGb: 14.4, intervalMs } }),
          reliability,
        ).billedMs;
      const auto = courseAt(job, reliability).billedMs;
      const tried = Array.from({ length: 200 }, (_, index) => billed((index + 1) * 0.02 * HOUR_MS));
      expect(auto).toBeLessThan(1.01 * Math.min(...tried));
      expect(auto).toBeLessThanOrEqual(billed(4 * HOUR_MS));
    }
  });

  it('is nothing for work without checkpoints', () => {
    expect(advisedIntervalMs(jobOf({}), delivery(2))).toBeNull();
    expect(
      advisedIntervalMs(jobOf({ ...job.spec, workload: 'inference' }), delivery(2)),
    ).toBeNull();
  });
});

describe('the expected bill with a fallback', () => {
  /** One life: the provider may never deliver, which is noticed at any time; then everything is done at the fallback. */
  it('agrees with simulated lives: E = (1 - q) K + q (phi K + K_fallback)', () => {
    const job = jobOf({ durationEstimateMs: 10 * HOUR_MS });
    const reliability = delivery(Infinity, {
      interruptionsPerHour: 0,
      lieChance: 0.3,
      startupMs: 0,
    });
    const offer = offerOf({ providerKind: 'decentralised', pricePerHour: usd(1) });
    const course = courseAt(job, reliability);
    const list = costTerms(offer, job, course, reliability, 0, preferences);
    const terms = withFallback(list, offer, job, course, reliability, 0, preferences, usd(68.8));
    const random = minimalRandom(5);
    const lives = 50_000;
    let total = 0;
    for (let life = 0; life < lives; life += 1) total += random() < 0.3 ? random() * 10 + 68.8 : 10;
    const paid = (terms.run + terms.interruption + terms['provider-failure']) / 1e6;
    expect(Math.abs(paid - total / lives)).toBeLessThan(0.01 * paid);
  });

  it('counts a late finish at what finishing there costs, on top of what lateness costs anyway', () => {
    const job = jobOf({ durationEstimateMs: 10 * HOUR_MS });
    const reliability = delivery(5, { lieChance: 0 });
    const offer = offerOf({});
    const course = courseAt(job, reliability);
    const rates = { ...preferences, latenessCost: usd(50) };
    const list = costTerms(offer, job, course, reliability, 0.1, rates);
    expect(list.lateness).toBe(usd(5));
    const terms = withFallback(list, offer, job, course, reliability, 0.1, rates, usd(68.8));
    expect(terms.lateness).toBe(usd(11.88));
    expect(terms['provider-failure']).toBe(0);
  });
});

describe('what is kept beside a ranked offer', () => {
  const spot = offerOf({ market: 'spot', interruptible: true, pricePerHour: usd(1) });
  const firm = offerOf({
    id: asOfferId('firm'),
    providerId: asProviderId('cumulus'),
    providerKind: 'hyperscaler',
    pricePerHour: usd(7),
  });
  const job: JobFacts = jobOf({ durationEstimateMs: 8 * HOUR_MS, checkpoint });
  const input: DecisionInput = {
    job,
    policy: { version: '', rules: [], preferences: {} },
    offers: [spot, firm],
    health: {
      'nimbus/spot': counted({
        leaseMs: 3_000 * HOUR_MS,
        interruptions: 1_000,
        starts: 100,
        startMsTotal: 100 * 720_000,
      }),
    },
    suspensions: [],
    nowMs: 0,
  };
  const kept = (one: DecisionInput = input) =>
    withEffectiveCosts(summarise(decide(one)), one).ranked;

  it('is the cost of a useful hour, which adds up to the terms that are paid', () => {
    const [best] = kept();
    expect(best?.offer.id).toBe(spot.id);
    const paid = (best?.expectedCost ?? 0) - (best?.terms.waiting ?? 0);
    expect(best?.effective?.perJobHour).toBe(microUsd(Math.round(paid / 8)));
    expect(costPerJobHour({ terms: best?.terms ?? list0, latenessBps: 5_000 }, 8 * HOUR_MS)).toBe(
      Math.round(paid / 4),
    );
    expect(
      costPerJobHour({ terms: best?.terms ?? list0, latenessBps: 10_000 }, HOUR_MS),
    ).toBeNull();
  });

  it('holds nine in ten bills of simulated lives between its bounds', () => {
    const { prediction, checkpointEveryMs } = kept()[0]?.effective ?? {};
    if (prediction === undefined) throw new Error('nothing was predicted');
    const random = minimalRandom(21);
    const [intervalMs, writeMs] = [checkpointEveryMs ?? 0, 14.4 * 5_000];
    const lives = Array.from({ length: 4_000 }, () => {
      let left = 8 * HOUR_MS;
      let pendingMs = prediction.startUpMs;
      let billedMs = 0;
      while (left > 0) {
        const stretchMs = Math.min(left, intervalMs) + writeMs;
        const upMs = exponential(random, 3 * HOUR_MS);
        billedMs += Math.min(upMs, pendingMs + stretchMs);
        if (upMs >= pendingMs + stretchMs) left -= intervalMs;
        pendingMs = upMs >= pendingMs + stretchMs ? 0 : prediction.startUpMs;
      }
      return (billedMs * usd(1)) / HOUR_MS;
    });
    const { low, high } = prediction.charge90;
    const inside = lives.filter((bill) => bill >= low && bill <= high).length / lives.length;
    expect(inside).toBeGreaterThan(0.88);
    expect(inside).toBeLessThanOrEqual(0.99);
  });

  it('settles the interval for a job that leaves it open, and nothing for one that does not', () => {
    const [best] = kept();
    if (best === undefined) throw new Error('nothing was ranked');
    expect(agreedTerms(best, job.spec)).toEqual({
      coverage: null,
      checkpointEveryMs: best.effective?.checkpointEveryMs,
    });
    expect(agreedTerms(best, { checkpoint: { ...checkpoint, auto: false } })).toBeNull();
  });
});

const list0 = costTerms(
  offerOf({}),
  jobOf({}),
  courseAt(jobOf({}), delivery(9)),
  delivery(9),
  0,
  preferences,
);
