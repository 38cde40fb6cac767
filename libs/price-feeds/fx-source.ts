import { asProviderId } from '#libs/domain';
import { ProviderError, type FeedCall, type PriceFeed } from '#libs/provider-kit';

/** What makes one public source of rates different from the next. Each is one small file with one of these. */
export interface FxSource {
  readonly name: string;
  /** Where it lives; the path of the question follows. */
  readonly baseUrl: string;
  /** The question about all tokens at once: a path with its query, from `/` on. */
  readonly path: string;
  readonly accept: string;
  readonly perSecond: number;
  readonly everyMs: number;
  readonly staleAfterMs: number;
  /** The rates in an answer, in dollars. Throws for an answer that is not what the source documents. */
  readonly ratesIn: (body: string) => readonly FxQuoteItem[];
}

export interface FxQuoteItem {
  readonly token: string;
  readonly usd: number;
}

/** A source as a feed: one request reads all of it. */
export function fxFeed(source: FxSource, baseUrl: string = source.baseUrl): PriceFeed {
  const { name, path, accept, everyMs, staleAfterMs, perSecond, ratesIn } = source;
  return {
    id: `fx/${name}`,
    kind: 'fx',
    owner: asProviderId(name),
    everyMs,
    staleAfterMs,
    rateLimit: { perSecond, burst: 1, concurrency: 1 },
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    read: async (_cursor, call) => {
      const body = await readBody(`${baseUrl.replace(/\/+$/, '')}${path}`, accept, call);
      return { items: parsedRates(name, body, ratesIn), cursor: null, done: true };
    },
  };
}

const REQUEST_TIMEOUT_MS = 10_000;
/** The longest of these answers has a tenth of that. */
const MAX_BODY_CHARACTERS = 1_000_000;

function readBody(url: string, accept: string, call: FeedCall): Promise<string> {
  return call.ask(async (signal) => {
    const response = await answered(url, accept, signal);
    const body = await response.text();
    if (!response.ok) throw refusal(response.status, response.headers.get('retry-after'));
    if (body.length > MAX_BODY_CHARACTERS)
      throw new ProviderError('unmapped', 'the answer is too long');
    return body;
  });
}

async function answered(url: string, accept: string, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { headers: { accept }, redirect: 'error', signal });
  } catch (cause) {
    throw new ProviderError('unavailable', 'the source cannot be reached', { cause });
  }
}

function refusal(status: number, retryAfter: string | null): ProviderError {
  const seconds = /^\d{1,6}$/.exec(retryAfter ?? '')?.[0];
  const retryAfterMs = seconds === undefined ? null : Number(seconds) * 1_000;
  const text = `the source answered ${status}`;
  if (status === 429) return new ProviderError('rate-limited', text, { retryAfterMs });
  if (status === 401 || status === 403) return new ProviderError('credentials-rejected', text);
  return new ProviderError(status >= 500 ? 'unavailable' : 'unmapped', text, { retryAfterMs });
}

/** Rates that are no positive numbers are left out: one token that is not traded must not cost the others. */
function parsedRates(
  name: string,
  body: string,
  ratesIn: FxSource['ratesIn'],
): readonly FxQuoteItem[] {
  let rates: readonly FxQuoteItem[] = [];
  try {
    rates = ratesIn(body).filter(({ usd }) => Number.isFinite(usd) && usd > 0);
  } catch (cause) {
    throw new ProviderError('unmapped', `${name} answered in a shape that is not known`, { cause });
  }
  if (rates.length > 0) return rates;
  throw new ProviderError('unmapped', `${name} answered without any rate`);
}
