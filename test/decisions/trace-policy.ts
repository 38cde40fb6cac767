/**
 * The seam between a placement policy and the trace simulator.
 *
 * A run is one job on one market. The engine calls `policy.begin(job, history)` once, and then `run.decide(view)` at every
 * tick until the work is done or the trace ends. In every tick it
 *   1. pre-empts: where the job is on spot and the zone is unavailable, `view.mode` is already 'idle' (`wasPreempted` is true);
 *   2. asks `decide`; spot in a zone that is not available in this tick counts as 'idle';
 *   3. starts a changeover of `job.changeoverS` whenever the answer is not idle and differs in mode or zone from `view`
 *      (a changeover still under way is replaced, not added to), and charges `job.egressUsd(location, zone)` when the zone
 *      differs from where the checkpoint lies; the first placement is free;
 *   4. bills the whole tick at the price of mode and zone; what the changeover leaves of the tick is useful work.
 * A job is late when it finishes at a tick boundary after `job.deadlineS`, or not at all.
 *
 * What a policy may know is what it is given: `job`, the zones, and availability and prices of ticks up to and including
 * `history.nowTick`, which includes the time before the job's start. Asking for a later tick throws. `view` is one object
 * that the engine changes between ticks: read it, do not keep it. Return placements that exist already (`IDLE`,
 * `history.spotIn[zone]`, `history.onDemandIn[zone]`) where run time matters; any object of the shape will do.
 * A policy keeps no state from one run to the next, other than what is a function of (zone, tick) alone.
 */

export type TraceMode = 'idle' | 'spot' | 'on-demand';

/** Where to be in this tick. `zone` is an index into `history.zones` and is not looked at when idle. */
export interface Placement {
  readonly mode: TraceMode;
  readonly zone: number;
}

/** No zone: of an idle placement, and of a job that has not been anywhere. */
export const NOWHERE = -1;

export const IDLE: Placement = { mode: 'idle', zone: NOWHERE };

export type ZoneKind = 'hyperscaler' | 'depin';

/** One place that sells capacity: an availability zone, or an offer of the product case. */
export interface TraceZone {
  readonly id: string;
  /** Zones of one region copy checkpoints for nothing; an offer is a region of its own. */
  readonly region: string;
  readonly kind: ZoneKind;
  /** ISO 3166-1 alpha-2, or '' where the trace has no countries. */
  readonly country: string;
  /** 'EU', 'NA' or 'OTHER', or '' where the trace has none. */
  readonly bloc: string;
  readonly description: string;
  /** Infinity where nothing uninterruptible is sold. */
  readonly onDemandUsdPerHour: number;
  /** Whether interruptible capacity is ever sold here. */
  readonly sellsSpot: boolean;
}

/** What is known of the market at `nowTick`. Ticks are counted from the first row of the trace, not from the job's start. */
export interface MarketHistory {
  readonly zones: readonly TraceZone[];
  readonly tickS: number;
  readonly nowTick: number;
  /** Ready-made placements, one per zone. */
  readonly spotIn: readonly Placement[];
  readonly onDemandIn: readonly Placement[];
  /** Whether spot could be had in a zone at a tick in [0, nowTick]. Throws RangeError for any other tick. */
  isAvailable(zone: number, tick: number): boolean;
  /** The spot price of a zone at a tick in [0, nowTick], in USD per hour. Throws RangeError for any other tick. */
  spotUsdPerHour(zone: number, tick: number): number;
}

export interface TraceJob {
  readonly id: string;
  /** 'public', 'eu_personal' or 'regulated' in the product case; '' elsewhere. What a class forbids is the policy's to know. */
  readonly dataClass: string;
  readonly startTick: number;
  readonly workS: number;
  /** Counted from the job's start, like `view.nowS`. */
  readonly deadlineS: number;
  readonly changeoverS: number;
  readonly checkpointGb: number;
  /** The zones that the comparison policies choose from: rules already applied, cheapest fallback only. Ours need not look. */
  readonly candidates: readonly number[];
  /** What moving the checkpoint from one zone to another costs; 0 within a zone. */
  egressUsd(fromZone: number, toZone: number): number;
}

/** The state of a run at the start of a tick, after pre-emption. */
export interface TraceView {
  /** The tick of the trace; equals `history.nowTick`. */
  readonly tick: number;
  /** Seconds since the job's start. */
  readonly nowS: number;
  readonly mode: TraceMode;
  /** Where it runs; NOWHERE when idle. */
  readonly zone: number;
  /** Where the checkpoint lies: the last zone it ran in, or NOWHERE before the first launch. */
  readonly location: number;
  readonly wasPreempted: boolean;
  readonly changeoverLeftS: number;
  readonly doneS: number;
  readonly leftS: number;
  readonly remainingS: number;
  /** Billed so far, egress included. */
  readonly spentUsd: number;
}

export interface TraceRun {
  decide(view: TraceView): Placement;
  /** What the run is expected to cost, read once after the first `decide`; compared with what it did cost. */
  readonly predictedCostUsd?: number;
}

/** A policy that knows what it could have known at the time. */
export interface TracePolicy {
  readonly name: string;
  begin(job: TraceJob, history: MarketHistory): TraceRun;
}

/** What only an oracle is told. */
export interface Future {
  /** Seconds for which spot in a zone stays available from this tick on; 0 when it is not available. */
  availableForS(zone: number, tick: number): number;
}

/** A policy that is told the future, for comparison only. */
export interface OraclePolicy {
  readonly name: string;
  begin(job: TraceJob, history: MarketHistory, future: Future): TraceRun;
}
