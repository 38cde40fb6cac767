import { asAttemptId, asProviderId } from '#libs/domain';
import type { AttemptId, MicroUsd, Offer, OfferId } from '#libs/domain';
import { ProviderError, unknownLease } from '#libs/provider-kit';
import type {
  EmulatedLease,
  Fault,
  Idempotency,
  LeaseEndCause,
  LeaseObservation,
  LeaseRef,
  LeaseRequest,
  ProviderDescriptor,
} from '#libs/provider-kit';
import { chargeAt, endedAt, isLiveAt, observationAt, releasedAt, stateAt } from './fake-lease';
import type { FakeCharge, FakeLease } from './fake-lease';
import { chance } from './rng';
import type { Rng } from './rng';

export const fakeDescriptor: ProviderDescriptor = {
  id: asProviderId('memory'),
  displayName: 'In-memory cloud',
  kind: 'neocloud',
  runs: 'container',
  restartsWorkload: false,
  idempotency: 'client-token',
  quietMs: 10_000,
  callTimeoutMs: 10_000,
  rateLimit: { perSecond: 1_000, burst: 1_000, concurrency: 100 },
  billing: { incrementMs: 1_000, minimumMs: 60_000 },
  settlementCurrency: 'USD',
  observeEveryMs: 5_000,
  startLimitMs: 300_000,
  interruptionNoticeMs: 30_000,
  proves: [],
  offers: { readLogs: false },
};

/** How often the cloud lies, each a probability from 0 to 1 per answer. All are 0 unless said. */
export interface Lies {
  /** `observe` says `active` of a lease that is dead. */
  readonly ghost: number;
  /** `observe` says `gone` of a lease that lives. */
  readonly vanished: number;
  /** `listLeases` names a lease that nobody asked for. */
  readonly phantom: number;
}

export const HONEST: Lies = { ghost: 0, vanished: 0, phantom: 0 };

export interface FakeCloudSettings {
  readonly descriptor: ProviderDescriptor;
  readonly offers: readonly Offer[];
  /** From the grant to `active`. */
  readonly startDelayMs: number;
  /** How long an ended lease stays visible as `ended` when nobody releases it. */
  readonly lingerMs: number;
  readonly readLagMs: number;
  /** Live leases that each offer can hold. */
  readonly capacity: number;
  readonly rng: Rng;
  readonly lies: Lies;
}

type Verb = Fault['verb'];

/** The code on an error that stands for a call which is never answered; over a wire it would end in a timeout. */
export const NO_ANSWER = 'no-answer';

const RETRY_AFTER_MS = 1_000;
const END_OF_TIME_MS = Number.MAX_SAFE_INTEGER;

/** How a repeated acquire finds the first one: with certainty, as well as lagging reads allow, or not at all. */
const findsRepeat: { readonly [K in Idempotency]: 'exactly' | 'by-reading' | 'never' } = {
  'client-token': 'exactly',
  'deterministic-name': 'exactly',
  'tag-lookup': 'by-reading',
  none: 'never',
};

/**
 * A correct small cloud, computed synchronously from the moment that each call is given; nothing in it waits. It throws
 * `ProviderError` as an adapter would.
 */
export class FakeCloudCore {
  private readonly byExternalId = new Map<string, FakeLease>();
  private readonly prices = new Map<OfferId, MicroUsd>();
  private readonly capacities = new Map<OfferId, number>();
  private faults: readonly { readonly fault: Fault; readonly left: number }[] = [];
  private lies: Lies;
  private readLagMs: number;
  private soldOut = false;
  private down = false;
  private phantoms = 0;

  constructor(private readonly settings: FakeCloudSettings) {
    this.lies = settings.lies;
    this.readLagMs = settings.readLagMs;
  }

  listOffers(nowMs: number): readonly Offer[] {
    return this.answer('listOffers', () =>
      this.settings.offers.map((offer) => ({
        ...offer,
        pricePerHour: this.priceOf(offer),
        available: offer.available && this.hasRoom(offer, nowMs),
      })),
    );
  }

  acquire(request: LeaseRequest, nowMs: number): LeaseObservation {
    return this.answer('acquire', () => {
      const earlier = this.earlierLease(request.leaseKey, nowMs);
      if (earlier === null) return observationAt(this.grant(request, nowMs), nowMs);
      if (earlier.offer.id === request.offer.id) return observationAt(earlier, nowMs);
      throw new ProviderError('request-rejected', 'the lease key was used for another offer');
    });
  }

  observe(ref: LeaseRef, nowMs: number): LeaseObservation {
    return this.answer('observe', () => {
      const [lease] = this.readable(ref.leaseKey, nowMs);
      return lease === undefined
        ? unknownLease(ref.leaseKey)
        : this.perhapsLie(observationAt(lease, nowMs - this.readLagMs));
    });
  }

  release(ref: LeaseRef, nowMs: number): LeaseObservation {
    return this.answer('release', () => {
      const found = this.releasable(ref, nowMs);
      for (const lease of found) this.byExternalId.set(lease.externalId, releasedAt(lease, nowMs));
      const [first] = found;
      if (first === undefined) return unknownLease(ref.leaseKey);
      return observationAt(this.byExternalId.get(first.externalId) ?? first, nowMs);
    });
  }

  listLeases(nowMs: number): readonly LeaseObservation[] {
    return this.answer('listLeases', () => {
      const seenAtMs = nowMs - this.readLagMs;
      const real = this.all()
        .filter((lease) => lease.createdAtMs <= seenAtMs && stateAt(lease, seenAtMs) !== 'gone')
        .map((lease) => observationAt(lease, seenAtMs));
      return chance(this.settings.rng, this.lies.phantom) ? [...real, this.phantom()] : real;
    });
  }

  /** Makes the next matching calls fail; see `Fault`. */
  inject(fault: Fault): void {
    this.faults = [...this.faults, { fault, left: fault.times ?? 1 }];
  }

  /** Takes the lease away at `nowMs + noticeMs`; with notice it is `interrupting` until then. */
  interrupt(leaseKey: AttemptId, noticeMs: number, nowMs: number): void {
    this.change(leaseKey, (lease) => {
      const ended = this.endAt(lease, 'interrupted', nowMs + noticeMs);
      return noticeMs > 0 && ended !== lease ? { ...ended, noticeAtMs: nowMs } : ended;
    });
  }

  /** Ends the lease on the provider's side, for example because its workload is over. */
  end(leaseKey: AttemptId, cause: LeaseEndCause, nowMs: number): void {
    this.change(leaseKey, (lease) => this.endAt(lease, cause, nowMs));
  }

  setReadLag(lagMs: number): void {
    this.readLagMs = lagMs;
  }

  setSoldOut(soldOut: boolean): void {
    this.soldOut = soldOut;
  }

  /** While down, every call fails with `unavailable` and does nothing; leases run on and are charged. */
  setDown(down: boolean): void {
    this.down = down;
  }

  setLies(lies: Partial<Lies>): void {
    this.lies = { ...this.lies, ...lies };
  }

  setCapacity(offerId: OfferId, leases: number): void {
    this.capacities.set(offerId, leases);
  }

  /** For leases granted from now on; those that exist keep their price. */
  setPrice(offerId: OfferId, pricePerHour: MicroUsd): void {
    this.prices.set(offerId, pricePerHour);
  }

  /** The truth, without lag or lies: every lease ever granted. */
  leases(nowMs: number): readonly EmulatedLease[] {
    return this.all().map((lease) => ({
      leaseKey: lease.leaseKey,
      externalId: lease.externalId,
      running: isLiveAt(lease, nowMs),
      chargedMicroUsd: chargeAt(lease, nowMs)?.chargedMicroUsd ?? 0,
    }));
  }

  /** The books: one line for each lease that was ever charged. */
  charges(nowMs: number): readonly FakeCharge[] {
    return this.all().flatMap((lease) => chargeAt(lease, nowMs) ?? []);
  }

  private answer<T>(verb: Verb, work: () => T): T {
    if (this.down) throw new ProviderError('unavailable', 'the provider is down');
    const fault = this.takeFault(verb);
    if (fault === null) return work();
    if (fault.when === 'after') this.workUnheard(work);
    throw errorFor(fault);
  }

  /** The provider does its work, but the caller hears of neither success nor refusal. */
  private workUnheard(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
    }
  }

  private takeFault(verb: Verb): Fault | null {
    const hit = this.faults.find(({ fault }) => fault.verb === verb);
    if (hit === undefined) return null;
    this.faults = this.faults
      .map((each) => (each === hit ? { ...each, left: each.left - 1 } : each))
      .filter(({ left }) => left > 0);
    return hit.fault;
  }

  private grant(request: LeaseRequest, nowMs: number): FakeLease {
    const offer = this.settings.offers.find(({ id }) => id === request.offer.id);
    if (offer === undefined) throw new ProviderError('request-rejected', 'there is no such offer');
    if (!this.hasRoom(offer, nowMs)) throw new ProviderError('no-capacity', 'sold out');
    const pricePerHour = this.priceOf(offer);
    if (pricePerHour > request.limits.maxPricePerHour) {
      throw new ProviderError('price-moved', `the price is now ${pricePerHour} micro-dollars`);
    }
    return this.store(request, offer, pricePerHour, nowMs);
  }

  private store(
    { leaseKey, limits }: LeaseRequest,
    offer: Offer,
    pricePerHour: MicroUsd,
    nowMs: number,
  ): FakeLease {
    const activeAtMs = nowMs + this.settings.startDelayMs;
    const endsAtMs = Math.min(END_OF_TIME_MS, activeAtMs + limits.maxDurationMs);
    const lease: FakeLease = {
      leaseKey,
      externalId: `${this.settings.descriptor.id}-${this.byExternalId.size + 1}`,
      offer,
      pricePerHour,
      createdAtMs: nowMs,
      activeAtMs,
      noticeAtMs: null,
      endsAtMs,
      endCause: 'workload-ended',
      goneAtMs: endsAtMs + this.settings.lingerMs,
    };
    this.byExternalId.set(lease.externalId, lease);
    return lease;
  }

  private earlierLease(leaseKey: AttemptId, nowMs: number): FakeLease | null {
    switch (findsRepeat[this.settings.descriptor.idempotency]) {
      case 'exactly':
        return this.ofKey(leaseKey)[0] ?? null;
      case 'by-reading':
        return this.readable(leaseKey, nowMs)[0] ?? null;
      case 'never':
        return null;
    }
  }

  /** The leases of a key that a read can see now, those that live first. */
  private readable(leaseKey: AttemptId, nowMs: number): readonly FakeLease[] {
    const seenAtMs = nowMs - this.readLagMs;
    return this.ofKey(leaseKey)
      .filter(({ createdAtMs }) => createdAtMs <= seenAtMs)
      .sort((a, b) => Number(isLiveAt(b, seenAtMs)) - Number(isLiveAt(a, seenAtMs)));
  }

  /** A release by name or by the provider's own id needs no read; by key alone it can miss what reads do not show yet. */
  private releasable(ref: LeaseRef, nowMs: number): readonly FakeLease[] {
    if (this.settings.descriptor.idempotency === 'deterministic-name') {
      return this.ofKey(ref.leaseKey);
    }
    const seen = this.readable(ref.leaseKey, nowMs);
    const hinted = ref.externalId === null ? undefined : this.byExternalId.get(ref.externalId);
    return hinted === undefined || seen.includes(hinted) ? seen : [hinted, ...seen];
  }

  private perhapsLie(truth: LeaseObservation): LeaseObservation {
    const saysActive = chance(this.settings.rng, this.lies.ghost);
    const saysGone = chance(this.settings.rng, this.lies.vanished);
    const isDead = truth.state === 'ended' || truth.state === 'gone';
    if (isDead) return saysActive ? { ...truth, state: 'active', cause: null } : truth;
    return saysGone ? unknownLease(truth.leaseKey) : truth;
  }

  private phantom(): LeaseObservation {
    this.phantoms += 1;
    return {
      ...unknownLease(asAttemptId(`att-phantom-${this.phantoms}`)),
      state: 'active',
      externalId: `phantom-${this.phantoms}`,
    };
  }

  private change(leaseKey: AttemptId, next: (lease: FakeLease) => FakeLease): void {
    for (const lease of this.ofKey(leaseKey)) this.byExternalId.set(lease.externalId, next(lease));
  }

  private endAt(lease: FakeLease, cause: LeaseEndCause, atMs: number): FakeLease {
    return endedAt(lease, { atMs, cause, lingerMs: this.settings.lingerMs });
  }

  private hasRoom(offer: Offer, nowMs: number): boolean {
    if (this.soldOut) return false;
    const taken = this.all().filter((l) => l.offer.id === offer.id && isLiveAt(l, nowMs)).length;
    return taken < (this.capacities.get(offer.id) ?? this.settings.capacity);
  }

  private priceOf(offer: Offer): MicroUsd {
    return this.prices.get(offer.id) ?? offer.pricePerHour;
  }

  private ofKey(leaseKey: AttemptId): readonly FakeLease[] {
    return this.all().filter((lease) => lease.leaseKey === leaseKey);
  }

  private all(): FakeLease[] {
    return [...this.byExternalId.values()];
  }
}

function errorFor({ as }: Fault): ProviderError {
  if (as === 'timeout') {
    return new ProviderError('unavailable', 'no answer', { providerCode: NO_ANSWER });
  }
  return new ProviderError(as, `injected: ${as}`, {
    retryAfterMs: as === 'rate-limited' ? RETRY_AFTER_MS : null,
  });
}
