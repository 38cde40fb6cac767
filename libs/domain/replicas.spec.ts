import { aJob, anAttempt, anOffer, aSpec, BUILT_AT_MS } from '#libs/testkit';
import { NO_REPORT, type Attempt } from './attempt';
import { costTermNames, type CostTerms, type RankedOffer } from './decision';
import { asDecisionId } from './ids';
import type { JobSpec } from './job';
import { jobStep } from './job-step';
import { REST, type JobStep } from './job-view';
import { usd, ZERO_USD } from './money';
import { failureDomainOf, type Offer } from './offer';
import { DEFAULT_PREFERENCES } from './policy';
import { availabilityBps, calmDomains, planReplicas, replicasWanted } from './replicas';
import { indexSuspensions } from './suspension';

const HOUR_MS = 3_600_000;
const NOW_MS = BUILT_AT_MS + 10 * HOUR_MS;
const wish = { target: 2, extra: 1 };

const spotIn = (region: string, dollars: number, wanted: Partial<Omit<Offer, 'providerId'>> = {}) =>
  anOffer({ region, interruptible: true, market: 'spot', pricePerHour: usd(dollars), ...wanted });
const north = spotIn('north', 1);
const south = spotIn('south', 1.2);
const west = spotIn('west', 1.4);
const firm = anOffer({ region: 'north', pricePerHour: usd(4) });
const terms = Object.fromEntries(costTermNames.map((name) => [name, ZERO_USD])) as CostTerms;
const ranked = (offer: Offer): RankedOffer => ({
  offer,
  terms,
  expectedCost: offer.pricePerHour,
  latenessBps: 0,
  noReturnAtMs: null,
});
const open = [north, south, west, firm].map(ranked);

let made = 0;
const replica = (offer: Offer, wanted: Partial<Attempt> = {}): Attempt => {
  made += 1;
  return anAttempt({
    phase: 'running',
    role: 'replica',
    number: made,
    slot: made,
    offer,
    report: { ...NO_REPORT, bootId: 'b', startedAtMs: NOW_MS - HOUR_MS, heartbeatAtMs: NOW_MS },
    ...wanted,
    id: `att-${made}`,
    jobId: 'job-1',
  });
};
const pending = (offer: Offer): Attempt => replica(offer, { phase: 'starting', report: NO_REPORT });
const lost = (offer: Offer, phaseSinceMs: number): Attempt =>
  replica(offer, { phase: 'released', outcome: 'interrupted', phaseSinceMs });

const placesOf = (attempts: readonly Attempt[], offers = open, wanted = wish): readonly string[] =>
  planReplicas(wanted, attempts, offers).place.map(
    ({ offer }) => `${offer.interruptible ? 'spot' : 'firm'} ${offer.region}`,
  );

describe('the replicas that a service wants', () => {
  it('are filled up on reliable supply by as many as are not ready, never more than the target', () => {
    const reliable = [0, 1, 2, 3].map((ready) => replicasWanted(wish, ready, true).reliable);
    expect(reliable).toEqual([2, 2, 1, 0]);
    expect(replicasWanted(wish, 0, true).interruptible).toBe(3);
    expect(replicasWanted(wish, 0, false)).toEqual({ interruptible: 0, reliable: 2 });
  });

  it('begin with all of the cheap ones spread out, and the target on reliable supply meanwhile', () => {
    expect(placesOf([])).toEqual([
      'firm north',
      'firm north',
      'spot south',
      'spot west',
      'spot north',
    ]);
  });

  it('are complete when the cheap ones are ready: the reliable ones go', () => {
    const cheap = [replica(north), replica(south), replica(west)];
    const dear = [replica(firm), pending(firm)];
    const { place, drop, missing } = planReplicas(wish, [...cheap, ...dear], open);
    expect({ place, missing }).toEqual({ place: [], missing: 0 });
    expect([...drop].sort()).toEqual(dear.map(({ id }) => id).sort());
  });

  it('lose first what is not ready, then what came last', () => {
    const cheap = [pending(north), replica(south), replica(west), replica(north)];
    expect(planReplicas(wish, cheap, []).drop).toEqual([cheap[0]?.id]);
  });

  it('replace a loss elsewhere, and fill up until the replacement is ready', () => {
    const attempts = [replica(north), replica(south), lost(west, NOW_MS - 1)];
    expect(placesOf(attempts)).toEqual(['firm north', 'spot north']);
  });

  it('say how many are missing where supply is short', () => {
    const only = [ranked({ ...north, quantity: 1 })];
    expect(planReplicas(wish, [], only)).toMatchObject({ missing: 4, place: only });
    const host = ranked(spotIn('north', 1, { hostId: 'host-1' }));
    expect(planReplicas(wish, [replica(host.offer)], [host]).place).toEqual([]);
  });
});

describe('failure domains', () => {
  const domains = (attempts: readonly Attempt[]) => [...calmDomains(attempts, open)].sort();

  it('are avoided after a loss, until a replica is ready there again', () => {
    const gone = lost(west, NOW_MS - 5);
    expect(domains([gone])).toEqual([failureDomainOf(north), failureDomainOf(south)]);
    const back = replica(west, { report: { ...NO_REPORT, startedAtMs: NOW_MS - 1 } });
    expect(domains([gone, back])).toHaveLength(3);
  });

  it('are all back when fewer than two are left', () => {
    expect(domains([lost(west, NOW_MS - 5), lost(south, NOW_MS - 4)])).toHaveLength(3);
  });
});

describe('availability', () => {
  const from = (startMs: number, endMs: number) =>
    replica(north, {
      phase: 'released',
      phaseSinceMs: endMs,
      report: { ...NO_REPORT, startedAtMs: startMs, heartbeatAtMs: endMs },
    });

  it('is the share of time in which the target was ready', () => {
    const spans = [from(0, 100), from(20, 80), from(50, 100)];
    expect(availabilityBps(spans, 1, 0, 100)).toBe(10_000);
    expect(availabilityBps(spans, 2, 0, 100)).toBe(8_000);
    expect(availabilityBps(spans, 3, 0, 100)).toBe(3_000);
    expect(availabilityBps(spans, 4, 0, 100)).toBe(0);
    expect(availabilityBps([], 1, 5, 5)).toBe(10_000);
  });

  it('counts a replica that still runs up to now, and one that is gone up to its last sign of life', () => {
    const silent = replica(north, {
      phase: 'released',
      phaseSinceMs: 90,
      report: { ...NO_REPORT, startedAtMs: 0, heartbeatAtMs: 40 },
    });
    expect(availabilityBps([silent], 1, 0, 100)).toBe(4_000);
    const running = replica(north, { report: { ...NO_REPORT, startedAtMs: 60 } });
    expect(availabilityBps([silent, running], 1, 0, 100)).toBe(8_000);
  });
});

describe('a service', () => {
  const spec = (wanted: Partial<JobSpec> = {}): JobSpec =>
    aSpec({ workload: 'inference', replicas: { target: 1, extra: 1 }, ...wanted });

  function stepOf(
    attempts: readonly Attempt[],
    wanted: Partial<JobSpec> = {},
    cancelRequestedAtMs: number | null = null,
  ): JobStep {
    const job = aJob({
      id: 'job-1',
      spec: spec(wanted),
      submittedAtMs: NOW_MS - HOUR_MS,
      decisionId: asDecisionId('dec-1'),
      cancelRequestedAtMs,
    });
    const summary = {
      engine: 'decide/1',
      ranked: open,
      rankedCount: open.length,
      rejectedCount: 0,
      rejectionCounts: {},
      ruleCounts: {},
      nearestMisses: [],
      awaited: [],
      awaitedUntilMs: null,
      baseline: null,
    };
    return jobStep({
      job,
      attempts,
      decision: {
        atMs: NOW_MS,
        summary,
        reserves: [],
        health: {},
        preferences: DEFAULT_PREFERENCES,
      },
      suspensions: indexSuspensions([], job.id, NOW_MS),
      spokenFor: new Set(),
      nowMs: NOW_MS,
    });
  }

  it('places what is missing, each in a slot of its own', () => {
    const step = stepOf([replica(north, { slot: 0 })]);
    const placements = step.do === 'place' ? step.placements : [];
    expect(placements.map(({ role, slot }) => `${role} ${slot}`)).toEqual([
      'replica 1',
      'replica 2',
    ]);
  });

  it('gives up what is not needed any more, and rests when it is whole', () => {
    const cheap = [replica(north), replica(south)];
    const dear = replica(firm);
    expect(stepOf([...cheap, dear])).toEqual({
      do: 'abandon',
      attempts: [dear.id],
      as: 'unneeded',
    });
    expect(stepOf(cheap)).toMatchObject({ do: 'rest' });
  });

  it('is completed when its time is over, once nothing is left of it', () => {
    const sla = { ...aSpec().sla, maxDurationMs: HOUR_MS };
    const live = replica(north);
    expect(stepOf([live], { sla })).toMatchObject({ do: 'abandon', as: 'unneeded' });
    expect(stepOf([{ ...live, phase: 'releasing' }], { sla })).toEqual(REST);
    const gone = { ...live, phase: 'released', outcome: 'unneeded' } as const;
    expect(stepOf([gone], { sla })).toEqual({ do: 'end', outcome: 'completed' });
  });

  it('is cancelled once nothing is left of it', () => {
    expect(stepOf([replica(north, { phase: 'releasing' })], {}, NOW_MS)).toEqual(REST);
    const gone = replica(north, { phase: 'released', outcome: 'cancelled' });
    expect(stepOf([gone], {}, NOW_MS)).toEqual({ do: 'end', outcome: 'cancelled' });
  });

  it('fails when its program keeps ending by itself, and not for being interrupted', () => {
    const interrupted = [1, 2, 3, 4, 5].map(() => lost(north, NOW_MS - 1));
    expect(stepOf(interrupted).do).toBe('place');
    const crashed = replica(north, { phase: 'released', outcome: 'succeeded' });
    expect(stepOf([crashed])).toEqual({ do: 'end', outcome: 'workload-failed' });
    const retry = { on: ['error' as const], limit: 1 };
    expect(stepOf([crashed], { retry }).do).toBe('place');
    expect(stepOf([crashed, { ...crashed }], { retry }).do).toBe('end');
  });

  it('ends when its money is spent', () => {
    const spent = replica(firm, { phase: 'released', outcome: 'out-of-budget' });
    expect(stepOf([spent])).toEqual({ do: 'end', outcome: 'budget-exhausted' });
  });
});
