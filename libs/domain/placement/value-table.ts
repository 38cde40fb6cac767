import { chanceToLast, type LifetimeTable } from '../health/lifetimes';
import { MS_PER_HOUR } from '../money';
import type { Pool } from './market';

/**
 * What finishing is expected to cost from every state of a job under the best placements, by dynamic programming backwards from
 * the end of the work. A state is the work left, the slack left (time to the deadline that the work does not need), what each
 * pool is doing and for how long it has (phases), and where the job is. Losing a lease, waiting and changing over use up slack;
 * at the last of it the reliable offer is all that is left. This is the omniscient optimum's programme (NSDI'24, Can't Be Late,
 * section 4.1 of its model) with the future's availability replaced by what is known of it.
 */

/** How fine a plan is; its work and memory grow with the product of the three. */
export interface PlanSize {
  /** Steps that the work is cut into at most. */
  readonly workSteps: number;
  /** Cells of slack at most, each a changeover long; more slack than they hold is worth no more than that. */
  readonly slackCells: number;
  /** States that the pools may have together at most. */
  readonly marketStates: number;
}

/** For plans that many jobs share: about a tenth of a second and 40 MB at most. */
export const SHARED_PLAN: PlanSize = { workSteps: 96, slackCells: 130, marketStates: 130 };
/** For a plan that one look at one job is made for: a few milliseconds. */
export const QUICK_PLAN: PlanSize = { workSteps: 24, slackCells: 40, marketStates: 30 };

/** A state from which the deadline cannot be kept; larger than any bill, small enough to be interpolated. */
export const UNAFFORDABLE_USD = 1e6;

/** Ages at which the outlook of supply changes most, ms: coarser the more pools there are. */
const minutes = (...ages: readonly number[]): readonly number[] => ages.map((age) => age * 60_000);
const phaseEdges: readonly { readonly up: readonly number[]; readonly down: readonly number[] }[] =
  [
    { up: minutes(10, 20, 45, 90, 300, 900), down: minutes(10, 20, 45, 90, 300, 900) },
    { up: minutes(10, 20, 45, 90, 300), down: minutes(10, 30, 90, 300) },
    { up: minutes(20, 90), down: minutes(90) },
    { up: minutes(30), down: [] },
    { up: [], down: [] },
  ];

/** The terms under which a job is placed. */
export interface PlanTerms {
  /** Longest work and slack to plan for, ms. */
  readonly workMs: number;
  readonly slackMs: number;
  /** Billed time of a launch that does no work, ms; more than 0. */
  readonly changeoverMs: number;
  /** The reliable offer's rate, dollars per hour; Infinity where there is none. */
  readonly reliableUsdPerHour: number;
  /** What leaving the reliable offer for another place costs besides the launch, dollars. */
  readonly leaveReliableUsd: number;
  /** What an hour until the end is worth, dollars. */
  readonly waitingUsdPerHour: number;
  readonly size: PlanSize;
}

/** Where a job is: nowhere, with its checkpoint at the reliable offer or elsewhere; in a pool; or at the reliable offer. */
export type Mode = 'idle' | 'idle-from-reliable' | 'reliable' | number;

export type IdleMode = Extract<Mode, 'idle' | 'idle-from-reliable'>;

export interface ValueTable {
  readonly pools: readonly Pool[];
  readonly terms: PlanTerms;
  /** A step of work, ms. */
  readonly stepMs: number;
  /** The market's state: index of the phases that pools are in. `ages` in the order of `pools`. */
  marketState(now: readonly { readonly isUp: boolean; readonly ageMs: number }[]): number;
  /** Expected dollars to finish, a step after `market` was seen. Interpolated between grid points. */
  after(workMs: number, slackMs: number, market: number, mode: Mode): number;
  /** The same, a wait of one changeover after `market` was seen. */
  afterWait(workMs: number, slackMs: number, market: number, mode: IdleMode): number;
}

interface Phases {
  readonly isUp: readonly boolean[];
  readonly firstUp: number;
  readonly firstDown: number;
  readonly upEdges: readonly number[];
  readonly downEdges: readonly number[];
  /** Three targets and their chances for each phase: the other side, the next age, the same. */
  readonly step: Transitions;
  readonly wait: Transitions;
}

interface Transitions {
  readonly to: Int32Array;
  readonly chance: Float64Array;
}

/** Solves the programme for a market. Work and memory are bounded by `terms.size`, whatever the job. */
export function solveValueTable(pools: readonly Pool[], terms: PlanTerms): ValueTable {
  const { changeoverMs } = terms;
  const stepMs = Math.max(changeoverMs, terms.workMs / terms.size.workSteps);
  const edges = phaseEdges.find(
    ({ up, down }) => (up.length + down.length + 2) ** pools.length <= terms.size.marketStates,
  ) ?? { up: [], down: [] };
  const phases = pools.map((pool) => phasesOf(pool, edges, stepMs, changeoverMs));
  const grid = gridOf(pools, phases, terms, stepMs);
  fill(grid);
  const { modes, states } = grid;
  const at = (values: Float32Array, workMs: number, slackMs: number, offset: number): number =>
    interpolated(grid, values, workMs / stepMs, slackMs / changeoverMs, offset);
  return {
    pools,
    terms,
    stepMs,
    marketState: (now) =>
      now.reduce((state, { isUp, ageMs }, pool) => {
        const phase = phases[pool];
        return phase === undefined
          ? state
          : state + phaseAt(phase, isUp, ageMs) * (grid.strides[pool] ?? 0);
      }, 0),
    after: (workMs, slackMs, market, mode) =>
      at(grid.after, workMs, slackMs, modeIndex(mode, modes) * states + market),
    afterWait: (workMs, slackMs, market, mode) =>
      at(grid.afterWait, workMs, slackMs, (mode === 'idle' ? 0 : states) + market),
  };
}

/** Modes in the grid: both kinds of idle, the pools in their order, the reliable offer. */
const IDLE = 0;
const IDLE_FROM_RELIABLE = 1;
const IDLE_MODES = 2;

function modeIndex(mode: Mode, modes: number): number {
  if (mode === 'idle') return IDLE;
  if (mode === 'idle-from-reliable') return IDLE_FROM_RELIABLE;
  return mode === 'reliable' ? modes - 1 : mode + IDLE_MODES;
}

interface Grid {
  readonly workSteps: number;
  readonly slackCells: number;
  readonly states: number;
  readonly modes: number;
  readonly strides: readonly number[];
  readonly phases: readonly Phases[];
  /** For each pool, by market state: the phase it is in, and whether that is up. */
  readonly phaseIn: readonly Uint8Array[];
  readonly upIn: readonly Uint8Array[];
  /** Dollars of one step in each mode. */
  readonly stepUsd: readonly number[];
  /** Dollars of a launch into each mode besides its time, from each kind of idle. */
  readonly launchUsd: readonly [readonly number[], readonly number[]];
  readonly waitUsd: number;
  /** Share of a step that a changeover takes. */
  readonly changeoverShare: number;
  /** Chance that a pool's member in use lasts a step. */
  readonly memberKept: readonly number[];
  /** By (work, slack, mode, state). */
  readonly after: Float32Array;
  /** By (work, slack, kind of idle, state). */
  readonly afterWait: Float32Array;
}

function gridOf(
  pools: readonly Pool[],
  phases: readonly Phases[],
  terms: PlanTerms,
  stepMs: number,
): Grid {
  const { changeoverMs, waitingUsdPerHour, reliableUsdPerHour } = terms;
  const strides: number[] = [];
  let states = 1;
  for (const { isUp } of phases) {
    strides.push(states);
    states *= isUp.length;
  }
  const phaseIn = phases.map(({ isUp }, pool) =>
    Uint8Array.from(
      { length: states },
      (_, state) => Math.floor(state / (strides[pool] ?? 1)) % isUp.length,
    ),
  );
  const upIn = phases.map(({ isUp }, pool) =>
    Uint8Array.from(phaseIn[pool] ?? [], (phase) => Number(isUp[phase])),
  );
  const modes = pools.length + IDLE_MODES + 1;
  const workSteps = Math.max(1, Math.ceil(terms.workMs / stepMs - 1e-9));
  const slackCells = Math.max(
    1,
    Math.min(terms.size.slackCells, Math.ceil(Math.max(0, terms.slackMs) / changeoverMs - 1e-9)),
  );
  const stepHours = stepMs / MS_PER_HOUR;
  const rates = [0, 0, ...pools.map(({ usdPerHour }) => usdPerHour), reliableUsdPerHour];
  const cells = (workSteps + 1) * (slackCells + 1);
  return {
    workSteps,
    slackCells,
    states,
    modes,
    strides,
    phases,
    phaseIn,
    upIn,
    stepUsd: rates.map((rate) =>
      Math.min(UNAFFORDABLE_USD, (rate + waitingUsdPerHour) * stepHours),
    ),
    launchUsd: [
      [0, 0, ...pools.map(({ arrivalUsd }) => arrivalUsd), 0],
      [0, 0, ...pools.map(() => terms.leaveReliableUsd), 0],
    ],
    waitUsd: (waitingUsdPerHour * changeoverMs) / MS_PER_HOUR,
    changeoverShare: changeoverMs / stepMs,
    memberKept: pools.map(({ lossesPerHour }) => Math.exp(-lossesPerHour * stepHours)),
    after: new Float32Array(cells * modes * states),
    afterWait: new Float32Array(cells * IDLE_MODES * states),
  };
}

/** Fills the grid from the end of the work backwards; the work done is zero and stays so. */
function fill(grid: Grid): void {
  const { workSteps, slackCells, states, modes, after, afterWait } = grid;
  const values = new Float64Array(states * modes);
  const scratch: readonly [Float64Array, Float64Array] = [
    new Float64Array(states),
    new Float64Array(states),
  ];
  for (let work = 1; work <= workSteps; work += 1) {
    for (let slack = 0; slack <= slackCells; slack += 1) {
      bestValues(grid, work, slack, values);
      const cell = work * (slackCells + 1) + slack;
      for (let mode = 0; mode < modes; mode += 1) {
        const expected = expectation(grid, values, mode * states, 'step', scratch);
        after.set(expected, (cell * modes + mode) * states);
      }
      for (let mode = 0; mode < IDLE_MODES; mode += 1) {
        const waited = expectation(grid, values, mode * states, 'wait', scratch);
        afterWait.set(waited, (cell * IDLE_MODES + mode) * states);
      }
    }
  }
}

/**
 * The least expected cost from a grid point in each mode and market state, before the market moves on: first of being idle (wait,
 * or launch anywhere), then of being somewhere (stay, or leave it at once).
 */
function bestValues(grid: Grid, work: number, slack: number, values: Float64Array): void {
  for (const mode of [IDLE, IDLE_FROM_RELIABLE]) bestIdle(grid, work, slack, mode, values);
  const { slackCells, states, modes, upIn, stepUsd, after } = grid;
  const done = work > 1 ? ((work - 1) * (slackCells + 1) + slack) * modes * states : -1;
  for (let mode = IDLE_MODES; mode < modes; mode += 1) {
    const usd = stepUsd[mode] ?? UNAFFORDABLE_USD;
    const up = upIn[mode - IDLE_MODES];
    const kept = grid.memberKept[mode - IDLE_MODES] ?? 1;
    const leaving = (mode === modes - 1 ? IDLE_FROM_RELIABLE : IDLE) * states;
    for (let state = 0; state < states; state += 1) {
      const leave = values[leaving + state] ?? 0;
      const at = mode * states + state;
      const stay = usd + (done < 0 ? 0 : (after[done + at] ?? 0));
      values[at] = up?.[state] === 0 ? leave : kept * Math.min(stay, leave) + (1 - kept) * leave;
    }
  }
}

function bestIdle(
  grid: Grid,
  work: number,
  slack: number,
  idle: number,
  values: Float64Array,
): void {
  const { slackCells, states, modes, upIn, stepUsd, waitUsd, changeoverShare } = grid;
  const { after, afterWait } = grid;
  const from = idle * states;
  if (slack === 0) {
    values.fill(UNAFFORDABLE_USD, from, from + states);
    return;
  }
  // A wait and a launch each take one cell of slack; a launch does the step's work but for the changeover.
  const later = work * (slackCells + 1) + slack - 1;
  const worked = work > 1 ? (later - slackCells - 1) * modes * states : -1;
  for (let state = 0; state < states; state += 1)
    values[from + state] = waitUsd + (afterWait[later * IDLE_MODES * states + from + state] ?? 0);
  for (let mode = IDLE_MODES; mode < modes; mode += 1) {
    const usd = (stepUsd[mode] ?? UNAFFORDABLE_USD) + (grid.launchUsd[idle]?.[mode] ?? 0);
    const up = upIn[mode - IDLE_MODES];
    for (let state = 0; state < states; state += 1) {
      if (up?.[state] === 0) continue;
      const at = mode * states + state;
      const partly = (after[later * modes * states + at] ?? 0) * changeoverShare;
      const fully = worked < 0 ? 0 : (after[worked + at] ?? 0) * (1 - changeoverShare);
      const value = usd + partly + fully;
      if (value < (values[from + state] ?? 0)) values[from + state] = value;
    }
  }
}

/** The mean of values over where the market goes, pool after pool: pools move independently of each other. */
function expectation(
  { states, strides, phases, phaseIn }: Grid,
  values: Float64Array,
  from: number,
  span: 'step' | 'wait',
  [one, other]: readonly [Float64Array, Float64Array],
): Float64Array {
  let source = values.subarray(from, from + states);
  for (const [pool, phase] of phases.entries()) {
    const { to, chance } = phase[span];
    const stride = strides[pool] ?? 1;
    const phaseAtState = phaseIn[pool] ?? new Uint8Array(states);
    const target = pool % 2 === 0 ? one : other;
    for (let state = 0; state < states; state += 1) {
      const here = phaseAtState[state] ?? 0;
      const base = state - here * stride;
      let mean = 0;
      for (let way = here * 3; way < here * 3 + 3; way += 1)
        mean += (chance[way] ?? 0) * (source[base + (to[way] ?? 0) * stride] ?? 0);
      target[state] = mean;
    }
    source = target;
  }
  return source;
}

function phasesOf(
  { upTimes, outages }: Pool,
  { up, down }: { readonly up: readonly number[]; readonly down: readonly number[] },
  stepMs: number,
  waitMs: number,
): Phases {
  const firstDown = up.length + 1;
  const isUp = [...up.map(() => true), true, ...down.map(() => false), false];
  const transitions = (spanMs: number): Transitions => {
    const to = new Int32Array(isUp.length * 3);
    const chance = new Float64Array(isUp.length * 3);
    const side = (table: LifetimeTable, edges: readonly number[], first: number, other: number) => {
      const starts = [0, ...edges];
      for (const [index, fromMs] of starts.entries()) {
        const lengthMs = (starts[index + 1] ?? Infinity) - fromMs;
        const midMs = fromMs + (Number.isFinite(lengthMs) ? lengthMs / 2 : 0);
        const stays = chanceToLast(table, midMs, spanMs);
        const ages = Number.isFinite(lengthMs) ? Math.min(1, spanMs / lengthMs) : 0;
        const phase = first + index;
        to.set([other, phase + 1, phase], phase * 3);
        chance.set([1 - stays, stays * ages, stays * (1 - ages)], phase * 3);
        if (index === starts.length - 1) to[phase * 3 + 1] = phase;
      }
    };
    side(upTimes, up, 0, firstDown);
    side(outages, down, firstDown, 0);
    return { to, chance };
  };
  return {
    isUp,
    firstUp: 0,
    firstDown,
    upEdges: up,
    downEdges: down,
    step: transitions(stepMs),
    wait: transitions(waitMs),
  };
}

function phaseAt(phases: Phases, isUp: boolean, ageMs: number): number {
  const edges = isUp ? phases.upEdges : phases.downEdges;
  let phase = isUp ? phases.firstUp : phases.firstDown;
  for (const edge of edges) if (ageMs >= edge) phase += 1;
  return phase;
}

/** Between the four grid points around; slack beyond the grid is worth what its last cell is, work beyond it grows on. */
function interpolated(
  grid: Grid,
  values: Float32Array,
  work: number,
  slack: number,
  offset: number,
): number {
  if (work <= 0) return 0;
  if (slack < -1e-9) return UNAFFORDABLE_USD;
  const { workSteps, slackCells } = grid;
  const width = values.length / ((workSteps + 1) * (slackCells + 1));
  const bounded = Math.max(0, Math.min(slack, slackCells));
  const w = Math.min(Math.floor(work), workSteps - 1);
  const s = Math.min(Math.floor(bounded), slackCells - 1);
  const x = Math.min(work, workSteps) - w;
  const y = bounded - s;
  const at = (i: number, j: number) =>
    i === 0 ? 0 : (values[(i * (slackCells + 1) + j) * width + offset] ?? 0);
  const low = at(w, s) * (1 - x) + at(w + 1, s) * x;
  if (y === 0) return low;
  return low * (1 - y) + (at(w, s + 1) * (1 - x) + at(w + 1, s + 1) * x) * y;
}
