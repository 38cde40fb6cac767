import {
  extraFor,
  isResting,
  MOST_EXTRA,
  planSupply,
  rateWithStart,
  REST_PER_LOSS_MS,
  type SupplyPlace,
} from './replica-supply';

const HOUR_MS = 3_600_000;
const NOW_MS = 1_000 * HOUR_MS;
const RELIABLE = 7;

const place = (id: string, perHour: number, wanted: Partial<SupplyPlace> = {}): SupplyPlace => ({
  id,
  perHour,
  newPerHour: perHour * 1.1,
  room: 100,
  ready: 0,
  starting: 0,
  lossesAtMs: [],
  refusedAtMs: null,
  ...wanted,
});
const plan = (places: readonly SupplyPlace[], target = 2, extra = 1) =>
  planSupply({ target, extra }, places, RELIABLE, NOW_MS);

describe('the extra that a promise calls for', () => {
  const record = (lossesAtMs: readonly number[]) => ({
    lossesAtMs,
    sinceMs: NOW_MS - 100 * HOUR_MS,
    nowMs: NOW_MS,
    changeoverMs: HOUR_MS / 2,
  });
  /** So many losses at once, every five hours. */
  const everyFiveHours = (atOnce: number) =>
    Array.from({ length: 20 * atOnce }, (_, index) => {
      const round = Math.floor(index / atOnce) + 1;
      return NOW_MS - 5 * HOUR_MS * round + 1;
    });

  it('is the wish while nothing has been seen', () => {
    const unseen = { ...record([]), sinceMs: NOW_MS };
    expect([0, 1, 2, 3].map((wished) => extraFor(unseen, wished, 9_900))).toEqual([0, 1, 2, 3]);
  });

  it('falls to none where nothing is ever lost', () => {
    expect(extraFor(record([]), 3, 9_900)).toBe(0);
  });

  it('covers as many as tend to be lost within one changeover, and never more than the most', () => {
    const extras = [1, 2, 3, 9].map((atOnce) => extraFor(record(everyFiveHours(atOnce)), 1, 9_900));
    expect(extras).toEqual([1, 2, 3, MOST_EXTRA]);
  });

  it('is less where more may be missed', () => {
    const losses = everyFiveHours(2);
    expect(extraFor(record(losses), 1, 9_900)).toBe(2);
    expect(extraFor(record(losses), 1, 8_000)).toBe(0);
  });

  it('forgets what was lost more than a week ago', () => {
    const long = { ...record([]), sinceMs: NOW_MS - 1_000 * HOUR_MS };
    const old = everyFiveHours(3).map((atMs) => atMs - 200 * HOUR_MS);
    expect(extraFor({ ...long, lossesAtMs: old }, 1, 9_900)).toBe(0);
  });
});

describe('the plan for a promised availability', () => {
  it('takes the cheapest places, and reliable supply only for what they cannot give', () => {
    const scarce = [place('b', 2, { room: 1 }), place('a', 1, { room: 1 })];
    expect(plan(scarce)).toMatchObject({ add: ['a', 'b'], missing: 1 });
    expect(plan(scarce).reliable).toEqual({ atLeast: 0, atMost: 2 });
    expect(plan([place('a', 1, { room: 1 })]).reliable).toEqual({ atLeast: 1, atMost: 2 });
    expect(plan([]).reliable).toEqual({ atLeast: 2, atMost: 2 });
  });

  it('keeps reliable replicas until ready ones have replaced them', () => {
    const atMost = [0, 1, 2].map(
      (ready) => plan([place('a', 1, { ready, starting: 3 - ready })]).reliable.atMost,
    );
    expect(atMost).toEqual([2, 1, 0]);
  });

  it('adds nothing where interruptible supply is no cheaper than reliable', () => {
    expect(plan([place('a', RELIABLE)])).toMatchObject({ add: [], reliable: { atLeast: 2 } });
  });

  it('moves to a cheaper place only when the start-up is worth it, and lets go when that is ready', () => {
    const held = place('dear', 1.05, { ready: 3 });
    expect(plan([held, place('cheap', 1)]).add).toEqual([]);
    const dear = place('dear', 2, { ready: 3 });
    expect(plan([dear, place('cheap', 1)])).toMatchObject({
      add: ['cheap', 'cheap', 'cheap'],
      dropReady: [],
    });
    const moved = plan([dear, place('cheap', 1, { ready: 2, starting: 1 })]);
    expect(moved).toMatchObject({ add: [], dropStarting: [], dropReady: ['dear', 'dear'] });
  });

  it('does not leave steady supply for a cheaper domain that took replicas back of late', () => {
    const dear = place('dear', 2, { ready: 3 });
    const cheap = { lossesAtMs: [NOW_MS - 10 * HOUR_MS, NOW_MS - 5 * HOUR_MS] };
    expect(plan([dear, place('cheap', 1, cheap)]).add).toEqual([]);
    const long = { lossesAtMs: [NOW_MS - 50 * HOUR_MS, NOW_MS - 30 * HOUR_MS] };
    expect(plan([dear, place('cheap', 1, long)]).add).toHaveLength(3);
  });

  it('drops what is starting first when the target falls', () => {
    const places = [place('a', 1, { ready: 2, starting: 2 })];
    expect(plan(places, 1, 1)).toMatchObject({ dropStarting: ['a', 'a'], dropReady: [] });
  });

  it('gives no more to a domain that rests, and leaves there what it has', () => {
    const resting = place('a', 1, { ready: 1, lossesAtMs: [NOW_MS - 1] });
    expect(plan([resting, place('b', 2)])).toMatchObject({
      add: ['b', 'b'],
      dropReady: [],
      reliable: { atLeast: 0 },
    });
  });
});

describe('a failure domain', () => {
  const rests = (lossesAtMs: readonly number[], refusedAtMs: number | null, afterMs: number) =>
    isResting({ lossesAtMs, refusedAtMs }, NOW_MS + afterMs);

  it('rests after a loss or a refusal, and the longer the more losses there were', () => {
    expect(rests([], null, 0)).toBe(false);
    expect(rests([NOW_MS], null, REST_PER_LOSS_MS - 1)).toBe(true);
    expect(rests([NOW_MS], null, REST_PER_LOSS_MS)).toBe(false);
    expect(rests([], NOW_MS, REST_PER_LOSS_MS - 1)).toBe(true);
    const twice = [NOW_MS - HOUR_MS, NOW_MS];
    expect(rests(twice, null, 2 * REST_PER_LOSS_MS - 1)).toBe(true);
    expect(rests(twice, null, 2 * REST_PER_LOSS_MS)).toBe(false);
  });

  it('counts what is lost at the same time once', () => {
    expect(rests([NOW_MS - 2, NOW_MS - 1, NOW_MS], null, REST_PER_LOSS_MS)).toBe(false);
  });
});

it('an hour costs more with a start-up, the more so the shorter it lasts', () => {
  expect(rateWithStart(2, HOUR_MS / 2, HOUR_MS)).toBe(3);
  expect(rateWithStart(2, HOUR_MS / 2, Infinity)).toBe(2);
});
