import { setTimeout as pause } from 'node:timers/promises';
import type { AttemptId } from '#libs/domain';
import type {
  AnyProviderPlugin,
  CallContext,
  EmulatorClock,
  LeaseObservation,
  LeaseRequest,
} from '#libs/provider-kit';
import { FakeCloud, memoryPlugin } from '#libs/testkit';

/** What a supervisor says of the workload of its lease. */
export interface Supervision {
  start(id: AttemptId, bootId: string): Promise<unknown>;
  exit(
    id: AttemptId,
    exit: { readonly bootId: string; readonly code: number; readonly reason: 'exited' },
  ): Promise<unknown>;
}

/** From the grant to the first word of the supervisor; long enough for the grant to be recorded, as on any real machine. */
const BOOT_MS = 50;
const RUN_MS = 50;
const LEASES_PER_OFFER = 100_000;

/** The fake cloud with supervisors: what runs in a lease is no process, but says that it starts and that it ended well. */
class SupervisedCloud extends FakeCloud {
  private readonly supervised = new Set<AttemptId>();

  constructor(
    clock: Pick<EmulatorClock, 'nowMs'>,
    private readonly supervision: Supervision,
    private readonly onFailure: (error: unknown) => void,
  ) {
    super(clock, { startDelayMs: 0, lingerMs: 0, capacity: LEASES_PER_OFFER });
  }

  override async acquire(request: LeaseRequest, ctx: CallContext): Promise<LeaseObservation> {
    const lease = await super.acquire(request, ctx);
    if (lease.state === 'active' && !this.supervised.has(request.leaseKey)) {
      this.supervised.add(request.leaseKey);
      this.supervise(request.leaseKey).catch(this.onFailure);
    }
    return lease;
  }

  private async supervise(id: AttemptId): Promise<void> {
    const bootId = `boot-${id}`;
    await pause(BOOT_MS);
    await this.supervision.start(id, bootId);
    await pause(RUN_MS);
    await this.supervision.exit(id, { bootId, code: 0, reason: 'exited' });
  }
}

/** The in-memory provider, supervised. */
export function supervisedPlugin(
  supervision: Supervision,
  onFailure: (error: unknown) => void,
): AnyProviderPlugin {
  return {
    ...memoryPlugin(),
    startEmulator: ({ clock }) =>
      Promise.resolve(new SupervisedCloud(clock, supervision, onFailure)),
  };
}
