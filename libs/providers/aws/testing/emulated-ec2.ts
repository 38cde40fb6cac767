import { createHash } from 'node:crypto';
import type { EmulatorClock } from '#libs/provider-kit';
import type { HostPark } from '../../../provider-kit/testing/host/host-park';
import type { Region } from '../regions';
import type { Launch } from './launch';
import { chargeOf, endReasons, isLive, stateOf } from './machine';
import type { EndReason, Machine, MachineState, PriceChange } from './machine';
import { SpotMarket, zonesOf } from './spot-market';
import { WireError } from './wire';

const BOOT_MS = 20_000;
const TEARDOWN_MS = 10_000;
/** How far reads are behind unless a test says so; EC2 promises no bound. */
const READ_LAG_MS = 2_000;
const SPOT_NOTICE_MS = 120_000;
/** How long a guest may take to shut down, in real time: the system inside the machine does not know of emulated time. */
const SHUTDOWN_GRACE_MS = 30_000;
const LEAST_SHUTDOWN_GRACE_MS = 1_000;

/** The account's quotas in each region; new accounts have less, often nothing for GPU families. */
const VCPU_QUOTA = 5_000;
const SPOT_INSTANCE_QUOTA = 500;

interface Surroundings {
  readonly clock: EmulatorClock;
  readonly park: HostPark;
  readonly delayFactor: number;
  readonly seed: number;
}

/** The cloud itself: machines, their lives, capacity, quotas and charges. It knows nothing of the wire but its refusals. */
export class EmulatedEc2 {
  readonly spotMarket: SpotMarket;
  private readonly machines: Machine[] = [];
  private readonly byToken = new Map<string, { machine: Machine; fingerprint: string }>();
  private readonly capacities = new Map<string, number>();
  private readonly quotas = new Map<string, number>();
  private readonly timers = new Set<() => void>();
  private readLagMs: number;
  private soldOut = false;
  private closed = false;

  constructor(private readonly around: Surroundings) {
    this.spotMarket = new SpotMarket(around.seed, around.clock.nowMs());
    this.readLagMs = Math.round(READ_LAG_MS * around.delayFactor);
  }

  nowMs(): number {
    return this.around.clock.nowMs();
  }

  /** The moment that reads show. */
  readAtMs(): number {
    return this.nowMs() - this.readLagMs;
  }

  setReadLag(lagMs: number): void {
    this.readLagMs = lagMs;
  }

  setSoldOut(soldOut: boolean): void {
    this.soldOut = soldOut;
  }

  /** How many live machines of a type a zone can hold; unlimited unless said. */
  setCapacity(zone: string, type: string, machines: number): void {
    this.capacities.set(`${zone}/${type}`, machines);
  }

  /** vCPUs of a family (`p`, `g` or `standard`) on demand in a region. */
  setVcpuQuota(region: Region, family: string, vcpus: number): void {
    this.quotas.set(`${region}/${family}`, vcpus);
  }

  setSpotQuota(region: Region, machines: number): void {
    this.quotas.set(`${region}/spot`, machines);
  }

  /** Moves the price in all zones of a region; machines whose ceiling it exceeds are interrupted. */
  setSpotPrice(region: Region, type: string, usdPerHour: number): void {
    this.spotMarket.move(type, region, usdPerHour, this.nowMs());
    const outbid = this.machines.filter(
      (machine) =>
        machine.region === region &&
        machine.type.type === type &&
        machine.spot !== null &&
        (machine.spot.maxUsd ?? Infinity) < usdPerHour,
    );
    for (const machine of outbid) {
      this.giveNotice(machine, 'instance-terminated-by-price', SPOT_NOTICE_MS);
    }
  }

  all(): readonly Machine[] {
    return this.machines;
  }

  sells(region: Region, type: Machine['type']): boolean {
    return !this.soldOut && type.onDemandUsd[region] !== undefined;
  }

  chargeOf(machine: Machine): number {
    return chargeOf(machine, this.pricesOf(machine), this.nowMs());
  }

  /** The same token with the same parameters gives the same machine, even one that reads do not show yet. */
  launch(region: Region, launch: Launch): Machine {
    const key = `${region}/${zoneAskedFor(region, launch) ?? ''}/${launch.token}`;
    const earlier = launch.token === null ? undefined : this.byToken.get(key);
    if (earlier !== undefined) {
      if (earlier.fingerprint === launch.fingerprint) return earlier.machine;
      throw new WireError(
        'IdempotentParameterMismatch',
        'The client token was used with other parameters',
      );
    }
    const machine = this.create(region, this.zoneFor(region, launch), launch);
    this.byToken.set(key, { machine, fingerprint: launch.fingerprint });
    return machine;
  }

  terminate(machine: Machine): void {
    this.end(machine, endReasons.byApi);
  }

  /** Takes a machine away: a spot machine after notice where there is some, any other by a failure of its hardware. */
  interrupt(machine: Machine, noticeMs: number): void {
    if (machine.spot !== null) {
      this.giveNotice(machine, endReasons.spot.spotCode, noticeMs);
      return;
    }
    this.after(noticeMs, () => this.end(machine, endReasons.failure));
  }

  close(): void {
    this.closed = true;
    for (const cancel of this.timers) cancel();
    this.timers.clear();
  }

  private create(region: Region, zone: string, launch: Launch): Machine {
    const { type, token, tags, userData, onGuestShutdown } = launch;
    const number = this.machines.length + 1;
    const machine: Machine = {
      id: `i-${this.hexId(`machine-${number}`)}`,
      region,
      zone,
      type,
      spot: launch.spot && {
        requestId: `sir-${this.hexId(`request-${number}`).slice(0, 8)}`,
        maxUsd: launch.spot.maxUsd,
      },
      token,
      tags,
      userData,
      launchedAtMs: this.nowMs(),
      onGuestShutdown,
      changes: [],
      spotCodes: [],
      host: null,
    };
    this.machines.push(machine);
    this.enter(machine, 'pending', null);
    machine.spotCodes.push({ atMs: this.nowMs(), code: 'fulfilled' });
    this.after(BOOT_MS * this.around.delayFactor, () => this.boot(machine));
    return machine;
  }

  private boot(machine: Machine): void {
    if (stateOf(machine) !== 'pending') return;
    this.enter(machine, 'running', null);
    machine.host = this.around.park.boot({
      hostId: machine.id,
      script: bootScript(machine.userData),
      kind: 'vm',
      restart: 'never',
      env: gpuIn(machine),
      onStateChange: (state) => {
        if (state === 'off') this.onHostOff(machine);
      },
    });
  }

  private onHostOff(machine: Machine): void {
    if (this.closed) return;
    if (stateOf(machine) === 'shutting-down') return this.tearDown(machine);
    if (stateOf(machine) !== 'running') return;
    if (machine.host?.poweredOffBy() !== 'guest') return this.end(machine, endReasons.failure);
    if (machine.onGuestShutdown === 'terminate') return this.end(machine, endReasons.byGuest);
    this.enter(machine, 'stopping', endReasons.byGuest);
    this.after(TEARDOWN_MS * this.around.delayFactor, () =>
      this.enter(machine, 'stopped', endReasons.byGuest),
    );
  }

  /** Begins the end of a machine; charges stop at once, the guest gets its time to shut down. */
  private end(machine: Machine, reason: EndReason): void {
    if (['shutting-down', 'terminated'].includes(stateOf(machine))) return;
    this.enter(machine, 'shutting-down', reason);
    machine.spotCodes.push({ atMs: this.nowMs(), code: reason.spotCode });
    if (machine.host === null || machine.host.state() === 'off') return this.tearDown(machine);
    if (reason === endReasons.failure) return machine.host.pullPlug();
    const graceMs = SHUTDOWN_GRACE_MS * this.around.delayFactor;
    void machine.host.shutdown(Math.max(LEAST_SHUTDOWN_GRACE_MS, graceMs));
  }

  private tearDown(machine: Machine): void {
    this.after(TEARDOWN_MS * this.around.delayFactor, () => {
      const reason = machine.changes.at(-1)?.reason ?? null;
      if (stateOf(machine) === 'shutting-down') this.enter(machine, 'terminated', reason);
    });
  }

  /** The request shows the end at once, while the machine runs on for as long as the notice lasts. */
  private giveNotice(machine: Machine, code: string, noticeMs: number): void {
    if (!isLive(machine)) return;
    machine.spotCodes.push({ atMs: this.nowMs(), code });
    if (noticeMs === 0) return this.end(machine, endReasons.spot);
    this.after(noticeMs, () => this.end(machine, endReasons.spot));
  }

  private enter(machine: Machine, state: MachineState, reason: EndReason | null): void {
    const endedAtMs = reason === null ? null : (machine.changes.at(-1)?.endedAtMs ?? this.nowMs());
    machine.changes.push({ atMs: this.nowMs(), state, reason, endedAtMs });
  }

  private zoneFor(region: Region, launch: Launch): string {
    const { type, spot } = launch;
    if (type.onDemandUsd[region] === undefined) {
      throw new WireError('Unsupported', `${type.type} is not supported in ${region}.`);
    }
    this.checkQuota(region, launch);
    const asked = zoneAskedFor(region, launch);
    const zones = spot === null ? zonesOf(region) : this.spotMarket.zonesByPrice(type.type, region);
    const zone = zones
      .filter((each) => asked === null || each === asked)
      .find((each) => this.hasRoom(each, type.type));
    if (zone === undefined) {
      throw new WireError(
        'InsufficientInstanceCapacity',
        `We currently do not have sufficient ${type.type} capacity.`,
        500,
      );
    }
    const price = this.spotMarket.price(type.type, region, zone);
    if (spot !== null && (price === null || (spot.maxUsd ?? Infinity) < price)) {
      throw new WireError('SpotMaxPriceTooLow', `Your price is lower than the ${price} required.`);
    }
    return zone;
  }

  private hasRoom(zone: string, type: string): boolean {
    if (this.soldOut) return false;
    const live = this.machines.filter(
      (machine) => machine.zone === zone && machine.type.type === type && isLive(machine),
    );
    return live.length < (this.capacities.get(`${zone}/${type}`) ?? Infinity);
  }

  private checkQuota(region: Region, { type, spot }: Launch): void {
    const live = this.machines.filter((machine) => machine.region === region && isLive(machine));
    if (spot !== null) {
      const used = live.filter((machine) => machine.spot !== null).length;
      if (used < (this.quotas.get(`${region}/spot`) ?? SPOT_INSTANCE_QUOTA)) return;
      throw new WireError('MaxSpotInstanceCountExceeded', 'Max spot instance count exceeded');
    }
    const family = familyOf(type.type);
    const used = live
      .filter((machine) => machine.spot === null && familyOf(machine.type.type) === family)
      .reduce((total, machine) => total + machine.type.cpus, 0);
    if (used + type.cpus <= (this.quotas.get(`${region}/${family}`) ?? VCPU_QUOTA)) return;
    throw new WireError('VcpuLimitExceeded', 'You have requested more vCPU capacity than allowed.');
  }

  private pricesOf({ spot, type, region, zone, launchedAtMs }: Machine): readonly PriceChange[] {
    if (spot === null) return [{ atMs: launchedAtMs, usdPerHour: type.onDemandUsd[region] ?? 0 }];
    return this.spotMarket.history(type.type, region, zone);
  }

  private after(delayMs: number, action: () => void): void {
    const cancel = this.around.clock.after(delayMs, () => {
      this.timers.delete(cancel);
      action();
    });
    this.timers.add(cancel);
  }

  private hexId(name: string): string {
    return createHash('sha256').update(`${this.around.seed}:${name}`).digest('hex').slice(0, 17);
  }
}

/** Each zone has one subnet, named after it. */
function zoneAskedFor(region: Region, { zone, subnetId }: Launch): string | null {
  if (subnetId === null) return zone;
  const ofSubnet = zonesOf(region).find((each) => subnetId === `subnet-${each}`);
  if (ofSubnet !== undefined) return ofSubnet;
  throw new WireError('InvalidSubnetID.NotFound', `The subnet ID '${subnetId}' does not exist`);
}

/** On-demand quotas count vCPUs by family: P, G, and everything else. */
function familyOf(type: string): string {
  const [letter = ''] = type;
  return letter === 'p' || letter === 'g' ? letter : 'standard';
}

/** What the guest's driver is told of its GPUs. */
function gpuIn({ type: { gpu } }: Machine): Readonly<Record<string, string>> {
  return gpu === null ? {} : { FAIRLEAD_EMULATED_GPU: `${gpu.model}, ${gpu.count}` };
}

/** The first boot runs user data only when it says what to run it with. */
function bootScript(userData: string): string {
  return userData.startsWith('#!') ? userData : '#!/bin/sh\n';
}
