import { leaseCost } from './billing';
import { chanceOfLateness, cleanBill, costTerms, courseAt, totalOf } from './cost';
import { decide } from './decide';
import type { Reliability } from './health';
import type { JobFacts } from './job';
import { MAX_ESTIMATE, usd } from './money';
import { DEFAULT_PREFERENCES } from './policy';
import { counted } from './testing/health';
import { HOUR_MS, jobOf, offerOf } from './testing/job';
import { exponential, minimalRandom } from './testing/random';

const steady: Reliability = {
  interruptionsPerHour: 0,
  startFailureChance: 0,
  startupMs: 0.2 * HOUR_MS,
  recoveryWaitMs: 0.3 * HOUR_MS,
};

const losing = (meanUpHours: number, over: Partial<Reliability> = {}): Reliability => ({
  ...steady,
  interruptionsPerHour: 1 / meanUpHours,
  ...over,
});

/** Checkpoints are written at 200 MB/s, so this many GB take the given time. */
const gbWrittenIn = (hours: number): number => (hours * HOUR_MS) / 5_000;

function checkpointed(workHours: number, everyHours: number, writeHours: number): JobFacts {
  return jobOf({
    durationEstimateMs: workHours * HOUR_MS,
    checkpoint: {
      path: 'c',
      intervalMs: everyHours * HOUR_MS,
      sizeGb: gbWrittenIn(writeHours),
    },
  });
}

interface Lived {
  readonly billedMs: number;
  readonly wallMs: number;
  readonly losses: number;
}

/** One life of a job: losses may come at any time but during the first start, and throw it back to its last checkpoint. */
function live(job: JobFacts, reliability: Reliability, random: () => number): Lived {
  const { durationEstimateMs, checkpoint } = job.spec;
  const segmentMs = checkpoint?.intervalMs ?? durationEstimateMs;
  const stretchMs = segmentMs + (checkpoint?.sizeGb ?? 0) * 5_000;
  const meanUpMs = HOUR_MS / reliability.interruptionsPerHour;
  let left = Math.round(durationEstimateMs / segmentMs);
  let pendingMs = 0;
  let billedMs = reliability.startupMs;
  let waitedMs = 0;
  let losses = 0;
  while (left > 0) {
    const upMs = exponential(random, meanUpMs);
    if (upMs >= pendingMs + stretchMs) {
      billedMs += pendingMs + stretchMs;
      pendingMs = 0;
      left -= 1;
    } else {
      billedMs += upMs;
      waitedMs += reliability.recoveryWaitMs;
      losses += 1;
      pendingMs = reliability.startupMs;
    }
  }
  return { billedMs, wallMs: billedMs + waitedMs, losses };
}

const LIVES = 60_000;

function lives(job: JobFacts, reliability: Reliability, seed: number): readonly Lived[] {
  const random = minimalRandom(seed);
  return Array.from({ length: LIVES }, () => live(job, reliability, random));
}

const mean = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0) / values.length;

const within = (value: number, expected: number, share: number): boolean =>
  Math.abs(value - expected) <= share * expected;

describe('the expected course of a job', () => {
  it.each<[string, JobFacts, Reliability]>([
    ['often lost, checkpoints', checkpointed(6, 0.5, 0.02), losing(2)],
    ['seldom lost, checkpoints', checkpointed(12, 1, 0.1), losing(20)],
    [
      'as long as a mean up-time, no checkpoints',
      jobOf({ durationEstimateMs: 2 * HOUR_MS }),
      losing(2),
    ],
    ['restarts that are lost themselves', checkpointed(2, 0.5, 0), losing(0.5)],
  ])('agrees with %s simulated lives in bill, wall time and losses', (_name, job, reliability) => {
    const course = courseAt(job, reliability);
    const lived = lives(job, reliability, 7);
    const billed = mean(lived.map(({ billedMs }) => billedMs));
    const wall = mean(lived.map(({ wallMs }) => wallMs));
    const losses = mean(lived.map(({ losses: count }) => count));
    expect(within(course.changeoverMs + course.billedMs, billed, 0.02)).toBe(true);
    expect(within(course.wallMs, wall, 0.02)).toBe(true);
    expect(within(course.expectedLosses, losses, 0.02)).toBe(true);
  });

  it.each([
    // Work 24 h, changeover 0.2 h, writing 0.02 h; the interval is Young's optimum sqrt(2 c L).
    { meanUpHours: 1.91, waitHours: 0.32, billHours: 31.1, wallHours: 36.3 },
    { meanUpHours: 13.2, waitHours: 5.6, billHours: 26.0, wallHours: 36.9 },
  ])('gives the published worked example at a mean up-time of $meanUpHours h', (example) => {
    const { meanUpHours, waitHours, billHours, wallHours } = example;
    const job = checkpointed(24, Math.sqrt(2 * 0.02 * meanUpHours), 0.02);
    const course = courseAt(job, losing(meanUpHours, { recoveryWaitMs: waitHours * HOUR_MS }));
    expect((course.changeoverMs + course.billedMs) / HOUR_MS).toBeCloseTo(billHours, 0);
    expect(course.wallMs / HOUR_MS).toBeCloseTo(wallHours, 0);
  });

  it('is the work, its checkpoints and one start when nothing is ever lost', () => {
    const course = courseAt(checkpointed(10, 1, 0.1), steady);
    expect(course.billedMs / HOUR_MS).toBeCloseTo(11, 9);
    expect(course.wallMs / HOUR_MS).toBeCloseTo(11.2, 9);
    expect(course.expectedLosses).toBe(0);
  });

  it('comes close to that as losses become rare', () => {
    const job = checkpointed(10, 1, 0.1);
    const rare = courseAt(job, losing(1e9));
    expect(rare.billedMs).toBeCloseTo(courseAt(job, steady).billedMs, -1);
  });

  it('costs a service its changeovers and no rework, with or without checkpoints', () => {
    const work = { durationEstimateMs: 720 * HOUR_MS };
    const service = jobOf({ ...work, workload: 'inference' });
    const course = courseAt(service, losing(50));
    expect(course.expectedLosses).toBeCloseTo(720 / 50, 0);
    expect(course.billedMs).toBeLessThan(course.workMs * 1.01);
    const saving = { path: 'c', intervalMs: HOUR_MS, sizeGb: 100 };
    expect(
      courseAt(jobOf({ ...work, workload: 'inference', checkpoint: saving }), losing(50)),
    ).toEqual(course);
    expect(courseAt(jobOf(work), losing(50)).billedMs).toBeGreaterThan(1e4 * course.billedMs);
  });
});

describe('the chance of being late', () => {
  const simulated = (job: JobFacts, reliability: Reliability, deadlineMs: number): number =>
    mean(lives(job, reliability, 11).map(({ wallMs }) => (wallMs > deadlineMs ? 1 : 0)));

  it.each<[string, JobFacts, Reliability, number, number]>([
    [
      'no loss affordable, no checkpoints',
      jobOf({ durationEstimateMs: 4 * HOUR_MS }),
      losing(10),
      4.5,
      0.01,
    ],
    [
      'some losses affordable, no checkpoints',
      jobOf({ durationEstimateMs: 4 * HOUR_MS }),
      losing(4),
      16,
      0.05,
    ],
    ['many small losses', checkpointed(24, 0.5, 0.01), losing(3), 32, 0.05],
    ['many small losses, plenty of time', checkpointed(24, 0.5, 0.01), losing(3), 40, 0.02],
    ['many small losses, hardly any time', checkpointed(24, 0.5, 0.01), losing(3), 27, 0.05],
  ])('agrees with simulated lives: %s', (_name, job, reliability, deadlineHours, tolerance) => {
    const deadlineMs = deadlineHours * HOUR_MS;
    const chance = chanceOfLateness(courseAt(job, reliability), deadlineMs, 0);
    expect(Math.abs(chance - simulated(job, reliability, deadlineMs))).toBeLessThan(tolerance);
  });

  it('is nothing without a deadline and certain without slack', () => {
    const course = courseAt(jobOf({}), losing(10));
    expect(chanceOfLateness(course, null, 0)).toBe(0);
    expect(chanceOfLateness(course, course.workMs, 0)).toBe(1);
  });

  it('never grows when there is more time, over all orders of magnitude', () => {
    for (const meanUpHours of [1e-3, 0.1, 1, 10, 1_000]) {
      const courses = [
        jobOf({ durationEstimateMs: 100 * HOUR_MS }),
        checkpointed(1_000, 0.1, 0),
      ].map((job) => courseAt(job, losing(meanUpHours)));
      for (const course of courses) {
        let before = 1;
        for (let deadlineHours = 1; deadlineHours < 1e7; deadlineHours *= 1.3) {
          const chance = chanceOfLateness(course, deadlineHours * HOUR_MS, 0);
          expect(chance).toBeGreaterThanOrEqual(0);
          expect(chance).toBeLessThanOrEqual(before);
          before = chance;
        }
      }
    }
  });

  it('calls a job late that needs thousands of losses to be lucky', () => {
    const hopeless = courseAt(checkpointed(10_000, 1, 0), losing(0.5));
    expect(hopeless.expectedLosses).toBeGreaterThan(50_000);
    expect(chanceOfLateness(hopeless, 11_000 * HOUR_MS, 0)).toBe(1);
  });
});

describe('cost terms', () => {
  const offer = offerOf({
    pricePerHour: usd(2),
    billing: { incrementMs: HOUR_MS, minimumMs: HOUR_MS },
  });
  const terms = (job: JobFacts, reliability: Reliability, over = {}) =>
    costTerms(
      { ...offer, ...over },
      job,
      courseAt(job, reliability),
      reliability,
      0,
      DEFAULT_PREFERENCES,
    );

  it('bill a lease in which nothing goes wrong exactly as the provider would', () => {
    const cases = [
      { workMs: 1, startupMs: 0 },
      { workMs: 0.9 * HOUR_MS, startupMs: 0.2 * HOUR_MS },
      { workMs: 2 * HOUR_MS, startupMs: 90_000 },
    ];
    for (const { workMs, startupMs } of cases) {
      const costs = terms(jobOf({ durationEstimateMs: workMs }), { ...steady, startupMs });
      expect(cleanBill(costs)).toBe(leaseCost(usd(2), workMs + startupMs, offer.billing));
      expect(costs.interruption).toBe(0);
    }
  });

  it('add to each loss what the minimum charges beyond a short lease', () => {
    const job = checkpointed(10, 0.1, 0);
    const reliability = losing(0.5, { startupMs: 0 });
    const lean = terms(job, reliability, { billing: { incrementMs: 1, minimumMs: 0 } });
    const random = minimalRandom(3);
    const beyond = mean(
      Array.from({ length: LIVES }, () => Math.max(0, HOUR_MS - exponential(random, HOUR_MS / 2))),
    );
    const added = (terms(job, reliability).interruption - lean.interruption) / usd(2);
    const perLoss = (added * HOUR_MS) / courseAt(job, reliability).expectedLosses;
    expect(within(perLoss, beyond, 0.02)).toBe(true);
  });

  it('charge egress for outputs and for a checkpoint that lies elsewhere, not for losses', () => {
    const outputs = [{ path: 'o', sizeGb: 50, dataClass: 'public' }] as const;
    const egressPerGb = usd(0.09);
    expect(terms(jobOf({ outputs }), steady, { egressPerGb }).egress).toBe(usd(4.5));
    const job = checkpointed(10, 1, 0.1);
    expect(courseAt(job, losing(5)).expectedLosses).toBeGreaterThan(1);
    expect(terms(job, losing(5), { egressPerGb }).egress).toBe(0);
    const moving = { ...job, checkpointAt: 'nimbus/south' };
    expect(terms(moving, losing(5), { egressPerGb }).egress).toBe(
      Math.round(gbWrittenIn(0.1) * usd(0.02)),
    );
  });

  it('ask a margin for tokens only, and checks for unproven hardware only', () => {
    const rates = { ...DEFAULT_PREFERENCES, tokenRiskBps: 1_000, verificationBps: 500 };
    const job = jobOf({ durationEstimateMs: HOUR_MS });
    const noStart = { ...steady, startupMs: 0 };
    const priced = (over: Partial<typeof offer>) =>
      costTerms({ ...offer, ...over }, job, courseAt(job, noStart), noStart, 0, rates);
    expect(priced({ settlementToken: 'TOKEN' })).toMatchObject({
      'token-risk': usd(0.2),
      verification: usd(0.11),
    });
    expect(priced({ providerKind: 'hyperscaler' })).toMatchObject({
      'token-risk': 0,
      verification: 0,
    });
  });

  it('stay whole, safe and in order when a job cannot ever finish', () => {
    const job = jobOf({ durationEstimateMs: 1e12 });
    const huge = terms(job, losing(1e-3), { pricePerHour: usd(10_000), settlementToken: 'TOKEN' });
    expect(huge.interruption).toBe(MAX_ESTIMATE);
    expect(Number.isSafeInteger(totalOf(huge))).toBe(true);
    const less = terms(job, losing(1e-3), { pricePerHour: usd(1), settlementToken: 'TOKEN' });
    expect(totalOf(less)).toBeLessThanOrEqual(totalOf(huge));
  });
});

describe('work without checkpoints', () => {
  const health = {
    'nimbus/spot': counted({ leaseMs: 1e12, interruptions: 1e12 / HOUR_MS }),
  };
  const codesFor = (job: JobFacts): readonly string[] => {
    const offers = [offerOf({ market: 'spot', interruptible: true })];
    const policy = { version: '', rules: [], preferences: {} };
    const { rejected } = decide({ job, policy, offers, health, suspensions: [], nowMs: 0 });
    return rejected.flatMap(({ reasons }) => reasons.map(({ code }) => code));
  };

  it('is not put where it is expected to be lost before it is done, one mean up-time being an hour', () => {
    expect(codesFor(jobOf({ durationEstimateMs: 1.1 * HOUR_MS }))).toEqual(['work-would-be-lost']);
    expect(codesFor(jobOf({ durationEstimateMs: 0.9 * HOUR_MS }))).toEqual([]);
    expect(codesFor(checkpointed(10, 0.1, 0))).toEqual([]);
    expect(codesFor(jobOf({ durationEstimateMs: 10 * HOUR_MS, workload: 'inference' }))).toEqual(
      [],
    );
  });
});
