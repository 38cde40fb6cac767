import { asProviderId, usd, type AttemptId, type Offer } from '#libs/domain';
import type {
  CallContext,
  LeaseObservation,
  LeaseRef,
  LeaseRequest,
  ProviderAdapter,
  ProviderDescriptor,
} from '#libs/provider-kit';
import {
  FakeCloudCore,
  HONEST,
  fakeDescriptor,
  fakeOffer,
  integerBetween,
  type FakeCloudSettings,
} from '#libs/testkit';
import type { Scene } from './scene';

/** What the read lag may be at most; descriptors promise it. */
const QUIET_MS = 20_000;
/** More than all jobs of a play together need. */
const AMPLE = 40;

/** A cloud of the simulation behind the provider seam; it tells the world about every lease that it grants, heard of or not. */
export class SimulatedCloud implements ProviderAdapter {
  readonly descriptor: ProviderDescriptor;
  readonly core: FakeCloudCore;
  private granted = 0;
  private down = false;

  constructor(
    private readonly world: Scene,
    private readonly settings: FakeCloudSettings,
    private readonly onGrant: (
      cloud: SimulatedCloud,
      leaseKey: AttemptId,
      externalId: string,
    ) => void,
  ) {
    this.descriptor = world.dropped.has('wait-quiet')
      ? { ...settings.descriptor, quietMs: 0, callTimeoutMs: 0 }
      : settings.descriptor;
    this.core = new FakeCloudCore(settings);
  }

  async listOffers(): Promise<readonly Offer[]> {
    return this.core.listOffers(this.nowMs());
  }

  acquire(request: LeaseRequest, ctx: CallContext): Promise<LeaseObservation> {
    return this.acquireAs(request.leaseKey, request, ctx);
  }

  /** `request` under another key; for the simulation of a contract without a stable one. */
  async acquireAs(
    leaseKey: AttemptId,
    request: LeaseRequest,
    _ctx: CallContext,
  ): Promise<LeaseObservation> {
    try {
      return {
        ...this.core.acquire({ ...request, leaseKey }, this.nowMs()),
        leaseKey: request.leaseKey,
      };
    } finally {
      this.tellGrants();
    }
  }

  async observe(ref: LeaseRef): Promise<LeaseObservation> {
    return this.core.observe(ref, this.nowMs());
  }

  async release(ref: LeaseRef): Promise<LeaseObservation> {
    return this.core.release(ref, this.nowMs());
  }

  async listLeases(): Promise<readonly LeaseObservation[]> {
    return this.core.listLeases(this.nowMs());
  }

  setDown(down: boolean): void {
    this.down = down;
    this.core.setDown(down);
  }

  /** Whether another lease of the offer could be had now, going by how many run. */
  hasRoom(running: number): boolean {
    return !this.down && running < this.settings.capacity;
  }

  isRunning(externalId: string): boolean {
    return this.core
      .leases(this.nowMs())
      .some((lease) => lease.externalId === externalId && lease.running);
  }

  private tellGrants(): void {
    const leases = this.core.leases(this.nowMs());
    for (const { leaseKey, externalId } of leases.slice(this.granted))
      this.onGrant(this, leaseKey, externalId);
    this.granted = leases.length;
  }

  private nowMs(): number {
    return this.world.agenda.nowMs();
  }
}

/** Two clouds with opposite manners: a firm one with client tokens, and a cheap market whose lost creates must be looked for. */
export function twoClouds(
  world: Scene,
  isAmple: boolean,
  onGrant: (cloud: SimulatedCloud, leaseKey: AttemptId, externalId: string) => void,
): readonly SimulatedCloud[] {
  const common = {
    startDelayMs: integerBetween(world.rng, 5_000, 60_000),
    lingerMs: 600_000,
    readLagMs: integerBetween(world.rng, 0, QUIET_MS - 1_000),
    rng: world.rng,
    lies: HONEST,
  };
  const firm = {
    ...fakeDescriptor,
    id: asProviderId('firm'),
    kind: 'hyperscaler' as const,
    quietMs: QUIET_MS,
    startLimitMs: 240_000,
  };
  const market = {
    ...firm,
    id: asProviderId('market'),
    kind: 'decentralised' as const,
    idempotency: 'tag-lookup' as const,
  };
  const offer = (
    descriptor: ProviderDescriptor,
    instanceType: string,
    dollars: number,
    interruptible: boolean,
  ): Offer =>
    fakeOffer({
      providerId: descriptor.id,
      providerKind: descriptor.kind,
      instanceType,
      market: descriptor === market ? 'marketplace' : interruptible ? 'spot' : 'on-demand',
      interruptible,
      pricePerHour: usd(dollars),
      country: descriptor === market ? null : 'FI',
    });
  return [
    new SimulatedCloud(
      world,
      {
        ...common,
        descriptor: firm,
        capacity: isAmple ? AMPLE : integerBetween(world.rng, 1, 3),
        offers: [offer(firm, 'large', 4, false), offer(firm, 'spot', 1.6, true)],
      },
      onGrant,
    ),
    new SimulatedCloud(
      world,
      {
        ...common,
        descriptor: market,
        capacity: integerBetween(world.rng, 1, 2),
        offers: [offer(market, 'cheap', 1.2, true), offer(market, 'cheaper', 1.1, true)],
      },
      onGrant,
    ),
  ];
}
