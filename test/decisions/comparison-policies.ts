import {
  IDLE,
  NOWHERE,
  type Future,
  type MarketHistory,
  type OraclePolicy,
  type Placement,
  type TraceJob,
  type TraceMode,
  type TracePolicy,
  type TraceRun,
  type TraceView,
} from './trace-policy';

/** Absorbs rounding when seconds are cut into ticks and when progress is held against a line. */
const TICK_EPSILON = 1e-9;
const CHANGEOVER_EPSILON_S = 1e-3;
const WORK_EPSILON_S = 1e-6;
/** The slices of the time-sliced policy, and the probes over which UP(A) takes a zone's success rate. */
export const SLICES = 8;
const STEADINESS_TICKS = 56;

/** What a rule decides from. `target` is the spot zone it would run in: the one it is in, or the one it would pick. */
interface Situation {
  readonly view: TraceView;
  readonly job: TraceJob;
  readonly history: MarketHistory;
  readonly target: number;
}

type Rule = (situation: Situation) => TraceMode;
type Pick = (job: TraceJob, history: MarketHistory) => number;

interface Recipe {
  readonly name: string;
  readonly wants: Rule;
  readonly pick: Pick;
  /** Whether the safety net has the last word. */
  readonly hasNet: boolean;
}

/** The published policies that know no future, as rules of one situation. Sources: NSDI'24 "Can't Be Late" and its release. */
export const onDemandOnly = policyOf('od', () => 'on-demand', { hasNet: false });
export const spotOnly = policyOf('spot_only', spotOrIdle, { hasNet: false });
export const spotElseOnDemand = policyOf('spot_else_od', spotOrOnDemand, { hasNet: false });
export const greedy = policyOf('greedy', spotOrIdle);
export const sliced = policyOf('sliced', slicedGreedy);
export const uniformProgressPlain = policyOf('up_plain', uniformPlain);
export const uniformProgress = policyOf('up', uniformWithHysteresis);
/** SkyPilot's failover with Uniform Progress in the zone with the best success rate of late. */
export const uniformProgressSteadiest = policyOf('up_avail', uniformWithHysteresis, {
  pick: steadiestZone,
});

/** Uniform Progress that is told how long spot stays; for one zone. */
export const uniformProgressOracle: OraclePolicy = {
  name: 'up_oracle',
  begin: (job, history, future) =>
    new RuleRun(job, history, {
      name: 'up_oracle',
      wants: (situation) => uniformWithLifetime(situation, future),
      pick: cheapestZone,
      hasNet: true,
    }),
};

/** SkyNomad's unified cost model, told how long spot stays. */
export const unifiedCostOracle: OraclePolicy = {
  name: 'ucm_oracle',
  begin: (job, history, future) => new UnifiedCostRun(job, history, future),
};

function policyOf(name: string, wants: Rule, options: Partial<Recipe> = {}): TracePolicy {
  const recipe = { name, wants, pick: cheapestZone, hasNet: true, ...options };
  return { name, begin: (job, history) => new RuleRun(job, history, recipe) };
}

/** Runs a rule: stays in its spot zone until pre-empted, falls back to the cheapest on-demand zone. */
class RuleRun implements TraceRun {
  private readonly fallback: number;

  constructor(
    private readonly job: TraceJob,
    private readonly history: MarketHistory,
    private readonly recipe: Recipe,
  ) {
    this.fallback = cheapestOnDemand(job, history);
  }

  decide(view: TraceView): Placement {
    const { job, history, recipe } = this;
    const target = view.mode === 'spot' ? view.zone : recipe.pick(job, history);
    const mode = recipe.wants({ view, job, history, target });
    const wanted = this.placement(mode, target, view);
    return recipe.hasNet ? safetyNet(wanted, view, job, history, this.fallback) : wanted;
  }

  private placement(mode: TraceMode, target: number, view: TraceView): Placement {
    if (mode === 'spot') return this.history.spotIn[target] ?? IDLE;
    return mode === 'on-demand' ? onDemandPlacement(view, this.history, this.fallback) : IDLE;
  }
}

/** The published safety net: the last tick at which on-demand still makes the deadline, with one changeover or with two. */
function safetyNet(
  wanted: Placement,
  view: TraceView,
  job: TraceJob,
  { tickS, spotIn, onDemandIn }: MarketHistory,
  fallback: number,
): Placement {
  const roomS = wholeTicks(view.remainingS, tickS);
  const isTight = ticksFor(view.leftS + job.changeoverS, tickS) >= roomS;
  const isNearlyTight = ticksFor(view.leftS + 2 * job.changeoverS, tickS) >= roomS;
  const runsSpot = view.mode === 'spot';
  const onDemand =
    (view.mode === 'on-demand' ? onDemandIn[view.zone] : onDemandIn[fallback]) ?? IDLE;
  if (isTight) {
    const hasStarted = runsSpot && view.changeoverLeftS < CHANGEOVER_EPSILON_S;
    return hasStarted ? (spotIn[view.zone] ?? IDLE) : onDemand;
  }
  return isNearlyTight && !runsSpot ? onDemand : wanted;
}

function onDemandPlacement(
  view: TraceView,
  { onDemandIn }: MarketHistory,
  fallback: number,
): Placement {
  return (view.mode === 'on-demand' ? onDemandIn[view.zone] : onDemandIn[fallback]) ?? IDLE;
}

function spotOrIdle({ target }: Situation): TraceMode {
  return target === NOWHERE ? 'idle' : 'spot';
}

function spotOrOnDemand({ target }: Situation): TraceMode {
  return target === NOWHERE ? 'on-demand' : 'spot';
}

/** Greedy, held to a share of the work in each slice of the time. */
function slicedGreedy(situation: Situation): TraceMode {
  const { view, job, history } = situation;
  const wanted = spotOrIdle(situation);
  const sliceS = job.deadlineS / SLICES;
  const slice = Math.min(Math.trunc(Math.floor(view.nowS / sliceS) + TICK_EPSILON), SLICES - 1);
  const leftS = ((slice + 1) * job.workS) / SLICES - view.doneS;
  if (leftS <= WORK_EPSILON_S) return wanted;
  const roomS = wholeTicks((slice + 1) * sliceS - view.nowS, history.tickS);
  if (ticksFor(leftS + job.changeoverS, history.tickS) >= roomS) {
    const hasStarted = view.mode === 'spot' && view.changeoverLeftS < CHANGEOVER_EPSILON_S;
    return hasStarted ? 'spot' : 'on-demand';
  }
  const isNearlyTight = ticksFor(leftS + 2 * job.changeoverS, history.tickS) >= roomS;
  return isNearlyTight && view.mode !== 'spot' ? 'on-demand' : wanted;
}

function uniformPlain(situation: Situation): TraceMode {
  if (situation.target !== NOWHERE) return 'spot';
  return isBehind(situation) ? 'on-demand' : 'idle';
}

/** On-demand is left only with progress to spare for the way there and back. */
function uniformWithHysteresis(situation: Situation): TraceMode {
  const { view, job, target } = situation;
  if (view.mode !== 'on-demand') return uniformPlain(situation);
  const lineS = ((view.nowS + 2 * job.changeoverS) * job.workS) / job.deadlineS;
  return target === NOWHERE || view.doneS < lineS + TICK_EPSILON ? 'on-demand' : 'spot';
}

/** The break-even of a changeover against a known lifetime: NSDI'24 section on next-spot-lifetime oracles. */
function uniformWithLifetime(situation: Situation, future: Future): TraceMode {
  const { view, job, history, target } = situation;
  const lifetimeS = target === NOWHERE ? 0 : future.availableForS(target, view.tick);
  const zone = target === NOWHERE ? (job.candidates[0] ?? 0) : target;
  const ratio =
    (history.zones[zone]?.onDemandUsdPerHour ?? Infinity) / history.spotUsdPerHour(zone, view.tick);
  const breakEvenS = (ratio * job.changeoverS) / (ratio - 1);
  if (view.mode === 'spot') return 'spot';
  if (view.mode === 'on-demand') return lifetimeS > 2 * breakEvenS ? 'spot' : 'on-demand';
  if (lifetimeS > breakEvenS) return 'spot';
  return isBehind(situation) ? 'on-demand' : 'idle';
}

function isBehind({ view, job }: Situation): boolean {
  return view.doneS < (view.nowS * job.workS) / job.deadlineS;
}

/** The cheapest zone with spot at this tick; the first of equals. */
function cheapestZone({ candidates }: TraceJob, history: MarketHistory): number {
  let best = NOWHERE;
  let bestUsd = Infinity;
  for (const zone of candidates) {
    if (!history.isAvailable(zone, history.nowTick)) continue;
    const usd = history.spotUsdPerHour(zone, history.nowTick);
    if (best !== NOWHERE && usd >= bestUsd) continue;
    best = zone;
    bestUsd = usd;
  }
  return best;
}

/** The zone with spot whose probes succeeded most often of late; the cheaper of equals. Probes begin with the job. */
function steadiestZone(job: TraceJob, history: MarketHistory): number {
  let best = NOWHERE;
  let bestRate = -1;
  let bestUsd = Infinity;
  const from = Math.max(job.startTick, history.nowTick - STEADINESS_TICKS + 1);
  for (const zone of job.candidates) {
    if (!history.isAvailable(zone, history.nowTick)) continue;
    let successes = 0;
    for (let tick = from; tick <= history.nowTick; tick += 1) {
      if (history.isAvailable(zone, tick)) successes += 1;
    }
    const usd = history.spotUsdPerHour(zone, history.nowTick);
    if (successes < bestRate || (successes === bestRate && usd >= bestUsd)) continue;
    best = zone;
    bestRate = successes;
    bestUsd = usd;
  }
  return best;
}

/** The cheapest zone that sells on demand, NOWHERE where none does. */
export function cheapestOnDemand({ candidates }: TraceJob, { zones }: MarketHistory): number {
  let best = NOWHERE;
  let bestUsd = Infinity;
  for (const zone of candidates) {
    const usd = zones[zone]?.onDemandUsdPerHour ?? Infinity;
    if (usd >= bestUsd) continue;
    best = zone;
    bestUsd = usd;
  }
  return best;
}

/** What a lifetime of on-demand capacity counts as, in hours: no end of it. */
const ENDLESS_H = 1e9;
const NO_LIFETIME_USD = 1e9;
const HOUR_S = 3600;

/** Takes the placement with the most value per hour, when it beats the one it has. */
class UnifiedCostRun implements TraceRun {
  private readonly fallback: number;

  constructor(
    private readonly job: TraceJob,
    private readonly history: MarketHistory,
    private readonly future: Future,
  ) {
    this.fallback = cheapestOnDemand(job, history);
  }

  decide(view: TraceView): Placement {
    return safetyNet(this.bestOf(view), view, this.job, this.history, this.fallback);
  }

  private bestOf(view: TraceView): Placement {
    const { job, history } = this;
    const worth = this.progressUsdPerHour(view);
    let best = IDLE;
    let bestUsd = -Infinity;
    for (const zone of job.candidates) {
      if (!history.isAvailable(zone, view.tick)) continue;
      const usd = this.usdPerHour('spot', zone, worth, view);
      if (usd <= bestUsd) continue;
      bestUsd = usd;
      best = history.spotIn[zone] ?? IDLE;
    }
    for (const zone of job.candidates) {
      const usd = this.usdPerHour('on-demand', zone, worth, view);
      if (usd <= bestUsd) continue;
      bestUsd = usd;
      best = history.onDemandIn[zone] ?? IDLE;
    }
    if (bestUsd < 0) {
      bestUsd = 0;
      best = IDLE;
    }
    const currentUsd =
      view.mode === 'idle' ? 0 : this.usdPerHour(view.mode, view.zone, worth, view);
    return bestUsd > currentUsd + TICK_EPSILON ? best : this.stay(view);
  }

  private stay({ mode, zone }: TraceView): Placement {
    if (mode === 'idle') return IDLE;
    const { spotIn, onDemandIn } = this.history;
    return (mode === 'spot' ? spotIn[zone] : onDemandIn[zone]) ?? IDLE;
  }

  /** What an hour of progress is worth: the on-demand price scaled by how tight time has become, at least the cheapest spot. */
  private progressUsdPerHour({ leftS, remainingS, tick }: TraceView): number {
    const { job, history } = this;
    const onDemandUsd = history.zones[this.fallback]?.onDemandUsdPerHour ?? Infinity;
    const pace = leftS / Math.max(remainingS, TICK_EPSILON) / (job.workS / job.deadlineS);
    let cheapestUsd = Infinity;
    for (const zone of job.candidates) {
      cheapestUsd = Math.min(cheapestUsd, history.spotUsdPerHour(zone, tick));
    }
    const paced = onDemandUsd * pace;
    return cheapestUsd === Infinity ? paced : Math.max(paced, cheapestUsd);
  }

  private usdPerHour(
    mode: 'spot' | 'on-demand',
    zone: number,
    worthUsd: number,
    view: TraceView,
  ): number {
    const { job, history } = this;
    const lifetimeH =
      mode === 'spot' ? this.future.availableForS(zone, view.tick) / HOUR_S : ENDLESS_H;
    const isSame = mode === view.mode && zone === view.zone;
    const lostH = isSame ? 0 : job.changeoverS / HOUR_S;
    const share = lifetimeH > 0 ? Math.max(lifetimeH - lostH, 0) / lifetimeH : 0;
    const moves = view.location !== NOWHERE && view.location !== zone;
    const egressUsd = moves ? job.egressUsd(view.location, zone) : 0;
    const priceUsd =
      mode === 'spot'
        ? history.spotUsdPerHour(zone, view.tick)
        : (history.zones[zone]?.onDemandUsdPerHour ?? Infinity);
    return worthUsd * share - priceUsd - (lifetimeH > 0 ? egressUsd / lifetimeH : NO_LIFETIME_USD);
  }
}

/** `leftS` in whole ticks, rounded up, in seconds. */
function ticksFor(leftS: number, tickS: number): number {
  return Math.ceil(leftS / tickS - TICK_EPSILON) * tickS;
}

/** What is left of time in whole ticks, rounded down, in seconds. */
function wholeTicks(remainingS: number, tickS: number): number {
  return Math.floor(remainingS / tickS + TICK_EPSILON) * tickS;
}
