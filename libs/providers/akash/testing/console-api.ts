import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Fault } from '#libs/provider-kit';
import { ApiError } from './api-error';
import { transactionHash, type Chain, type Deployment } from './chain';
import { FaultQueue, Unanswered } from './fault-queue';
import { BODY_LIMIT, parseBody, readBody, send, sendError } from './http-body';
import { readSdl } from './manifest';
import { marketProviders } from './market';
import { createSchema, gpuFromKey, invalid, leaseSchema, parse, screeningSchema } from './requests';
import {
  bidBody,
  deploymentBody,
  gpuPricesBody,
  isShownClosed,
  providerBody,
  type Generation,
} from './wire';

/** What the emulated world takes AKT to be worth. */
const AKT_USD = 1.1;
const SCREENING_LIMIT = 64 * 1024;
/** Short pages, so that paging is met with few leases. The real ones hold up to 100. */
const PAGE_LIMIT = 10;
const MICROS = 1_000_000;

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly needsKey: boolean;
  readonly generation?: Generation;
  readonly bodyLimit?: number;
  /** Verbs whose first request this may be, and whose work this does. */
  readonly before: readonly Fault['verb'][];
  readonly after: readonly Fault['verb'][];
  readonly answer: (asked: Asked) => Reply;
}

interface Asked {
  readonly id: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

export interface ConsoleApiOptions {
  readonly chain: Chain;
  readonly faults: FaultQueue;
  readonly apiKey: string;
  readonly generation: Generation;
  /** A trial account: an order closes earlier orders that have no lease. */
  readonly trial: boolean;
}

const ok = (body: unknown): Reply => ({ status: 200, body });
/** The Console's HTTP face over the emulated chain. */
export class ConsoleApi {
  private readonly server: Server;
  private readonly routes: readonly Route[];

  constructor(private readonly options: ConsoleApiOptions) {
    this.routes = this.makeRoutes();
    this.server = createServer((request, response) => {
      void this.serve(request, response);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${portOf(this.server.address())}`;
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', 'http://console');
      const bytes = await readBody(request);
      const reply = this.dispatch(request, url, bytes);
      send(response, reply.status, reply.body);
    } catch (error) {
      if (error instanceof Unanswered) return;
      sendError(response, error);
    }
  }

  private dispatch(request: IncomingMessage, url: URL, bytes: Buffer): Reply {
    const { faults, generation } = this.options;
    const route = this.routes.find(
      (each) =>
        each.method === request.method &&
        each.path.test(url.pathname) &&
        (each.generation ?? generation) === generation,
    );
    if (route === undefined) throw new ApiError(404, 'not_found', 'Not found');
    if (route.needsKey) this.checkKey(request);
    const body = parseBody(request, bytes, route.bodyLimit ?? BODY_LIMIT);
    faults.strike('before', route.before);
    const id = route.path.exec(url.pathname)?.[1] ?? '';
    const reply = route.answer({ id, query: url.searchParams, body });
    faults.strike('after', route.after);
    return reply;
  }

  private checkKey({ headers }: IncomingMessage): void {
    const { apiKey, generation } = this.options;
    const own = headers['x-api-key'];
    if (own !== undefined && headers.authorization !== undefined && generation === 'new')
      throw new ApiError(400, 'bad_request', 'Send one credential');
    if (own !== apiKey) throw new ApiError(401, 'unauthorized', 'Invalid API key');
  }

  private makeRoutes(): readonly Route[] {
    const open = { needsKey: false, before: [], after: [] } as const;
    const keyed = { needsKey: true, before: [], after: [] } as const;
    const offers = { before: ['listOffers'], after: ['listOffers'] } as const;
    return [
      {
        ...open,
        ...offers,
        method: 'GET',
        path: /^\/v1\/gpu-prices$/,
        answer: () => ok(gpuPricesBody(this.chain.soldOut)),
      },
      {
        ...open,
        method: 'GET',
        path: /^\/v1\/market-data$/,
        answer: () => ok({ price: AKT_USD, volume: 9_400_000, marketCap: 288_000_000 }),
      },
      {
        ...open,
        method: 'GET',
        path: /^\/v1\/providers$/,
        answer: ({ query }) => this.providers(query),
      },
      {
        ...open,
        method: 'GET',
        path: /^\/v1\/providers\/([^/]+)$/,
        answer: ({ id }) => this.provider(id),
      },
      {
        ...open,
        method: 'POST',
        path: /^\/v1\/bid-screening$/,
        bodyLimit: SCREENING_LIMIT,
        answer: ({ body }) => this.screen(body),
      },
      {
        ...open,
        generation: 'new',
        method: 'GET',
        path: /^\/v1\/deployment-funding-config$/,
        answer: () =>
          ok({ data: { targetRunwayHours: 48, balanceHeadroomUsd: 5, defaultDepositUsd: 0.5 } }),
      },
      { ...keyed, method: 'GET', path: /^\/v1\/balances$/, answer: () => this.balances() },
      {
        ...keyed,
        method: 'GET',
        path: /^\/v1\/deployments$/,
        before: ['acquire', 'observe', 'release', 'listLeases'],
        after: ['observe', 'listLeases'],
        answer: ({ query }) => this.list(query),
      },
      {
        ...keyed,
        method: 'POST',
        path: /^\/v1\/deployments$/,
        before: ['acquire'],
        after: ['acquire'],
        answer: ({ body }) => this.create(body),
      },
      {
        ...keyed,
        method: 'GET',
        path: /^\/v1\/deployments\/(\d+)$/,
        before: ['observe'],
        after: ['observe'],
        answer: ({ id }) => this.detail(id),
      },
      {
        ...keyed,
        method: 'DELETE',
        path: /^\/v1\/deployments\/(\d+)$/,
        before: ['release'],
        after: ['release'],
        answer: ({ id, query }) => this.remove(id, query),
      },
      {
        ...keyed,
        generation: 'new',
        method: 'GET',
        path: /^\/v1\/activities\/(\d+)$/,
        answer: ({ id }) => ok({ data: { id, status: 'succeeded' } }),
      },
      {
        ...keyed,
        method: 'GET',
        path: /^\/v1\/bids(?:\/(\d+))?$/,
        answer: ({ id, query }) => this.bids(id || (query.get('dseq') ?? '')),
      },
      { ...keyed, method: 'POST', path: /^\/v1\/leases$/, answer: ({ body }) => this.lease(body) },
    ];
  }

  private get chain(): Chain {
    return this.options.chain;
  }

  private providers(query: URLSearchParams): Reply {
    const asked = query
      .get('addresses')
      ?.split(',')
      .filter((text) => text !== '');
    if (asked !== undefined && asked.length > 20) throw invalid([{ path: ['addresses'] }]);
    const wanted = marketProviders.filter(
      ({ owner }) => asked === undefined || asked.includes(owner),
    );
    return ok(wanted.map((provider) => providerBody(provider, this.chain.soldOut)));
  }

  private provider(owner: string): Reply {
    const found = marketProviders.find((provider) => provider.owner === owner);
    if (found === undefined) throw new ApiError(404, 'not_found', 'Provider not found');
    return ok(providerBody(found, this.chain.soldOut));
  }

  private screen(body: unknown): Reply {
    const { resources } = parse(screeningSchema, body);
    const [first] = resources;
    if (first === undefined || this.options.faults.emptiesMarket()) return ok({ providers: [] });
    const { gpu, cpu } = first.resource;
    const gpuModels = gpu.attributes.map(({ key }) => gpuFromKey(key));
    const found = this.chain.bidders({
      gpuUnits: Number(gpu.units.val),
      gpuModels,
      cpuUnits: Number(cpu.units.val) / 1_000,
    });
    const providers = found.map((provider) => {
      const { owner, hostUri, isAudited } = providerBody(provider, false);
      return {
        owner,
        hostUri,
        isAudited,
        createdAt: '2024-01-01T00:00:00.000Z',
        location: provider.country,
        organization: null,
        incidents: [],
      };
    });
    return ok({ providers });
  }

  private balances(): Reply {
    const escrow = [...this.chain.deployments.values()]
      .filter(({ state }) => state === 'active')
      .reduce(
        (sum, deployment) => sum + deployment.escrowUact - this.chain.settledUact(deployment),
        0,
      );
    // Older servers tell millionths, newer ones dollars.
    const unit = this.options.generation === 'new' ? MICROS : 1;
    const [balance, deployments] = [this.chain.balanceUact / unit, escrow / unit];
    return ok({ data: { balance, deployments, total: balance + deployments } });
  }

  private list(query: URLSearchParams): Reply {
    const { generation } = this.options;
    const wantsClosed = generation === 'new' && query.get('state') === 'closed';
    const all = [...this.chain.deployments.values()].filter(
      (each) => this.isShown(each) && isShownClosed(this.chain, each) === wantsClosed,
    );
    const skip = Number(query.get('skip') ?? 0);
    const limit = Math.min(Number(query.get('limit') ?? PAGE_LIMIT), PAGE_LIMIT);
    if (!(skip >= 0) || !(limit >= 1)) throw invalid([{ path: ['skip', 'limit'] }]);
    const page = all.slice(skip, skip + limit);
    const hasMore = query.has('skip') && query.has('limit') && skip + limit < all.length;
    return ok({
      data: {
        deployments: page.map((each) => deploymentBody(this.chain, each, generation, 'item')),
        pagination: { total: all.length, skip, limit, hasMore },
      },
    });
  }

  private isShown({ shownAtMs }: Deployment): boolean {
    return this.chain.nowMs >= shownAtMs;
  }

  private find(dseq: string): Deployment {
    const found = this.chain.deployments.get(dseq);
    if (found === undefined) throw new ApiError(404, 'not_found', 'Deployment not found');
    return found;
  }

  private detail(dseq: string): Reply {
    const found = this.find(dseq);
    if (!this.isShown(found)) throw new ApiError(404, 'not_found', 'Deployment not found');
    return ok({ data: deploymentBody(this.chain, found, this.options.generation, 'detail') });
  }

  private create(body: unknown): Reply {
    const { data } = parse(createSchema, body);
    const isNew = this.options.generation === 'new';
    if (!isNew && data.deposit === undefined)
      throw new ApiError(400, 'bad_request', 'deposit is required');
    const depositUsd = isNew ? 0.5 : (data.deposit ?? 0);
    if (depositUsd < 0.5) throw new ApiError(400, 'bad_request', 'Deposit too low');
    const order = readSdl(data.sdl);
    if (this.options.trial) this.closeIdle();
    const created = this.chain.create(order, data.sdl, {
      name: isNew ? (data.name ?? order.service) : null,
      depositUact: depositUsd * MICROS,
      runtimeLimitHours: isNew ? (data.runtimeLimitHours ?? null) : null,
      unpaid: () => this.unpaid(depositUsd),
    });
    const signTx = { code: 0, transactionHash: transactionHash(created.dseq), rawLog: '' };
    return {
      status: 201,
      body: { data: { dseq: created.dseq, manifest: order.manifest, signTx } },
    };
  }

  private unpaid(depositUsd: number): ApiError {
    if (this.options.generation === 'august')
      return new ApiError(402, 'unknown_error', 'Insufficient balance');
    const data = {
      requiredAmountUsd: depositUsd,
      availableAmountUsd: this.chain.balanceUact / MICROS,
    };
    return new ApiError(402, 'insufficient_balance', 'Insufficient balance', { data });
  }

  private closeIdle(): void {
    for (const each of this.chain.deployments.values())
      if (each.leases.length === 0) this.chain.close(each);
  }

  private remove(dseq: string, query: URLSearchParams): Reply {
    this.chain.close(this.find(dseq));
    const isAsync = this.options.generation === 'new' && query.get('async') === 'true';
    return isAsync
      ? { status: 202, body: { data: { id: dseq } } }
      : ok({ data: { success: true } });
  }

  /** Bids of providers that no allowed auditor has signed are held back. */
  private bids(dseq: string): Reply {
    const found = this.find(dseq);
    const audited = found.bids.filter(({ provider }) => provider.audited);
    return ok({ data: audited.map((bid) => bidBody(this.chain, found, bid)) });
  }

  private lease(body: unknown): Reply {
    const { leases, manifest } = parse(leaseSchema, body);
    if (this.options.generation === 'august' && manifest === undefined)
      throw invalid([{ path: ['manifest'] }]);
    const [first] = leases;
    if (first === undefined) throw invalid([{ path: ['leases'] }]);
    const found = this.find(first.dseq);
    this.chain.lease(found, first.provider);
    // The chain's own view, without the name that the Console keeps.
    return ok({ data: deploymentBody(this.chain, found, 'august', 'detail') });
  }
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}
