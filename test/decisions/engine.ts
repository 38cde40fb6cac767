import { futureOf, HistoryWindow, type Market } from './market';
import {
  NOWHERE,
  type OraclePolicy,
  type TraceJob,
  type TraceMode,
  type TracePolicy,
  type TraceRun,
} from './trace-policy';

const HOUR_S = 3600;
/** Below these, what is left of the work or of a changeover is rounding. */
const WORK_EPSILON_S = 1e-6;
const CHANGEOVER_EPSILON_S = 1e-3;

/** How a run went. `costUsd` includes egress. */
export interface RunResult {
  readonly costUsd: number;
  readonly egressUsd: number;
  readonly isFinished: boolean;
  readonly isLate: boolean;
  /** From the job's start to the end of the last tick, in seconds. */
  readonly endS: number;
  readonly launches: number;
  readonly migrations: number;
  readonly preemptions: number;
  readonly onDemandS: number;
  readonly spotS: number;
  /** Useful work done in zones of hyperscalers, interruptible or not. */
  readonly hyperscalerUsefulS: number;
  readonly usefulS: number;
  /** Whether the run was ever in a zone, by zone. */
  readonly touched: readonly boolean[];
  readonly predictedCostUsd: number | null;
  /** Billed by the end of each tick, where it was asked for. */
  readonly costByTickUsd: readonly number[] | null;
}

export interface RunOptions {
  /** Keep the bill of every tick, for charts. */
  readonly keepsCostByTick?: boolean;
}

/** The mutable twin of `TraceView`; one per run. */
interface RunState {
  tick: number;
  nowS: number;
  mode: TraceMode;
  zone: number;
  location: number;
  wasPreempted: boolean;
  changeoverLeftS: number;
  doneS: number;
  leftS: number;
  remainingS: number;
  spentUsd: number;
}

interface Tally {
  billUsd: number;
  egressUsd: number;
  launches: number;
  migrations: number;
  preemptions: number;
  onDemandS: number;
  spotS: number;
  hyperscalerUsefulS: number;
}

/** Play one job under a policy over a market, from the job's start tick until the work is done or the trace ends. */
export function runJob(
  policy: TracePolicy | OraclePolicy,
  job: TraceJob,
  market: Market,
  options: RunOptions = {},
): RunResult {
  const history = new HistoryWindow(market);
  history.nowTick = job.startTick;
  const run = policy.begin(job, history, futureOf(market));
  const state = startingState(job);
  const tally = emptyTally();
  const touched = market.zones.map(() => false);
  const costByTickUsd: number[] | null = options.keepsCostByTick === true ? [] : null;
  let predictedCostUsd: number | null = null;

  while (state.doneS < job.workS - WORK_EPSILON_S && state.tick < market.ticks) {
    history.nowTick = state.tick;
    observe(state, job, market, tally);
    place(state, run, job, market, tally);
    if (state.tick === job.startTick) predictedCostUsd = predictionOf(run);
    work(state, job, market, tally);
    if (state.zone !== NOWHERE) touched[state.zone] = true;
    costByTickUsd?.push(tally.billUsd + tally.egressUsd);
    state.tick += 1;
  }
  const isFinished = state.doneS >= job.workS - WORK_EPSILON_S;
  const endS = (state.tick - job.startTick) * market.tickS;
  return {
    costUsd: tally.billUsd + tally.egressUsd,
    egressUsd: tally.egressUsd,
    isFinished,
    isLate: !isFinished || endS > job.deadlineS + WORK_EPSILON_S,
    endS,
    launches: tally.launches,
    migrations: tally.migrations,
    preemptions: tally.preemptions,
    onDemandS: tally.onDemandS,
    spotS: tally.spotS,
    hyperscalerUsefulS: tally.hyperscalerUsefulS,
    usefulS: state.doneS,
    touched,
    predictedCostUsd,
    costByTickUsd,
  };
}

function startingState(job: TraceJob): RunState {
  return {
    tick: job.startTick,
    nowS: 0,
    mode: 'idle',
    zone: NOWHERE,
    location: NOWHERE,
    wasPreempted: false,
    changeoverLeftS: 0,
    doneS: 0,
    leftS: job.workS,
    remainingS: job.deadlineS,
    spentUsd: 0,
  };
}

function emptyTally(): Tally {
  return {
    billUsd: 0,
    egressUsd: 0,
    launches: 0,
    migrations: 0,
    preemptions: 0,
    onDemandS: 0,
    spotS: 0,
    hyperscalerUsefulS: 0,
  };
}

/** Bring the state to the start of its tick, and take back spot capacity that is gone. */
function observe(state: RunState, job: TraceJob, market: Market, tally: Tally): void {
  state.nowS = (state.tick - job.startTick) * market.tickS;
  state.leftS = job.workS - state.doneS;
  state.remainingS = job.deadlineS - state.nowS;
  state.spentUsd = tally.billUsd + tally.egressUsd;
  state.wasPreempted = state.mode === 'spot' && !isAvailable(market, state.zone, state.tick);
  if (!state.wasPreempted) return;
  tally.preemptions += 1;
  state.mode = 'idle';
  state.zone = NOWHERE;
}

/** Ask the policy and go where it says. */
function place(state: RunState, run: TraceRun, job: TraceJob, market: Market, tally: Tally): void {
  const { mode, zone } = run.decide(state);
  if (mode === 'idle' || (mode === 'spot' && !isAvailable(market, zone, state.tick))) {
    state.mode = 'idle';
    state.zone = NOWHERE;
    return;
  }
  if (mode === state.mode && zone === state.zone) return;
  state.changeoverLeftS = job.changeoverS;
  tally.launches += 1;
  if (state.location !== NOWHERE && state.location !== zone) {
    tally.egressUsd += job.egressUsd(state.location, zone);
    tally.migrations += 1;
  }
  state.mode = mode;
  state.zone = zone;
  state.location = zone;
}

/** Bill the tick and do what work the changeover leaves of it. */
function work(state: RunState, job: TraceJob, market: Market, tally: Tally): void {
  if (state.mode === 'idle') return;
  const { tickS } = market;
  tally.billUsd += (priceOf(state, market) * tickS) / HOUR_S;
  if (state.mode === 'on-demand') tally.onDemandS += tickS;
  else tally.spotS += tickS;
  const free = Math.max(tickS - state.changeoverLeftS, 0);
  state.changeoverLeftS -= tickS - free;
  if (state.changeoverLeftS < CHANGEOVER_EPSILON_S) state.changeoverLeftS = 0;
  const useful = Math.min(free, job.workS - state.doneS);
  state.doneS += useful;
  if (market.zones[state.zone]?.kind === 'hyperscaler') tally.hyperscalerUsefulS += useful;
}

function priceOf({ mode, zone, tick }: RunState, market: Market): number {
  const price =
    mode === 'on-demand'
      ? market.zones[zone]?.onDemandUsdPerHour
      : market.spotUsdPerHour[zone]?.[tick];
  if (price === undefined || !Number.isFinite(price)) {
    throw new RangeError(`zone ${zone} has no ${mode} capacity to place a job on`);
  }
  return price;
}

function isAvailable(market: Market, zone: number, tick: number): boolean {
  return market.available[zone]?.[tick] === 1;
}

function predictionOf({ predictedCostUsd }: TraceRun): number | null {
  return predictedCostUsd ?? null;
}
