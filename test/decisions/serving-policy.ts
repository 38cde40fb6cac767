import type { MarketHistory } from './trace-policy';

/**
 * The seam between a serving policy and the trace simulator. A run keeps replicas of one service over the whole trace. In every
 * tick the engine
 *   1. takes back, in each zone, the youngest spot replicas beyond what the zone has capacity for;
 *   2. makes ready what was launched a changeover ago;
 *   3. calls `decide`, which launches and stops replicas; a launch on spot fails where the zone is full;
 *   4. bills every replica for the whole tick, ready or not, and counts the tick as served when `ready >= target`.
 * What a policy may know is the view, what its own launches did, and the history, which says up to now where at least one
 * machine could be had. The view is one object that the engine changes: read it, do not keep it.
 */
export interface ServingPolicy {
  readonly name: string;
  begin(service: Service, history: MarketHistory): ServingRun;
}

/** What is to be served, as far as it stays the same. */
export interface Service {
  readonly changeoverS: number;
  readonly dataClass: string;
  /** Zones whose spot the class of data allows, and the cheapest hyperscaler that it allows. */
  readonly spotZones: readonly number[];
  readonly fallback: number;
}

export interface ServingRun {
  decide(view: ServingView, fleet: Fleet): void;
}

export interface ServingView {
  readonly tick: number;
  /** Replicas that the load of this tick takes. */
  readonly target: number;
  /** Per zone. */
  readonly readySpot: Int32Array;
  readonly startingSpot: Int32Array;
  readonly readyOnDemand: Int32Array;
  readonly startingOnDemand: Int32Array;
  /** Spot replicas taken back at the start of this tick, per zone. */
  readonly preempted: Int32Array;
  /** Spot replicas that became ready at the start of this tick, per zone. */
  readonly becameReady: Int32Array;
}

/** What a policy can do; the view follows at once. */
export interface Fleet {
  /** Start a replica. False where there is no capacity, or nothing of the kind is sold. */
  launch(mode: 'spot' | 'on-demand', zone: number): boolean;
  /** Stop the youngest replica of the kind in a zone. False where there is none. */
  stop(mode: 'spot' | 'on-demand', zone: number): boolean;
}
