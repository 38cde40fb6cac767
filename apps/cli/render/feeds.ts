import type { FeedListView, FeedView, RateView } from '#libs/contracts';
import { dollars, duration, relative } from './amounts';
import type { Paint } from './paint';
import { table } from './table';

/** Sources of prices and how their reading goes, then the rates that they agree on. */
export function renderFeeds({ feeds, rates }: FeedListView, nowMs: number, paint: Paint): string {
  const sources =
    feeds.length === 0
      ? 'nothing has been read yet'
      : table(
          columns,
          feeds.map((feed) => feedRow(feed, nowMs, paint)),
        );
  if (rates.length === 0) return sources;
  return `${sources}\n\n${table(
    rateColumns,
    rates.map((rate) => rateRow(rate, nowMs)),
  )}`;
}

const columns = [
  { title: '' },
  { title: 'SOURCE' },
  { title: 'KIND' },
  { title: 'READ' },
  { title: 'HOLDS FOR' },
  { title: 'ITEMS', align: 'right' },
  { title: 'LAST TRY' },
] as const;

function feedRow(feed: FeedView, nowMs: number, paint: Paint): readonly string[] {
  return [
    markOf(feed, paint),
    feed.id,
    feed.kind,
    ageOf(feed.readAt, nowMs),
    duration(feed.staleAfterMs),
    String(feed.items),
    stateOf(feed, paint),
  ];
}

function markOf({ stale, readAt, error }: FeedView, paint: Paint): string {
  if (stale || readAt === null) return paint.bad('●');
  return error === null ? paint.good('●') : paint.warn('●');
}

function stateOf({ error, failures, stale }: FeedView, paint: Paint): string {
  if (error !== null) return paint.warn(`${error.kind} (${failures}): ${error.text}`);
  return stale ? paint.bad('stale') : 'ok';
}

const rateColumns = [
  { title: 'TOKEN' },
  { title: 'WORTH', align: 'right' },
  { title: 'READ' },
  { title: 'A DAY MOVES', align: 'right' },
  { title: 'HAIRCUT', align: 'right' },
  { title: 'SOURCES' },
] as const;

function rateRow(rate: RateView, nowMs: number): readonly string[] {
  return [
    rate.token,
    dollars(rate.microUsd),
    ageOf(rate.readAt, nowMs),
    rate.sigmaDaily === null ? 'not measured' : `${(rate.sigmaDaily * 100).toFixed(2)} %`,
    `${(rate.haircutBps / 100).toFixed(2)} %`,
    rate.sources.join(', '),
  ];
}

function ageOf(at: string | null, nowMs: number): string {
  return at === null ? 'never' : relative(at, nowMs);
}
