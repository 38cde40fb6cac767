import { createHash } from 'node:crypto';
import type { EmulatorClock } from '#libs/provider-kit';
import { ApiError } from './api-error';
import type { OrderSpec } from './manifest';
import {
  HOURS_PER_MONTH,
  RESOURCE_RATES,
  marketGpus,
  marketProviders,
  socketWord,
  type MarketProvider,
} from './market';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
export const BLOCK_MS = 6 * SECOND;
const BLOCKS_PER_HOUR = 600;
/** Providers take their earnings out, and so settle the escrow, this often. */
const SETTLE_BLOCKS = 100;
const BID_FIRST_MS = 5 * SECOND;
const BID_SPREAD_MS = 25 * SECOND;
const BID_WITHDRAWN_MS = 5 * MINUTE;
const FICKLE_AFTER_MS = 1 * SECOND;
const MANIFEST_TIMEOUT_MS = 5 * MINUTE;
const SWEEP_MS = 10 * MINUTE;
const HOUR_MS = 60 * MINUTE;
const RUNWAY_HOURS = 48;
const HEADROOM_UACT = 5_000_000;
/** Prices are kept in millionths of a uact. */
const PRICE_SCALE = 1_000_000;

export interface Bid {
  readonly provider: MarketProvider;
  readonly price: number;
  readonly bseq: number;
  readonly createdAtMs: number;
  state: 'open' | 'active' | 'lost' | 'closed';
}

export interface ChainLease {
  readonly provider: MarketProvider;
  /** Millionths of a uact per block. */
  readonly price: number;
  readonly createdAtMs: number;
  state: 'active' | 'insufficient_funds' | 'closed';
  reason: string | null;
  closedAtMs: number | null;
  hasManifest: boolean;
  /** What the provider would answer about the container; null while nobody can ask it. */
  available: number | null;
}

export interface Deployment {
  readonly dseq: string;
  readonly name: string | null;
  readonly order: OrderSpec;
  readonly sdl: string;
  readonly createdAtMs: number;
  readonly runtimeLimitHours: number | null;
  /** Reads show it from here on, and show it closed from `closedShownAtMs` on. */
  readonly shownAtMs: number;
  state: 'active' | 'closed';
  overdrawn: boolean;
  closedAtMs: number | null;
  closedShownAtMs: number | null;
  escrowUact: number;
  readonly bids: Bid[];
  readonly leases: ChainLease[];
  readonly timers: (() => void)[];
}

export interface ChainEvents {
  /** The provider has the manifest of a fresh lease. */
  deliver(deployment: Deployment, lease: ChainLease): void;
  /** The lease is over, whoever ended it. */
  ended(deployment: Deployment, lease: ChainLease): void;
}

interface ChainOptions {
  readonly clock: EmulatorClock;
  readonly delayFactor: number;
  readonly random: () => number;
  readonly events: ChainEvents;
}

/** How far reads are behind unless a test says so. */
const READ_LAG_MS = 2_000;

/** The market and its escrow: orders draw bids, a bid that is taken becomes a lease, a lease pays its provider per block. */
export class Chain {
  readonly deployments = new Map<string, Deployment>();
  balanceUact = 1_000_000_000_000;
  readLagMs: number;
  soldOut = false;
  /** Providers predict bids and then make none. */
  withholdsBids = false;
  /** How many leases find their bid gone. */
  snatchedBids = 0;
  /** How many manifests get lost on their way. */
  lostManifests = 0;
  /** Nobody can ask providers how their containers do. */
  hidesStatus = false;
  private lastDseq = 0;

  constructor(private readonly options: ChainOptions) {
    this.readLagMs = Math.round(READ_LAG_MS * options.delayFactor);
  }

  get nowMs(): number {
    return this.options.clock.nowMs();
  }

  heightAt(ms: number): number {
    return Math.floor(ms / BLOCK_MS);
  }

  /** Who would bid, whatever it would ask. */
  bidders(
    order: Pick<OrderSpec, 'gpuUnits' | 'gpuModels' | 'cpuUnits'>,
  ): readonly MarketProvider[] {
    if (this.soldOut) return [];
    return marketProviders.filter((provider) => provider.online && canServe(provider, order));
  }

  create(order: OrderSpec, sdl: string, terms: CreateTerms): Deployment {
    if (this.balanceUact < terms.depositUact) throw terms.unpaid();
    this.balanceUact -= terms.depositUact;
    this.lastDseq = Math.max(this.nowMs, this.lastDseq + 1);
    const deployment: Deployment = {
      dseq: String(this.lastDseq),
      name: terms.name,
      order,
      sdl,
      createdAtMs: this.nowMs,
      runtimeLimitHours: terms.runtimeLimitHours,
      shownAtMs: this.nowMs + this.readLagMs,
      state: 'active',
      overdrawn: false,
      closedAtMs: null,
      closedShownAtMs: null,
      escrowUact: terms.depositUact,
      bids: [],
      leases: [],
      timers: [],
    };
    this.deployments.set(deployment.dseq, deployment);
    this.invite(deployment);
    this.later(deployment, SWEEP_MS, () => {
      if (deployment.leases.length === 0) this.close(deployment);
    });
    return deployment;
  }

  /** Any lease that is not closed wins over what is asked for; only its manifest is sent again. */
  lease(deployment: Deployment, provider: string): void {
    if (deployment.state === 'closed') throw refused('Deployment closed');
    const held = deployment.leases.find(({ state }) => state !== 'closed');
    this.deliver(deployment, held ?? this.take(deployment, provider));
  }

  close(deployment: Deployment, reason = 'lease_closed_owner'): void {
    if (deployment.state === 'closed') return;
    const live = liveLease(deployment);
    if (live !== null) this.endLease(deployment, live, reason);
    for (const bid of deployment.bids) bid.state = 'closed';
    deployment.timers.splice(0).forEach((cancel) => cancel());
    deployment.state = 'closed';
    deployment.closedAtMs = this.nowMs;
    deployment.closedShownAtMs = this.nowMs + this.readLagMs;
    const left = Math.max(0, deployment.escrowUact - this.chargedUact(deployment));
    this.balanceUact += left;
  }

  /** Ended by the provider: the deployment stays active with its group paused, and its escrow stays locked. */
  endLease(deployment: Deployment, lease: ChainLease, reason: string): void {
    if (lease.state === 'closed') return;
    lease.state =
      reason === 'lease_closed_reason_insufficient_funds' ? 'insufficient_funds' : 'closed';
    lease.reason = reason;
    lease.closedAtMs = this.nowMs;
    for (const bid of deployment.bids) bid.state = 'closed';
    this.options.events.ended(deployment, lease);
  }

  /** All that its leases have cost, rounded up to the uact; a block that has begun is paid for. */
  chargedUact(deployment: Deployment, atMs = this.nowMs): number {
    const total = deployment.leases.reduce((sum, lease) => {
      const lastedMs = Math.min(lease.closedAtMs ?? atMs, atMs) - lease.createdAtMs;
      return sum + Math.ceil(Math.max(0, lastedMs) / BLOCK_MS) * lease.price;
    }, 0);
    return Math.min(Math.ceil(total / PRICE_SCALE), deployment.escrowUact);
  }

  /** What the books say until the next settlement: less than is owed. */
  settledUact(deployment: Deployment): number {
    if (deployment.state === 'closed') return this.chargedUact(deployment);
    const first = deployment.leases[0]?.createdAtMs ?? this.nowMs;
    const periodMs = SETTLE_BLOCKS * BLOCK_MS;
    return this.chargedUact(
      deployment,
      first + Math.floor((this.nowMs - first) / periodMs) * periodMs,
    );
  }

  private invite(deployment: Deployment): void {
    if (this.withholdsBids) return;
    this.bidders(deployment.order).forEach((provider, index) => {
      const price = askOf(provider, deployment.order);
      if (price > deployment.order.maxUactPerBlock * PRICE_SCALE) return;
      const delayMs =
        (BID_FIRST_MS + this.options.random() * BID_SPREAD_MS) * this.options.delayFactor;
      this.later(deployment, delayMs, () => this.bid(deployment, provider, price, index + 1));
    });
  }

  private bid(deployment: Deployment, provider: MarketProvider, price: number, bseq: number): void {
    if (deployment.leases.length > 0) return;
    const bid: Bid = { provider, price, bseq, createdAtMs: this.nowMs, state: 'open' };
    deployment.bids.push(bid);
    const staysMs =
      provider.fickle === true ? FICKLE_AFTER_MS * this.options.delayFactor : BID_WITHDRAWN_MS;
    this.later(deployment, staysMs, () => {
      if (bid.state === 'open') bid.state = 'closed';
    });
  }

  private take(deployment: Deployment, owner: string): ChainLease {
    if (this.snatchedBids > 0) {
      this.snatchedBids -= 1;
      deployment.bids.forEach((bid) => {
        if (bid.provider.owner === owner) bid.state = 'closed';
      });
    }
    const bid = deployment.bids.find(
      (each) => each.provider.owner === owner && each.state === 'open',
    );
    if (bid === undefined) throw refused('The selected bid is no longer open');
    if (!bid.provider.audited) throw new ApiError(403, 'forbidden', 'Provider is not audited');
    for (const other of deployment.bids) if (other.state === 'open') other.state = 'lost';
    bid.state = 'active';
    const lease: ChainLease = {
      provider: bid.provider,
      price: bid.price,
      createdAtMs: this.nowMs,
      state: 'active',
      reason: null,
      closedAtMs: null,
      hasManifest: false,
      available: null,
    };
    deployment.leases.push(lease);
    this.fund(deployment, lease);
    this.later(deployment, MANIFEST_TIMEOUT_MS, () => {
      if (!lease.hasManifest)
        this.endLease(deployment, lease, 'lease_closed_reason_manifest_timeout');
    });
    if (deployment.runtimeLimitHours !== null)
      this.later(deployment, deployment.runtimeLimitHours * HOUR_MS, () => this.close(deployment));
    return lease;
  }

  private deliver(deployment: Deployment, lease: ChainLease): void {
    if (lease.hasManifest) return;
    const lost = this.lostManifests > 0;
    if (lost) this.lostManifests -= 1;
    if (lost || !deployment.order.hasGlobalService)
      throw new ApiError(
        502,
        'manifest_not_delivered',
        'zero global services or provider unreachable',
      );
    lease.hasManifest = true;
    this.options.events.deliver(deployment, lease);
  }

  /** Tops the escrow up towards two days of runway, and looks again when it would run dry. */
  private fund(deployment: Deployment, lease: ChainLease): void {
    if (lease.state !== 'active') return;
    const perHour = (lease.price * BLOCKS_PER_HOUR) / PRICE_SCALE;
    const left = deployment.escrowUact - this.chargedUact(deployment);
    const wanted = Math.max(0, Math.ceil(perHour * RUNWAY_HOURS - left));
    const added = Math.min(wanted, Math.max(0, this.balanceUact - HEADROOM_UACT));
    this.balanceUact -= added;
    deployment.escrowUact += added;
    const runwayMs = Math.floor(((left + added) / perHour) * HOUR_MS);
    this.later(deployment, Math.max(runwayMs, BLOCK_MS), () =>
      this.refundOrOverdraw(deployment, lease),
    );
  }

  private refundOrOverdraw(deployment: Deployment, lease: ChainLease): void {
    if (this.balanceUact > HEADROOM_UACT) return this.fund(deployment, lease);
    deployment.overdrawn = true;
    this.close(deployment, 'lease_closed_reason_insufficient_funds');
  }

  private later(deployment: Deployment, delayMs: number, action: () => void): void {
    deployment.timers.push(
      this.options.clock.after(delayMs, () => {
        if (deployment.state === 'active') action();
      }),
    );
  }
}

export interface CreateTerms {
  readonly name: string | null;
  readonly depositUact: number;
  readonly runtimeLimitHours: number | null;
  /** The refusal when the account cannot pay the deposit. */
  readonly unpaid: () => ApiError;
}

export function liveLease(deployment: Deployment): ChainLease | null {
  return deployment.leases.find(({ state }) => state === 'active') ?? null;
}

/** Millionths of a uact as an 18-digit chain decimal. */
export function chainDecimal(price: number): string {
  const whole = Math.floor(price / PRICE_SCALE);
  return `${whole}.${String(price % PRICE_SCALE).padStart(6, '0')}000000000000`;
}

/** A hash in the form of a transaction's. */
export function transactionHash(seed: string): string {
  return createHash('sha256').update(seed).digest('hex').toUpperCase();
}

const refused = (message: string) => new ApiError(400, 'bad_request', message);

function canServe(
  provider: MarketProvider,
  { gpuUnits, gpuModels, cpuUnits }: Pick<OrderSpec, 'gpuUnits' | 'gpuModels' | 'cpuUnits'>,
): boolean {
  if (provider.cpuTotal < cpuUnits || provider.gpuTotal < gpuUnits) return false;
  if (gpuUnits === 0 || gpuModels.length === 0) return true;
  return gpuModels.some((wanted) => gpuOf(provider, wanted) !== null);
}

function gpuOf(provider: MarketProvider, wanted: OrderSpec['gpuModels'][number]) {
  const owned = marketGpus.filter(({ model, ram }) => provider.gpus.includes(`${model}/${ram}`));
  const fits = owned.find(
    (gpu) =>
      gpu.model === wanted.model &&
      (wanted.ram === undefined || gpu.ram === wanted.ram) &&
      (wanted.interface === undefined || socketWord(gpu.interface) === wanted.interface),
  );
  return fits ?? null;
}

/** What a provider asks per block for the whole group, in millionths of a uact. */
function askOf(provider: MarketProvider, order: OrderSpec): number {
  const [wanted] = order.gpuModels;
  const gpu = wanted === undefined ? null : gpuOf(provider, wanted);
  const gpuMicros = order.gpuUnits * (gpu?.usdPerHour.med ?? 0) * 1_000_000;
  const perMonth =
    order.cpuUnits * RESOURCE_RATES.cpu +
    order.memoryGib * RESOURCE_RATES.memoryGib +
    order.diskGib * RESOURCE_RATES.diskGb;
  const perHour = ((gpuMicros + perMonth / HOURS_PER_MONTH) * provider.askBps) / 10_000;
  return Math.ceil((perHour / BLOCKS_PER_HOUR) * PRICE_SCALE);
}
