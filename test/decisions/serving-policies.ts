import type { Fleet, Service, ServingPolicy, ServingRun, ServingView } from './serving-policy';
import type { MarketHistory } from './trace-policy';

/** Spot replicas beyond the target: the published default. */
export const EXTRA_REPLICAS = 2;
/** Below so many available zones, SpotHedge takes all back into consideration. */
const FEWEST_ZONES = 2;

/** The target on demand and nothing else. */
export const onDemandServing: ServingPolicy = {
  name: 'all on-demand',
  begin: ({ fallback }) => ({
    decide: (view, fleet) => holdOnDemand(view.target, fallback, view, fleet),
  }),
};

/** SkyServe's policy (EuroSys'25): spot spread over zones that have not failed of late, extra spot, on-demand for what is missing. */
export const spotHedge: ServingPolicy = {
  name: 'SpotHedge',
  begin: (service, history) => new SpotHedgeRun(service, history),
};

/** The target and the extra on spot, an equal share to every zone whatever happens there; no on-demand. */
export const evenSpread: ServingPolicy = {
  name: 'even spread',
  begin: ({ spotZones }) => ({
    decide: (view, fleet) => {
      const wanted = view.target + EXTRA_REPLICAS;
      for (const [place, zone] of spotZones.entries()) {
        const share = Math.floor(wanted / spotZones.length);
        const rest = place < wanted % spotZones.length ? 1 : 0;
        holdSpot(share + rest, zone, view, fleet);
      }
    },
  }),
};

/** The target and the extra on spot, each launch in the next zone in turn; no on-demand. */
export const roundRobin: ServingPolicy = {
  name: 'round robin',
  begin: ({ spotZones }, history) => {
    let turn = 0;
    return {
      decide: (view, fleet) => {
        const wanted = view.target + EXTRA_REPLICAS;
        for (let tries = 0; tries < spotZones.length && allSpot(view) < wanted;) {
          const launched = fleet.launch('spot', spotZones[turn % spotZones.length] ?? 0);
          turn += 1;
          tries = launched ? 0 : tries + 1;
        }
        stopDearest(wanted, spotZones, view, fleet, history);
      },
    };
  },
};

class SpotHedgeRun implements ServingRun {
  private readonly preempting = new Set<number>();

  constructor(
    private readonly service: Service,
    private readonly history: MarketHistory,
  ) {}

  decide(view: ServingView, fleet: Fleet): void {
    const { spotZones, fallback } = this.service;
    for (const zone of spotZones) {
      if ((view.becameReady[zone] ?? 0) > 0) this.preempting.delete(zone);
      if ((view.preempted[zone] ?? 0) > 0) this.preempting.add(zone);
    }
    const wanted = view.target + EXTRA_REPLICAS;
    this.launchUpTo(wanted, view, fleet);
    stopDearest(wanted, spotZones, view, fleet, this.history);
    const onDemand = Math.min(view.target, wanted - total(view.readySpot));
    holdOnDemand(Math.max(0, onDemand), fallback, view, fleet);
  }

  /** A failed launch moves the zone to those that pre-empt; each zone fails at most once in a tick. */
  private launchUpTo(wanted: number, view: ServingView, fleet: Fleet): void {
    const failed = new Set<number>();
    while (allSpot(view) < wanted && failed.size < this.service.spotZones.length) {
      this.rebalance();
      const zone = this.next(view, failed);
      if (zone === null) return;
      if (fleet.launch('spot', zone)) continue;
      failed.add(zone);
      this.preempting.add(zone);
    }
  }

  private rebalance(): void {
    const available = this.service.spotZones.length - this.preempting.size;
    if (available < FEWEST_ZONES) this.preempting.clear();
  }

  /** The cheapest available zone without a replica, else the cheapest available one. */
  private next(view: ServingView, failed: ReadonlySet<number>): number | null {
    const available = this.service.spotZones.filter(
      (zone) => !this.preempting.has(zone) && !failed.has(zone),
    );
    const empty = available.filter((zone) => spotIn(view, zone) === 0);
    return cheapest(empty.length > 0 ? empty : available, this.history);
  }
}

function cheapest(zones: readonly number[], history: MarketHistory): number | null {
  const usd = (zone: number): number => history.spotUsdPerHour(zone, history.nowTick);
  return zones.reduce<number | null>(
    (best, zone) => (best === null || usd(zone) < usd(best) ? zone : best),
    null,
  );
}

function spotIn({ readySpot, startingSpot }: ServingView, zone: number): number {
  return (readySpot[zone] ?? 0) + (startingSpot[zone] ?? 0);
}

function allSpot({ readySpot, startingSpot }: ServingView): number {
  return total(readySpot) + total(startingSpot);
}

function total(perZone: Int32Array): number {
  let all = 0;
  for (const one of perZone) all += one;
  return all;
}

/** Stop what is too many: what is still starting first, the dearest zone first. */
function stopDearest(
  wanted: number,
  zones: readonly number[],
  view: ServingView,
  fleet: Fleet,
  history: MarketHistory,
): void {
  const usd = (zone: number): number => history.spotUsdPerHour(zone, history.nowTick);
  const dearestFirst = [...zones].sort((a, b) => usd(b) - usd(a));
  while (allSpot(view) > wanted) {
    const starting = dearestFirst.find((zone) => (view.startingSpot[zone] ?? 0) > 0);
    const zone = starting ?? dearestFirst.find((one) => spotIn(view, one) > 0);
    if (zone === undefined || !fleet.stop('spot', zone)) return;
  }
}

/** Have so many on demand in a zone. */
function holdOnDemand(wanted: number, zone: number, view: ServingView, fleet: Fleet): void {
  const held = (): number => (view.readyOnDemand[zone] ?? 0) + (view.startingOnDemand[zone] ?? 0);
  while (held() < wanted && fleet.launch('on-demand', zone));
  while (held() > wanted && fleet.stop('on-demand', zone));
}

function holdSpot(wanted: number, zone: number, view: ServingView, fleet: Fleet): void {
  while (spotIn(view, zone) < wanted && fleet.launch('spot', zone));
  while (spotIn(view, zone) > wanted && fleet.stop('spot', zone));
}
