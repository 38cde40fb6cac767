import { oursServing } from './ours-serving';
import { sampleMarket } from './sample-market';
import { runService, type ServingResult } from './serving-engine';
import { spotHedge } from './serving-policies';
import type { ServingPolicy } from './serving-policy';

/** Two spot zones, the second dearer and steady; a changeover is one tick of 15 minutes. */
function play(policy: ServingPolicy, first: string, ticks: number): ServingResult {
  const text = first.repeat(Math.ceil(ticks / first.length)).slice(0, ticks);
  const market = sampleMarket([
    { available: text.replace(/[^0]/g, '1'), spotUsdPerHour: 1, onDemandUsdPerHour: Infinity },
    { available: '1'.repeat(ticks), spotUsdPerHour: 2, onDemandUsdPerHour: Infinity },
    { available: '0'.repeat(ticks), onDemandUsdPerHour: 7 },
  ]);
  const capacity = [text, '9'.repeat(ticks), ''].map((counts) => Uint16Array.from(counts, Number));
  return runService(
    policy,
    { changeoverS: 900, dataClass: 'public', spotZones: [0, 1], fallback: 2 },
    { market, capacity, target: new Int32Array(ticks).fill(3) },
  );
}

/** Spot replicas in the first zone, tick by tick. */
function spotIn200Ticks(first: string): readonly number[] {
  const seen: number[] = [];
  const watched: ServingPolicy = {
    name: oursServing.name,
    begin: (service, history) => {
      const run = oursServing.begin(service, history);
      return {
        decide: (view, fleet) => {
          run.decide(view, fleet);
          seen.push((view.readySpot[0] ?? 0) + (view.startingSpot[0] ?? 0));
        },
      };
    },
  };
  play(watched, first, 200);
  return seen;
}

describe('our serving policy', () => {
  it('learns that a steady market needs no extra, and uses no on-demand there', () => {
    const result = play(oursServing, '9', 400);
    expect(result).toMatchObject({ servedTicks: result.countedTicks, onDemandH: 0 });
    expect(result.costUsd).toBeLessThan(play(spotHedge, '9', 400).costUsd);
    // The cheapest three for all of the time, and an extra at the beginning.
    expect(result.costUsd / (3 * 100)).toBeLessThan(1.2);
  });

  it('uses a cheaper zone that is lost now and then, and leaves it alone when that is often', () => {
    const flaky = '9999999900';
    const result = play(oursServing, flaky, 400);
    // Two and a half hours to a turn make forty losses of all for whoever comes back each time.
    expect(result.preemptions).toBeLessThan(20);
    expect(result.servedTicks / result.countedTicks).toBeGreaterThan(0.98);
    expect(result.costUsd).toBeLessThan(play(spotHedge, flaky, 400).costUsd);
  });

  it('decides the same whatever comes after', () => {
    const [calm, empty] = ['9', '0'].map((later) =>
      spotIn200Ticks('9'.repeat(150) + later.repeat(50)),
    );
    expect(calm?.slice(0, 150)).toEqual(empty?.slice(0, 150));
    expect(calm).not.toEqual(empty);
  });

  it('falls back to on-demand where there is no spot', () => {
    const market = sampleMarket([
      { available: '00000000', spotUsdPerHour: 1, onDemandUsdPerHour: Infinity },
      { available: '00000000', onDemandUsdPerHour: 7 },
    ]);
    const result = runService(
      oursServing,
      { changeoverS: 900, dataClass: 'public', spotZones: [0], fallback: 1 },
      {
        market,
        capacity: [new Uint16Array(8), new Uint16Array(8)],
        target: new Int32Array(8).fill(2),
      },
    );
    expect(result).toMatchObject({ servedTicks: 7, spotH: 0, onDemandH: 4 });
  });
});
