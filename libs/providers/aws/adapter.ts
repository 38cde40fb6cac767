import type { Filter, Instance } from '@aws-sdk/client-ec2';
import type { Offer } from '#libs/domain';
import { unknownLease } from '#libs/provider-kit';
import type {
  CallContext,
  LeaseObservation,
  LeaseRef,
  LeaseRequest,
  ProviderAdapter,
} from '#libs/provider-kit';
import { catalogue } from './catalogue';
import type { CatalogueType } from './catalogue';
import { Ec2Client } from './client';
import type { AwsConfig, RegionConfig } from './config';
import { descriptor } from './descriptor';
import {
  LEASE_TAG,
  leaseKeyOf,
  mostAlive,
  noticeToAskFor,
  observationOf,
  rejected,
  releaseObservation,
  runInstancesInput,
} from './mapping';
import { listPrice, offersIn } from './offers';
import type { Region } from './regions';

/** Everything that may still cost something or that still stands in the way. */
const stillThere: Filter = {
  Name: 'instance-state-name',
  Values: ['pending', 'running', 'shutting-down', 'stopping', 'stopped'],
};
const ours: Filter = { Name: 'tag-key', Values: [LEASE_TAG] };

interface Found {
  readonly region: Region;
  readonly instance: Instance;
}

/** EC2 as a provider; see the contract in provider-kit. */
export class AwsAdapter implements ProviderAdapter {
  readonly descriptor = descriptor;
  private readonly ec2: Ec2Client;

  constructor(private readonly config: AwsConfig) {
    this.ec2 = new Ec2Client({ ...config, callTimeoutMs: descriptor.callTimeoutMs });
  }

  async listOffers(ctx: CallContext): Promise<readonly Offer[]> {
    return inEach(this.regions(), (region) => this.offersOf(region, ctx));
  }

  async acquire(request: LeaseRequest, ctx: CallContext): Promise<LeaseObservation> {
    const place = this.place(request.offer.region);
    if (place === undefined) throw rejected(`${request.offer.region} is not configured`);
    const input = runInstancesInput(request, place, this.config);
    return observationOf(await this.ec2.run(place.name, input, ctx), request.leaseKey);
  }

  async observe(ref: LeaseRef, ctx: CallContext): Promise<LeaseObservation> {
    const found = await this.find(ref, ctx);
    if (found === null) return unknownLease(ref.leaseKey);
    const requestId = noticeToAskFor(found.instance);
    const request =
      requestId === null ? undefined : await this.ec2.spotRequest(found.region, requestId, ctx);
    return observationOf(found.instance, ref.leaseKey, request);
  }

  /** Where the hints name it, no read is needed first; a read could still be behind. */
  async release(ref: LeaseRef, ctx: CallContext): Promise<LeaseObservation> {
    const hinted = this.hintedRegion(ref);
    if (hinted !== undefined && ref.externalId !== null) {
      const change = await this.ec2.terminate(hinted, ref.externalId, ctx);
      if (change !== undefined) return releaseObservation(change, ref.leaseKey);
    }
    return this.releaseByKey(ref, ctx);
  }

  async listLeases(ctx: CallContext): Promise<readonly LeaseObservation[]> {
    return inEach(this.regions(), async (region) => {
      const instances = await this.ec2.instances(region, [ours, stillThere], ctx);
      return instances.flatMap((instance) => {
        const leaseKey = leaseKeyOf(instance);
        return leaseKey === null ? [] : [observationOf(instance, leaseKey)];
      });
    });
  }

  async readLogs(ref: LeaseRef, ctx: CallContext): Promise<string> {
    const found = await this.find(ref, ctx);
    return found?.instance.InstanceId === undefined
      ? ''
      : this.ec2.consoleOutput(found.region, found.instance.InstanceId, ctx);
  }

  private async offersOf(region: Region, ctx: CallContext): Promise<readonly Offer[]> {
    const types = this.typesIn(region, ctx);
    if (types.length === 0) return [];
    const names = types.map(({ type }) => type);
    const [offeredTypes, spotPrices] = await Promise.all([
      this.ec2.offeredTypes(region, names, ctx),
      this.ec2.spotPrices(region, names, ctx),
    ]);
    return offersIn(
      { region, offeredTypes, spotPrices, prices: ctx.prices },
      types,
      this.config.rootVolumeGb,
    );
  }

  private typesIn(region: Region, { prices }: CallContext): readonly CatalogueType[] {
    const { instanceTypes } = this.config;
    return catalogue.filter(
      (each) =>
        listPrice(each, region, prices) !== null &&
        (instanceTypes === null || instanceTypes.includes(each.type)),
    );
  }

  private async releaseByKey(ref: LeaseRef, ctx: CallContext): Promise<LeaseObservation> {
    const found = await this.findByKey(ref, ctx, [stillThere]);
    if (found?.instance.InstanceId === undefined) return unknownLease(ref.leaseKey);
    const change = await this.ec2.terminate(found.region, found.instance.InstanceId, ctx);
    return change === undefined
      ? unknownLease(ref.leaseKey)
      : releaseObservation(change, ref.leaseKey);
  }

  /** By id where the hints suffice, which is the cheaper read, else by key. */
  private async find(ref: LeaseRef, ctx: CallContext): Promise<Found | null> {
    const region = this.hintedRegion(ref);
    if (region !== undefined && ref.externalId !== null) {
      const instance = await this.ec2.instance(region, ref.externalId, ctx);
      if (instance?.ClientToken === ref.leaseKey) return { region, instance };
    }
    return this.findByKey(ref, ctx);
  }

  /** Looks for the token, not for the tag: tags may already have left a terminated instance. */
  private async findByKey(
    ref: LeaseRef,
    ctx: CallContext,
    further: readonly Filter[] = [],
  ): Promise<Found | null> {
    const filters = [{ Name: 'client-token', Values: [ref.leaseKey] }, ...further];
    const hinted = this.hintedRegion(ref);
    const regions = hinted === undefined ? this.regions() : [hinted];
    const found = await inEach(regions, async (region) => {
      const instances = await this.ec2.instances(region, filters, ctx);
      return instances.map((instance): Found => ({ region, instance }));
    });
    const chosen = mostAlive(found.map(({ instance }) => instance));
    return found.find(({ instance }) => instance === chosen) ?? null;
  }

  private hintedRegion({ region }: LeaseRef): Region | undefined {
    return region === null ? undefined : this.place(region)?.name;
  }

  private regions(): readonly Region[] {
    return this.config.regions.map(({ name }) => name);
  }

  private place(region: string): RegionConfig | undefined {
    return this.config.regions.find(({ name }) => name === region);
  }
}

async function inEach<T>(
  regions: readonly Region[],
  ask: (region: Region) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  return (await Promise.all(regions.map(ask))).flat();
}
