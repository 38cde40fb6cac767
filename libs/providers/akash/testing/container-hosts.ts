import type { EmulatorOptions } from '#libs/provider-kit';
import {
  createHostPark,
  type HostHandle,
  type HostPark,
} from '../../../provider-kit/testing/host/host-park';
import type { Chain, ChainEvents, ChainLease, Deployment } from './chain';
import type { OrderSpec } from './manifest';
import { OWNER } from './wire';

const SECOND = 1_000;
/** From the manifest to a started container: scheduling and pulling the image. */
const START_MS = 20 * SECOND;
const CHECK_MS = 10 * SECOND;
/** More failed checks than this in a row, and the provider closes the lease. */
const FAILED_CHECKS_LIMIT = 40;
/** A provider that vanished is written off after this long. */
const WRITE_OFF_MS = 60 * SECOND;
/** Kubernetes waits 30 s before it kills; a test need not. */
const STOP_GRACE_MS = 500;

/** The providers' machines: each lease's container is a group of real processes that is started again whenever it ends. */
export class ContainerHosts implements ChainEvents {
  private readonly park: HostPark;
  private readonly handles = new Map<ChainLease, HostHandle>();
  private readonly timers = new Set<() => void>();
  private readonly stopping = new Set<Promise<unknown>>();
  private chain: Chain | null = null;
  private closed = false;

  constructor(private readonly options: EmulatorOptions) {
    this.park = createHostPark({ rootDir: options.rootDir });
  }

  /** Whom to tell of leases that are over. */
  serve(chain: Chain): void {
    this.chain = chain;
  }

  deliver(deployment: Deployment, lease: ChainLease): void {
    lease.available = 0;
    this.later(START_MS * this.options.delayFactor, () => {
      if (lease.state === 'active' && lease.available !== null) this.start(deployment, lease);
    });
  }

  ended(_: Deployment, lease: ChainLease): void {
    const handle = this.handles.get(lease);
    if (handle === undefined) return;
    this.handles.delete(lease);
    this.keep(handle.shutdown(STOP_GRACE_MS));
  }

  /** The machine is gone at once; the chain learns of it later, and until then nobody can say how the container does. */
  vanish(deployment: Deployment): void {
    const lease = deployment.leases.find(({ state }) => state === 'active');
    if (lease === undefined) return;
    lease.available = null;
    const handle = this.handles.get(lease);
    this.handles.delete(lease);
    handle?.pullPlug();
    this.later(WRITE_OFF_MS * this.options.delayFactor, () =>
      this.chain?.endLease(deployment, lease, 'lease_closed_reason_decommission'),
    );
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const cancel of this.timers) cancel();
    this.timers.clear();
    await Promise.allSettled(this.stopping);
    await this.park.closeAll();
  }

  private start(deployment: Deployment, lease: ChainLease): void {
    const handle = this.park.boot({
      hostId: `akash-${deployment.dseq}`,
      script: scriptOf(deployment.order),
      kind: 'container',
      restart: 'always',
      env: environmentOf(deployment, lease),
      onStateChange: (state) => {
        if (state === 'running' && lease.available !== null) lease.available = 1;
      },
    });
    this.handles.set(lease, handle);
    this.check(deployment, lease, { handle, failed: 0, exits: 0 });
  }

  /** The provider's monitor: its count starts again with every healthy check. */
  private check(deployment: Deployment, lease: ChainLease, last: Health): void {
    this.later(CHECK_MS, () => {
      if (this.handles.get(lease) !== last.handle) return;
      const health = nextHealth(last);
      lease.available = health.failed === 0 ? 1 : 0;
      if (health.failed > FAILED_CHECKS_LIMIT)
        this.chain?.endLease(deployment, lease, 'lease_closed_reason_unstable');
      else this.check(deployment, lease, health);
    });
  }

  private later(delayMs: number, action: () => void): void {
    const cancel = this.options.clock.after(delayMs, () => {
      this.timers.delete(cancel);
      if (!this.closed) action();
    });
    this.timers.add(cancel);
  }

  private keep(stop: Promise<void>): void {
    const settled = stop.finally(() => this.stopping.delete(settled));
    this.stopping.add(settled);
  }
}

interface Health {
  readonly handle: HostHandle;
  /** Checks in a row that found no container. */
  readonly failed: number;
  readonly exits: number;
}

function nextHealth({ handle, failed, exits }: Health): Health {
  const exitsNow = handle.exitCodes().length;
  const isSteady = failed === 0 && exitsNow === exits;
  // SIGCONT changes nothing and tells whether there is a process to take it.
  const isUp = isSteady || handle.signal('SIGCONT');
  return { handle, failed: isUp ? 0 : failed + 1, exits: exitsNow };
}

/** The container's command as text for a shell. */
function scriptOf({ command, args }: OrderSpec): string {
  const isShell = command.length === 2 && command[1] === '-c';
  return isShell ? args.join(' ') : [...command, ...args].map(quoted).join(' ');
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

function environmentOf({ dseq, order }: Deployment, { provider }: ChainLease) {
  return {
    ...order.env,
    ...gpuEnvironment(order),
    AKASH_DEPLOYMENT_SEQUENCE: dseq,
    AKASH_GROUP_SEQUENCE: '1',
    AKASH_ORDER_SEQUENCE: '1',
    AKASH_OWNER: OWNER,
    AKASH_PROVIDER: provider.owner,
    AKASH_CLUSTER_PUBLIC_HOSTNAME: `provider.${provider.name}.example`,
  };
}

function gpuEnvironment({ gpuUnits, gpuModels }: OrderSpec): Readonly<Record<string, string>> {
  if (gpuUnits === 0) return {};
  return { FAIRLEAD_EMULATED_GPU: `${(gpuModels[0]?.model ?? 'gpu').toUpperCase()}, ${gpuUnits}` };
}
