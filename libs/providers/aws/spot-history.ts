import type { SpotPrice } from '@aws-sdk/client-ec2';
import { asOfferId, usd, type MicroUsd, type PricePoint } from '#libs/domain';
import type { PriceFeed } from '#libs/provider-kit';
import { catalogue } from './catalogue';
import { Ec2Client } from './client';
import type { AwsConfig } from './config';
import { descriptor } from './descriptor';
import { offerIdOf } from './offers';
import type { Region } from './regions';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** EC2 keeps ninety days; two weeks measure volatility, and are read in minutes. */
const BACKFILL_MS = 14 * DAY_MS;
/** One page of the feed is one region for so long at most. */
const WINDOW_MS = DAY_MS;
/** A region that was read up to then is read up to now: reads lag behind. */
const NEAR_MS = MINUTE_MS;

/** Up to when each region was read. */
type ReadTo = Readonly<Partial<Record<Region, number>>>;

/**
 * Past spot prices (`DescribeSpotPriceHistory`), reduced to the cheapest zone of each region, which is what an offer quotes.
 * Reads back two weeks at first and then only what is new; a window that was interrupted is read again.
 */
export function spotHistoryFeed(config: AwsConfig): PriceFeed {
  const ec2 = new Ec2Client({ ...config, callTimeoutMs: descriptor.callTimeoutMs });
  const regions = config.regions.map(({ name }) => name);
  const types = catalogue
    .map(({ type }) => type)
    .filter((type) => config.instanceTypes === null || config.instanceTypes.includes(type));
  return {
    id: `${descriptor.id}/spot-history`,
    kind: 'spot-history',
    owner: descriptor.id,
    everyMs: 15 * MINUTE_MS,
    staleAfterMs: 6 * 60 * MINUTE_MS,
    rateLimit: { perSecond: 2, burst: 4, concurrency: 1 },
    requestTimeoutMs: descriptor.callTimeoutMs,
    read: async (text, call) => {
      const readTo: ReadTo = text === null ? {} : JSON.parse(text);
      const startMs = call.nowMs - BACKFILL_MS;
      const fromOf = (region: Region): number => Math.max(readTo[region] ?? startMs, startMs);
      const behind = regions.filter((region) => fromOf(region) < call.nowMs - NEAR_MS);
      const [region] = behind;
      if (region === undefined) return { items: [], cursor: text, done: true };
      const fromMs = fromOf(region);
      const toMs = Math.min(fromMs + WINDOW_MS, call.nowMs);
      const rows = await ec2.spotHistory(region, types, { fromMs, toMs }, call);
      const isFirst = readTo[region] === undefined || readTo[region] < startMs;
      const items = cheapestSeries(rows, { region, fromMs, toMs, isFirst });
      const done = behind.length === 1 && toMs === call.nowMs;
      return { items, cursor: JSON.stringify({ ...readTo, [region]: toMs }), done };
    },
  };
}

interface Window {
  readonly region: Region;
  readonly fromMs: number;
  readonly toMs: number;
  /** Whether nothing is known of the time before, so that the price at the start is news. */
  readonly isFirst: boolean;
}

interface Change {
  readonly zone: string;
  readonly atMs: number;
  readonly price: MicroUsd;
}

/**
 * The price of the cheapest zone, at each moment in the window at which it changes. Rows from before the window say what each
 * zone cost at its start. A change at the very end belongs to the next window.
 */
export function cheapestSeries(rows: readonly SpotPrice[], window: Window): readonly PricePoint[] {
  return [...changesByType(rows)].flatMap(([type, changes]) => {
    const offerId = asOfferId(offerIdOf(window.region, type, 'spot'));
    return cheapest(changes, window).map((point) => ({ offerId, ...point }));
  });
}

function cheapest(
  changes: readonly Change[],
  { fromMs, toMs, isFirst }: Window,
): readonly Omit<PricePoint, 'offerId'>[] {
  const now = new Map<string, MicroUsd>();
  const points: Omit<PricePoint, 'offerId'>[] = [];
  for (const { zone, price } of changes.filter(({ atMs }) => atMs < fromMs)) now.set(zone, price);
  let lowest = leastOf(now);
  if (isFirst && lowest !== null) points.push({ atMs: fromMs, pricePerHour: lowest });
  const within = changes.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  within.forEach(({ zone, atMs, price }, index) => {
    now.set(zone, price);
    // Zones that change together are one change.
    if (within[index + 1]?.atMs === atMs) return;
    const next = leastOf(now);
    if (next !== null && next !== lowest) {
      if (points.at(-1)?.atMs === atMs) points.pop();
      points.push({ atMs, pricePerHour: next });
    }
    lowest = next;
  });
  return points;
}

function leastOf(prices: ReadonlyMap<string, MicroUsd>): MicroUsd | null {
  let least: MicroUsd | null = null;
  for (const price of prices.values()) if (least === null || price < least) least = price;
  return least;
}

function changesByType(rows: readonly SpotPrice[]): ReadonlyMap<string, readonly Change[]> {
  const byType = new Map<string, Change[]>();
  for (const { InstanceType, AvailabilityZone, Timestamp, SpotPrice: dollars } of rows) {
    const atMs = Timestamp?.getTime();
    if (InstanceType === undefined || atMs === undefined || !(Number(dollars) > 0)) continue;
    const change = { zone: AvailabilityZone ?? '', atMs, price: usd(Number(dollars)) };
    const known = byType.get(InstanceType);
    if (known === undefined) byType.set(InstanceType, [change]);
    else known.push(change);
  }
  for (const changes of byType.values()) changes.sort((a, b) => a.atMs - b.atMs);
  return byType;
}
