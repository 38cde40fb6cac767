import { sampleMarket } from './sample-market';
import { runService, servingLowerBoundUsd, type ServingWorld } from './serving-engine';
import { evenSpread, onDemandServing, roundRobin, spotHedge } from './serving-policies';
import { targetsOf } from './s5';
import type { Service, ServingPolicy } from './serving-policy';

/** Two spot zones of which the first is the cheaper, and a reliable one; a changeover is one tick. */
function sampleService(first: string, second: string, target: readonly number[]): ServingCase {
  const available = first.replace(/[^0]/g, '1');
  const market = sampleMarket([
    { available, spotUsdPerHour: 1, onDemandUsdPerHour: Infinity },
    { available: second.replace(/[^0]/g, '1'), spotUsdPerHour: 2, onDemandUsdPerHour: Infinity },
    { available: available.replace(/1/g, '0'), onDemandUsdPerHour: 4 },
  ]);
  const capacity = [first, second, ''].map((text) => Uint16Array.from(text, Number));
  return {
    world: { market, capacity, target: Int32Array.from(target) },
    service: { changeoverS: 900, dataClass: 'public', spotZones: [0, 1], fallback: 2 },
  };
}

interface ServingCase {
  readonly world: ServingWorld;
  readonly service: Service;
}

describe('a service', () => {
  it('is served a changeover after its start, and pays from the start', () => {
    const { world, service } = sampleService('9999', '9999', [2, 2, 2, 2]);
    const result = runService(onDemandServing, service, world);
    expect(result).toMatchObject({ costUsd: 8, servedTicks: 3, countedTicks: 3, launches: 2 });
  });

  it('has a changeover to follow a rise, and none where it is due at once', () => {
    const { world, service } = sampleService('99999', '99999', [1, 1, 3, 3, 3]);
    const result = runService(onDemandServing, service, world);
    expect(result).toMatchObject({ servedTicks: 4, strictlyServedTicks: 3, countedTicks: 4 });
  });

  it('loses the youngest replicas of a zone whose capacity shrinks', () => {
    const lost: number[] = [];
    const policy: ServingPolicy = {
      name: 'three in one zone',
      begin: () => ({
        decide: (view, fleet) => {
          lost.push(view.preempted[0] ?? 0);
          if (view.tick < 2) fleet.launch('spot', 0);
          if (view.tick === 0) fleet.launch('spot', 0);
        },
      }),
    };
    const { world, service } = sampleService('3321', '0000', [2, 2, 2, 2]);
    const result = runService(policy, service, world);
    expect(lost).toEqual([0, 0, 1, 1]);
    // Three launched, the late one lost before it was ready; then one of the two that were.
    expect(result).toMatchObject({ preemptions: 2, servedTicks: 2, missingReplicaH: 0.25 });
  });

  it('cannot launch beyond capacity, nor where nothing is sold', () => {
    const tried: boolean[] = [];
    const policy: ServingPolicy = {
      name: 'greedy launches',
      begin: () => ({
        decide: (_view, fleet) => {
          tried.push(
            fleet.launch('spot', 0),
            fleet.launch('spot', 0),
            fleet.launch('on-demand', 0),
          );
        },
      }),
    };
    const { world, service } = sampleService('1', '0', [1]);
    const result = runService(policy, service, world);
    expect(tried).toEqual([true, false, false]);
    expect(result).toMatchObject({ launches: 1, failedLaunches: 2 });
  });
});

describe('SpotHedge', () => {
  it('spreads over zones before it doubles up, and drops on-demand once spot is ready', () => {
    const placed: number[][] = [];
    const watched = watching(spotHedge, placed);
    const { world, service } = sampleService('9999', '9999', [2, 2, 2, 2]);
    const result = runService(watched, service, world);
    // Target 2 and 2 extra: one in each zone, then the rest in the cheapest; two on demand while none is ready.
    expect(placed[0]).toEqual([3, 1, 2]);
    expect(placed[1]).toEqual([3, 1, 0]);
    expect(result).toMatchObject({ servedTicks: 3, onDemandH: 0.5 });
  });

  it('stays away from a zone that pre-empted it as long as two others are there', () => {
    const market = sampleMarket(
      [1, 2, 3, 0].map((usd) => ({
        available: usd === 0 ? '0000' : '1111',
        spotUsdPerHour: usd,
        onDemandUsdPerHour: usd === 0 ? 4 : Infinity,
      })),
    );
    const capacity = ['9099', '9999', '9999', ''].map((text) => Uint16Array.from(text, Number));
    const placed: number[][] = [];
    runService(
      watching(spotHedge, placed),
      { changeoverS: 900, dataClass: 'public', spotZones: [0, 1, 2], fallback: 3 },
      { market, capacity, target: Int32Array.of(1, 1, 1, 1) },
    );
    expect(placed.map((zones) => zones.slice(0, 3))).toEqual([
      [1, 1, 1],
      [0, 2, 1],
      [0, 2, 1],
      [0, 2, 1],
    ]);
  });
});

describe('the comparison policies for services', () => {
  it('even spread keeps its shares where a zone gives nothing', () => {
    const placed: number[][] = [];
    const { world, service } = sampleService('99', '00', [2, 2]);
    runService(watching(evenSpread, placed), service, world);
    expect(placed[1]).toEqual([2, 0, 0]);
  });

  it('round robin goes on to the next zone', () => {
    const placed: number[][] = [];
    const { world, service } = sampleService('99', '00', [2, 2]);
    runService(watching(roundRobin, placed), service, world);
    expect(placed[1]).toEqual([4, 0, 0]);
  });

  it('pay at least the lower bound where they serve', () => {
    const { world, service } = sampleService('1132', '9999', [3, 3, 3, 3]);
    // Tick 1: one slot has stood in the cheap zone; tick 2: one; tick 3: two. The rest from the other.
    const bound = (1 + 4 + 1 + 4 + 2 + 2) / 4;
    expect(servingLowerBoundUsd(service, world)).toBeCloseTo(bound, 9);
    const { costUsd, servedTicks, countedTicks } = runService(spotHedge, service, world);
    expect(servedTicks).toBe(countedTicks);
    expect(costUsd).toBeGreaterThan(bound);
  });
});

describe('the target', () => {
  it('follows the load before it, repeats the recording and comes down late', () => {
    // At 16:00 the day is at its height; 600 s of 120 requests per tick of 600 s are 0.2 per second.
    const load = Float64Array.of(600, 1200);
    const targets = targetsOf(load, 4, 600, 16);
    expect([...targets]).toEqual([4, 4, 4, 4]);
    expect([...targetsOf(Float64Array.of(600), 2, 600, 16)]).toEqual([2, 2]);
  });

  it('is lower in the night', () => {
    const load = Float64Array.of(3000);
    expect(targetsOf(load, 1, 600, 16)[0]).toBe(10);
    expect(targetsOf(load, 1, 600, 4)[0]).toBe(4);
  });
});

/** The policy, with the replicas per zone after each of its decisions written down. */
function watching(policy: ServingPolicy, placed: number[][]): ServingPolicy {
  return {
    name: policy.name,
    begin: (service, history) => {
      const run = policy.begin(service, history);
      return {
        decide: (view, fleet) => {
          run.decide(view, fleet);
          placed.push(
            [...view.readySpot.keys()].map(
              (zone) =>
                (view.readySpot[zone] ?? 0) +
                (view.startingSpot[zone] ?? 0) +
                (view.readyOnDemand[zone] ?? 0) +
                (view.startingOnDemand[zone] ?? 0),
            ),
          );
        },
      };
    },
  };
}
