import type { AttemptId } from '#libs/domain';
import {
  ProviderError,
  unknownLease,
  type CallContext,
  type LeaseObservation,
  type LeaseRef,
  type LeaseRequest,
  type ProviderAdapter,
} from '#libs/provider-kit';
import {
  createConsoleClient,
  type ConsoleBid,
  type ConsoleClient,
  type ConsoleDeployment,
} from './client';
import type { AkashConfig } from './config';
import { descriptor } from './descriptor';
import {
  affordableBids,
  asNameless,
  awaitsManifest,
  mayLease,
  mayServe,
  namesAreNotKept,
  observationOf,
  orderFor,
  runtimeLimitHours,
  withMark,
  type MarkedDeployment,
} from './mapping';
import { nameOf, parseMark, type Mark } from './mark';
import { offersFrom } from './offers';
import { screeningFor, sdlFor, type Order } from './sdl';

/** The adapter for one Console account. */
export function createAkashAdapter(config: AkashConfig): ProviderAdapter {
  return new AkashAdapter(config, createConsoleClient(config.baseUrl, config.apiKey));
}

/**
 * Akash is a market: an order draws bids and a bid that is taken becomes a lease. `acquire` places the order and returns;
 * each `observe` then moves it one step on (take a bid, send the manifest again), since an adapter may not wait.
 */
class AkashAdapter implements ProviderAdapter {
  readonly descriptor = descriptor;

  constructor(
    private readonly config: AkashConfig,
    private readonly client: ConsoleClient,
  ) {}

  /** Offers nothing from a server that keeps no names, so that nothing is ever placed there. */
  async listOffers({ signal }: CallContext) {
    const [prices, providers] = await Promise.all([
      this.client.listGpuPrices(signal),
      this.client.listProviders(signal),
    ]);
    if (!(await this.client.keepsNames(signal))) throw namesAreNotKept();
    return offersFrom(providers, prices, this.config);
  }

  async acquire(request: LeaseRequest, ctx: CallContext): Promise<LeaseObservation> {
    const all = await this.client.listDeployments(ctx.signal);
    // The first order of this key may be among those without a name, and a second one would be charged as well.
    if (all.some(({ name }) => name === undefined)) throw namesAreNotKept();
    const [earlier] = markedWith(request.leaseKey, all);
    if (earlier !== undefined) return observationOf(earlier, ctx.nowMs, this.config);
    const order = orderFor(request, this.config);
    if ((await this.client.countBidders(screeningFor(order), ctx.signal)) === 0)
      throw new ProviderError('no-capacity', 'No audited Akash provider would bid on this order');
    return this.place(order, request, ctx);
  }

  async observe(ref: LeaseRef, ctx: CallContext): Promise<LeaseObservation> {
    const seen = await this.locate(ref, ctx);
    if (seen === null) return unknownLease(ref.leaseKey);
    const next = await this.advance(seen, ctx);
    const observation = observationOf(next ?? seen, ctx.nowMs, this.config);
    const isNewLease = next !== null && seen.deployment.leases.length === 0;
    // The chain gives block heights only, but this lease began to be charged with the bid that was taken just now.
    return isNewLease ? { ...observation, billedFromMs: ctx.nowMs } : observation;
  }

  /**
   * Closes every deployment with the key, for a create that was repeated too early makes two. The hint goes first: it can be
   * closed even where names cannot be read.
   */
  async release({ leaseKey, externalId }: LeaseRef, ctx: CallContext): Promise<LeaseObservation> {
    if (externalId !== null) await this.client.closeDeployment(externalId, ctx.signal);
    const listed = (await this.findAll(leaseKey, ctx)).map(dseqOf);
    const others = listed.filter((dseq) => dseq !== externalId);
    for (const dseq of others) await this.client.closeDeployment(dseq, ctx.signal);
    const closed = externalId ?? others[0] ?? null;
    return {
      ...unknownLease(leaseKey),
      externalId: closed,
      cause: closed === null ? null : 'released',
    };
  }

  async listLeases(ctx: CallContext): Promise<readonly LeaseObservation[]> {
    const all = await this.client.listDeployments(ctx.signal);
    const ours = all.flatMap((each) => withMark(each) ?? []);
    return ours.map((each) => observationOf(each, ctx.nowMs, this.config));
  }

  private async place(order: Order, request: LeaseRequest, ctx: CallContext) {
    const { leaseKey, limits, labels, offer } = request;
    const mark: Mark = {
      leaseKey,
      maxPricePerHour: limits.maxPricePerHour,
      country: offer.region,
      askedAtMs: ctx.nowMs,
    };
    const name = nameOf(mark, labels);
    if (parseMark(name) === null)
      throw new ProviderError('request-rejected', 'The order could not be found again by its name');
    const hours = runtimeLimitHours(limits.maxDurationMs);
    const externalId = await this.client.createDeployment(
      {
        sdl: sdlFor(order, request),
        name,
        deposit: this.config.depositUsd,
        ...(hours === null ? {} : { runtimeLimitHours: hours }),
      },
      ctx.signal,
    );
    return { ...unknownLease(leaseKey), state: 'starting' as const, externalId };
  }

  /** The deployment with its container's status, by the hint when it is still right and by name otherwise. */
  private async locate(ref: LeaseRef, ctx: CallContext): Promise<MarkedDeployment | null> {
    const ours = ref.externalId === null ? null : await this.readHinted(ref, ref.externalId, ctx);
    if (ours?.deployment.deployment.state === 'active') return ours;
    // What the hint names is over or unknown; something else with the key may still be charged.
    const [first] = await this.findAll(ref.leaseKey, ctx);
    if (first === undefined) return ours;
    return (await this.readMarked(dseqOf(first), ctx)) ?? first;
  }

  /** One step towards a running lease, or null when there is none to take. */
  private async advance(
    seen: MarkedDeployment,
    ctx: CallContext,
  ): Promise<MarkedDeployment | null> {
    const lease = awaitsManifest(seen, ctx.nowMs, this.config);
    if (lease !== null) return this.lease(seen, lease.id, ctx);
    if (!mayLease(seen, ctx.nowMs, this.config)) return null;
    const bid = await this.bestBid(seen, ctx);
    return bid === null ? null : this.lease(seen, bid.id, ctx);
  }

  private async bestBid({ mark, deployment }: MarkedDeployment, { signal }: CallContext) {
    const all = await this.client.listBids(deployment.deployment.id.dseq, signal);
    const bids = affordableBids(all, mark, this.config.blockMs);
    if (bids.length === 0) return null;
    const bidders = await this.client.readProviders(
      bids.map(({ id }) => id.provider),
      signal,
    );
    const serves = (bid: ConsoleBid) =>
      mayServe(
        bidders.find(({ owner }) => owner === bid.id.provider),
        mark,
      );
    return bids.find(serves) ?? null;
  }

  /**
   * Takes a bid, or sends the manifest of its lease again. Null when the bid is gone by now or the provider could not be
   * reached: the observation stands all the same, and the next one takes the step again until its window closes.
   */
  private async lease(
    seen: MarkedDeployment,
    id: Omit<ConsoleBid['id'], 'dseq'>,
    ctx: CallContext,
  ) {
    const { gseq, oseq, provider } = id;
    try {
      const bid = { dseq: dseqOf(seen), gseq, oseq, provider };
      return { ...seen, deployment: await this.client.createLease(bid, ctx.signal) };
    } catch (error) {
      if (ctx.signal.aborted || !(error instanceof ProviderError)) throw error;
      if (error.kind !== 'request-rejected' && error.kind !== 'unavailable') throw error;
      return null;
    }
  }

  /** What the hint names, when it is still right; where there is no name to check, the hint is believed. */
  private async readHinted({ leaseKey }: LeaseRef, dseq: string, { signal }: CallContext) {
    const deployment = await this.client.readDeployment(dseq, signal);
    if (deployment === null) return null;
    if (deployment.name === undefined) return asNameless(deployment, leaseKey);
    const marked = withMark(deployment);
    return marked?.mark.leaseKey === leaseKey ? marked : null;
  }

  private async readMarked(dseq: string, ctx: CallContext): Promise<MarkedDeployment | null> {
    const deployment = await this.client.readDeployment(dseq, ctx.signal);
    return deployment === null ? null : withMark(deployment);
  }

  private async findAll(
    leaseKey: AttemptId,
    { signal }: CallContext,
  ): Promise<readonly MarkedDeployment[]> {
    return markedWith(leaseKey, await this.client.listDeployments(signal));
  }
}

/** Deployments with the key, oldest first, so that two looks agree on which one is meant. One without a name is nobody's. */
function markedWith(
  leaseKey: AttemptId,
  all: readonly ConsoleDeployment[],
): readonly MarkedDeployment[] {
  return all
    .flatMap((each) => withMark(each) ?? [])
    .filter(({ mark }) => mark.leaseKey === leaseKey)
    .sort((a, b) => (BigInt(dseqOf(a)) < BigInt(dseqOf(b)) ? -1 : 1));
}

const dseqOf = ({ deployment }: MarkedDeployment): string => deployment.deployment.id.dseq;
