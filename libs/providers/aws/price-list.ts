import type { Pricing } from '@aws-sdk/client-pricing';
import { asOfferId, usd } from '#libs/domain';
import { ProviderError, type FeedCall, type FeedItems, type PriceFeed } from '#libs/provider-kit';
import { typeNamed } from './catalogue';
import { credentialsFor } from './client';
import type { AwsConfig } from './config';
import { descriptor } from './descriptor';
import { asProviderError, isTokenGone } from './errors';
import { offerIdOf, PRICE_LIST_SOURCE } from './offers';
import { isRegion, type Region } from './regions';

type Price = FeedItems['prices'];

const HOUR_MS = 3_600_000;
const PAGE_SIZE = 100;
/** A token that runs out makes its region start over; more often than this in a pass is a fault of its own. */
const MAX_RESTARTS = 3;

/** Where a pass is: tokens belong to one region and run out. */
interface Cursor {
  readonly region: number;
  readonly token: string | null;
  readonly restarts: number;
}

/**
 * On-demand prices of the configured regions from the Price List Query API (`GetProducts`), Linux on shared hardware. One page is
 * one request; the API itself lives in few regions and knows the prices of all.
 */
export function priceListFeed(config: AwsConfig): PriceFeed {
  const regions = config.regions.map(({ name }) => name);
  let client: Promise<Pricing> | null = null;
  return {
    id: PRICE_LIST_SOURCE,
    kind: 'prices',
    owner: descriptor.id,
    everyMs: 6 * HOUR_MS,
    // List prices change a few times a year, and AWS announces it; three days outlast a weekend in which nobody looks.
    staleAfterMs: 72 * HOUR_MS,
    // The limit of this API is not published; a pass of some forty pages takes a few seconds at this pace.
    rateLimit: { perSecond: 5, burst: 10, concurrency: 1 },
    requestTimeoutMs: descriptor.callTimeoutMs,
    read: async (text, call) => {
      const cursor = cursorIn(text);
      const region = regions[cursor.region];
      if (region === undefined) return { items: [], cursor: null, done: true };
      client ??= open(config);
      const { items, token, restarts } = await readPage(await client, region, cursor, call);
      const next =
        token === null
          ? { region: cursor.region + 1, token, restarts }
          : { ...cursor, token, restarts };
      const done = next.region >= regions.length;
      return { items, cursor: done ? null : JSON.stringify(next), done };
    },
  };
}

interface ListPage {
  readonly texts: readonly string[];
  readonly token: string | null;
}

async function readPage(
  client: Pricing,
  region: Region,
  cursor: Cursor,
  call: FeedCall,
): Promise<{
  readonly items: readonly Price[];
  readonly token: string | null;
  readonly restarts: number;
}> {
  const ask = (token: string | null): Promise<ListPage> =>
    call.ask(async (signal) => {
      const NextToken = token === null ? {} : { NextToken: token };
      const input = { ...request, Filters: filtersFor(region), ...NextToken };
      const reply = await client.getProducts(input, { abortSignal: signal }).catch(refuse);
      return { texts: (reply.PriceList ?? []).map(String), token: reply.NextToken || null };
    });
  try {
    const { texts, token } = await ask(cursor.token);
    return {
      items: texts.flatMap((text) => priceIn(text, region) ?? []),
      token,
      restarts: cursor.restarts,
    };
  } catch (error) {
    if (cursor.token === null || !isTokenGone(error) || cursor.restarts >= MAX_RESTARTS)
      throw error;
    return readPage(
      client,
      region,
      { ...cursor, token: null, restarts: cursor.restarts + 1 },
      call,
    );
  }
}

function refuse(error: unknown): never {
  throw asProviderError(error, 'AWS Pricing');
}

const request = {
  ServiceCode: 'AmazonEC2',
  FormatVersion: 'aws_v1',
  MaxResults: PAGE_SIZE,
} as const;

/** What leaves one row for each type: Linux without extras, shared hardware, billed for what runs and not for what is reserved. */
const plain: Readonly<Record<string, string>> = {
  operatingSystem: 'Linux',
  tenancy: 'Shared',
  capacitystatus: 'Used',
  preInstalledSw: 'NA',
};

function filtersFor(region: Region) {
  return Object.entries({ regionCode: region, ...plain }).map(([Field, Value]) => ({
    Type: 'TERM_MATCH' as const,
    Field,
    Value,
  }));
}

/** The price in one entry of the list, or null for what we do not offer. An entry that is not what it should be is a fault. */
export function priceIn(text: string, region: Region): Price | null {
  const { product, terms } = parsed(text);
  const attributes = product?.attributes ?? {};
  const type = typeNamed(attributes['instanceType'] ?? '');
  const isPlain = Object.entries(plain).every(([name, value]) => attributes[name] === value);
  const code = attributes['regionCode'] ?? '';
  if (type === undefined || !isPlain || code !== region || !isRegion(code)) return null;
  const dollars = hourlyDollars(terms);
  if (dollars === null) return null;
  return {
    offerId: asOfferId(offerIdOf(region, type.type, 'on-demand')),
    pricePerHour: usd(dollars),
  };
}

interface Entry {
  readonly product?: { readonly attributes?: Readonly<Record<string, string>> };
  readonly terms?: { readonly OnDemand?: Readonly<Record<string, Term>> };
}

interface Term {
  readonly priceDimensions?: Readonly<
    Record<string, { readonly unit?: string; readonly pricePerUnit?: { readonly USD?: string } }>
  >;
}

function parsed(text: string): Entry {
  try {
    const entry: unknown = JSON.parse(text);
    if (typeof entry === 'object' && entry !== null) return entry;
  } catch {
    // Falls through to the fault below: the text itself is no use in a message.
  }
  throw new ProviderError('unmapped', 'AWS Pricing listed something that is no price');
}

/** The one price by the hour; capacity blocks and reservations list zero or nothing here. */
function hourlyDollars(terms: Entry['terms']): number | null {
  const prices = Object.values(terms?.OnDemand ?? {})
    .flatMap(({ priceDimensions }) => Object.values(priceDimensions ?? {}))
    .filter(({ unit }) => unit === 'Hrs')
    .map(({ pricePerUnit }) => Number(pricePerUnit?.USD))
    .filter((price) => Number.isFinite(price) && price > 0);
  return prices.length === 1 ? (prices[0] ?? null) : null;
}

function cursorIn(text: string | null): Cursor {
  const start = { region: 0, token: null, restarts: 0 };
  if (text === null) return start;
  const cursor: unknown = JSON.parse(text);
  return typeof cursor === 'object' && cursor !== null ? { ...start, ...cursor } : start;
}

/** Loaded at first use, as the EC2 client is. Retries are the feed's business. */
async function open(config: AwsConfig): Promise<Pricing> {
  const { Pricing: Client } = await import('@aws-sdk/client-pricing');
  const { pricingEndpoint, pricingRegion } = config;
  return new Client({
    region: pricingRegion,
    maxAttempts: 1,
    requestHandler: { requestTimeout: descriptor.callTimeoutMs, throwOnRequestTimeout: true },
    ...credentialsFor(config),
    ...(pricingEndpoint === null ? {} : { endpoint: pricingEndpoint }),
  });
}
