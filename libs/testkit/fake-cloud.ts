import type { AttemptId, Offer } from '#libs/domain';
import { ProviderError } from '#libs/provider-kit';
import type {
  CallContext,
  EmulatedLease,
  EmulatorClock,
  Fault,
  LeaseObservation,
  LeaseRef,
  LeaseRequest,
  ProviderAdapter,
  ProviderDescriptor,
  RunningEmulator,
} from '#libs/provider-kit';
import { fakeDescriptor, FakeCloudCore, HONEST, NO_ANSWER } from './fake-cloud-core';
import type { FakeCloudSettings } from './fake-cloud-core';
import type { FakeCharge } from './fake-lease';
import { fakeOffers } from './fake-offers';
import { seededRng } from './rng';

const DEFAULTS: FakeCloudSettings = {
  descriptor: fakeDescriptor,
  offers: fakeOffers,
  startDelayMs: 30_000,
  lingerMs: 3_600_000,
  readLagMs: 0,
  capacity: 1_000,
  rng: seededRng(1),
  lies: HONEST,
};

/** The fake cloud behind the provider seam, on a clock: an adapter and its emulator in one. `core` is the synchronous inside. */
export class FakeCloud implements ProviderAdapter, RunningEmulator {
  readonly core: FakeCloudCore;
  readonly descriptor: ProviderDescriptor;

  constructor(
    private readonly clock: Pick<EmulatorClock, 'nowMs'>,
    settings: Partial<FakeCloudSettings> = {},
  ) {
    const complete = { ...DEFAULTS, rng: seededRng(1), ...settings };
    this.core = new FakeCloudCore(complete);
    this.descriptor = complete.descriptor;
  }

  get config(): unknown {
    return { cloud: this };
  }

  listOffers(ctx: CallContext): Promise<readonly Offer[]> {
    return answered(ctx, () => this.core.listOffers(this.clock.nowMs()));
  }

  acquire(request: LeaseRequest, ctx: CallContext): Promise<LeaseObservation> {
    return answered(ctx, () => this.core.acquire(request, this.clock.nowMs()));
  }

  observe(ref: LeaseRef, ctx: CallContext): Promise<LeaseObservation> {
    return answered(ctx, () => this.core.observe(ref, this.clock.nowMs()));
  }

  release(ref: LeaseRef, ctx: CallContext): Promise<LeaseObservation> {
    return answered(ctx, () => this.core.release(ref, this.clock.nowMs()));
  }

  listLeases(ctx: CallContext): Promise<readonly LeaseObservation[]> {
    return answered(ctx, () => this.core.listLeases(this.clock.nowMs()));
  }

  inject(fault: Fault): void {
    this.core.inject(fault);
  }

  interrupt(leaseKey: AttemptId, noticeMs: number): void {
    this.core.interrupt(leaseKey, noticeMs, this.clock.nowMs());
  }

  leases(): readonly EmulatedLease[] {
    return this.core.leases(this.clock.nowMs());
  }

  charges(): readonly FakeCharge[] {
    return this.core.charges(this.clock.nowMs());
  }

  setReadLag(lagMs: number): void {
    this.core.setReadLag(lagMs);
  }

  setSoldOut(soldOut: boolean): void {
    this.core.setSoldOut(soldOut);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Runs `call` at once; a call without an answer stays open until its signal aborts, as on a wire. */
async function answered<T>({ signal }: CallContext, call: () => T): Promise<T> {
  if (signal.aborted) throw new ProviderError('unavailable', 'the call was aborted');
  try {
    return call();
  } catch (error) {
    if (error instanceof ProviderError && error.providerCode === NO_ANSWER) await abortOf(signal);
    throw error;
  }
}

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
