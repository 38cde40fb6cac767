import { z } from 'zod';
import { ProviderError } from '#libs/provider-kit';
import { errorFor } from './errors';

const dseq = z.union([z.string(), z.number()]).transform(String);
const price = z.object({ denom: z.string(), amount: z.string() });

const leaseSchema = z.object({
  id: z.object({ gseq: z.number(), oseq: z.number(), provider: z.string() }),
  state: z.string(),
  price,
  reason: z.string().nullish(),
  /** Absent in lists; null when the provider could not be asked just then. */
  status: z
    .object({ services: z.record(z.string(), z.object({ available: z.number() })) })
    .nullish(),
});
export type ConsoleLease = z.infer<typeof leaseSchema>;

const deploymentSchema = z.object({
  deployment: z.object({ id: z.object({ dseq }), state: z.string() }),
  leases: z.array(leaseSchema),
  /** Undefined on servers that do not keep names. */
  name: z.string().nullish(),
});
export type ConsoleDeployment = z.infer<typeof deploymentSchema>;

const pageSchema = z.object({
  data: z.object({
    deployments: z.array(deploymentSchema),
    pagination: z.object({ hasMore: z.boolean().nullish() }).nullish(),
  }),
});

const bidSchema = z.object({
  bid: z.object({
    id: z.object({ dseq, gseq: z.number(), oseq: z.number(), provider: z.string() }),
    state: z.string(),
    price,
  }),
});
export type ConsoleBid = z.infer<typeof bidSchema>['bid'];

const capacity = z.object({ active: z.number(), available: z.number(), pending: z.number() });
const providerSchema = z.object({
  owner: z.string(),
  isOnline: z.boolean().nullish(),
  isAudited: z.boolean().nullish(),
  ipCountryCode: z.string().nullish(),
  gpuModels: z
    .array(
      z.object({
        vendor: z.string(),
        model: z.string(),
        ram: z.string().nullish(),
        interface: z.string().nullish(),
      }),
    )
    .nullish(),
  stats: z.object({ gpu: capacity.nullish(), cpu: capacity.nullish() }).nullish().catch(null),
});
export type ConsoleProvider = z.infer<typeof providerSchema>;

const gpuPriceSchema = z.object({
  vendor: z.string(),
  model: z.string(),
  ram: z.string(),
  interface: z.string().nullish(),
  availability: z.object({ total: z.number(), available: z.number() }),
  price: z.object({ currency: z.string(), min: z.number(), med: z.number() }).nullish(),
});
export type GpuPrice = z.infer<typeof gpuPriceSchema>;

/** Of the coin in dollars, beside figures that we do not read. */
const marketSchema = z.object({ price: z.number().positive() });

const created = z.object({ data: z.object({ dseq }) });
const screened = z.object({
  providers: z.array(z.object({ owner: z.string(), isAudited: z.boolean().nullish() })),
});

export const PAGE_SIZE = 100;
/** More pages than an account can fill; reaching it means that the server is not paging. */
const PAGE_LIMIT = 100;
/** The server takes no more addresses than this in one question. */
const ADDRESS_LIMIT = 20;

interface Call<T> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly reply: z.ZodType<T>;
}

export interface CreateDeployment {
  readonly sdl: string;
  readonly name: string;
  readonly deposit: number;
  readonly runtimeLimitHours?: number;
}

export interface BidKey {
  readonly dseq: string;
  readonly gseq: number;
  readonly oseq: number;
  readonly provider: string;
}

/** A thin typed client: one method is one request, save that lists are read to their end. Nothing is retried. */
export function createConsoleClient(baseUrl: string, apiKey: string) {
  const root = baseUrl.replace(/\/+$/, '');

  async function send<T>(call: Call<T>, signal: AbortSignal): Promise<T> {
    const reply = await sendOrNull(call, signal);
    if (reply !== null) return reply;
    const absent = { status: 404, code: 'not_found', message: '', retryAfterMs: null };
    throw errorFor(describe(call), absent);
  }

  /** Null for 404, which is an answer to some questions and an error to others. */
  async function sendOrNull<T>(call: Call<T>, signal: AbortSignal): Promise<T | null> {
    const { status, headers, text } = await exchange(call, signal);
    const body = parseJson(text);
    if (status >= 200 && status < 300) return parseReply(call, body);
    if (status === 404) return null;
    throw errorFor(describe(call), {
      status,
      ...wordsOf(body),
      retryAfterMs: retryAfterMs(headers),
    });
  }

  async function exchange(call: Call<unknown>, signal: AbortSignal) {
    try {
      const response = await fetch(`${root}${call.path}`, {
        method: call.method,
        headers: {
          'x-api-key': apiKey,
          accept: 'application/json',
          'content-type': 'application/json',
        },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        redirect: 'error',
        signal,
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch (cause) {
      throw new ProviderError('unavailable', `Akash did not answer ${describe(call)}`, { cause });
    }
  }

  const page = (skip: number, signal: AbortSignal) =>
    send(
      { method: 'GET', path: `/v1/deployments?skip=${skip}&limit=${PAGE_SIZE}`, reply: pageSchema },
      signal,
    );

  return {
    /**
     * Whether this server keeps deployment names. Any deployment shows it; for an account without one, so does a route that
     * came with the names.
     */
    async keepsNames(signal: AbortSignal): Promise<boolean> {
      const { deployments } = (await page(0, signal)).data;
      if (deployments.length > 0) return deployments.every(({ name }) => name !== undefined);
      const path = '/v1/deployment-funding-config';
      return (await sendOrNull({ method: 'GET', path, reply: z.unknown() }, signal)) !== null;
    },

    /** Active deployments of the account, each once. */
    async listDeployments(signal: AbortSignal): Promise<readonly ConsoleDeployment[]> {
      const found = new Map<string, ConsoleDeployment>();
      let skip = 0;
      for (let pages = 0; pages < PAGE_LIMIT; pages += 1) {
        const { deployments, pagination } = (await page(skip, signal)).data;
        for (const each of deployments) found.set(each.deployment.id.dseq, each);
        // Some servers never say `hasMore`, so a full page is followed as well; an empty one always ends it.
        const more = pagination?.hasMore === true || deployments.length >= PAGE_SIZE;
        if (!more || deployments.length === 0) return [...found.values()];
        skip += deployments.length;
      }
      throw new ProviderError('unmapped', 'Akash listed deployments without end');
    },

    /** Null when there is none. */
    async readDeployment(dseqText: string, signal: AbortSignal): Promise<ConsoleDeployment | null> {
      const path = `/v1/deployments/${encodeURIComponent(dseqText)}`;
      const reply = z.object({ data: deploymentSchema });
      return (await sendOrNull({ method: 'GET', path, reply }, signal))?.data ?? null;
    },

    /** Not repeatable: every call makes another deployment. */
    async createDeployment(order: CreateDeployment, signal: AbortSignal): Promise<string> {
      const call = {
        method: 'POST',
        path: '/v1/deployments',
        body: { data: order },
        reply: created,
      } as const;
      return (await send(call, signal)).data.dseq;
    },

    /** Succeeds when the deployment is closed or unknown. */
    async closeDeployment(dseqText: string, signal: AbortSignal): Promise<void> {
      const path = `/v1/deployments/${encodeURIComponent(dseqText)}`;
      await sendOrNull({ method: 'DELETE', path, reply: z.unknown() }, signal);
    },

    async listBids(dseqText: string, signal: AbortSignal): Promise<readonly ConsoleBid[]> {
      const path = `/v1/bids?dseq=${encodeURIComponent(dseqText)}`;
      const reply = z.object({ data: z.array(bidSchema) });
      return (await send({ method: 'GET', path, reply }, signal)).data.map(({ bid }) => bid);
    },

    /** Repeatable: a lease that exists is kept and its manifest is sent again. */
    async createLease(bid: BidKey, signal: AbortSignal): Promise<ConsoleDeployment> {
      const reply = z.object({ data: deploymentSchema });
      return (
        await send({ method: 'POST', path: '/v1/leases', body: { leases: [bid] }, reply }, signal)
      ).data;
    },

    listProviders: (signal: AbortSignal): Promise<readonly ConsoleProvider[]> =>
      send({ method: 'GET', path: '/v1/providers', reply: z.array(providerSchema) }, signal),

    readProviders(
      addresses: readonly string[],
      signal: AbortSignal,
    ): Promise<readonly ConsoleProvider[]> {
      const asked = addresses.slice(0, ADDRESS_LIMIT).map(encodeURIComponent).join(',');
      const path = `/v1/providers?scope=all&addresses=${asked}`;
      return send({ method: 'GET', path, reply: z.array(providerSchema) }, signal);
    },

    async listGpuPrices(signal: AbortSignal): Promise<readonly GpuPrice[]> {
      const reply = z.object({ models: z.array(gpuPriceSchema) });
      return (await send({ method: 'GET', path: '/v1/gpu-prices', reply }, signal)).models;
    },

    async readAktPrice(signal: AbortSignal): Promise<number> {
      const call = { method: 'GET', path: '/v1/market-data', reply: marketSchema } as const;
      return (await send(call, signal)).price;
    },

    /** How many audited providers would bid on this group. */
    async countBidders(group: unknown, signal: AbortSignal): Promise<number> {
      const call = {
        method: 'POST',
        path: '/v1/bid-screening',
        body: group,
        reply: screened,
      } as const;
      return (await send(call, signal)).providers.filter(({ isAudited }) => isAudited === true)
        .length;
    },
  };
}

export type ConsoleClient = ReturnType<typeof createConsoleClient>;

function describe(call: Call<unknown>): string {
  return `${call.method} ${call.path.replace(/\?.*/, '')}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function parseReply<T>(call: Call<T>, body: unknown): T {
  const parsed = call.reply.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new ProviderError(
    'unmapped',
    `Akash answered ${describe(call)} in a shape that is not known`,
  );
}

const refusalSchema = z.object({
  code: z.string().nullish().catch(null),
  message: z.string().nullish().catch(null),
});

function wordsOf(body: unknown): { readonly code: string | null; readonly message: string } {
  const parsed = refusalSchema.safeParse(body);
  return { code: parsed.data?.code ?? null, message: parsed.data?.message ?? '' };
}

/** `Retry-After` in its seconds form; the date form is not sent here. */
function retryAfterMs(headers: Headers): number | null {
  const seconds = /^\d{1,6}$/.exec(headers.get('retry-after') ?? '')?.[0];
  return seconds === undefined ? null : Number(seconds) * 1_000;
}
