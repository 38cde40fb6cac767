import type { Instance, InstanceStateName, SpotPrice } from '@aws-sdk/client-ec2';
import { asAttemptId, asOfferId, microUsd, usd } from '#libs/domain';
import type { ComplianceRegime, Offer } from '#libs/domain';
import { ProviderError } from '#libs/provider-kit';
import type { LeaseEndCause, LeaseRequest, LeaseState } from '#libs/provider-kit';
import { catalogue, typeNamed } from './catalogue';
import type { CatalogueType } from './catalogue';
import { configFromEnv, configSchema } from './config';
import {
  mostAlive,
  observationOf,
  releaseObservation,
  runInstancesInput,
  USER_DATA_LIMIT_BYTES,
} from './mapping';
import { offersIn, onDemandPrice } from './offers';
import { factsOf, isRegion } from './regions';
import type { Region } from './regions';

const leaseKey = asAttemptId('att-1');
const place = configSchema.parse({ regions: [{ name: 'us-east-1', imageId: 'ami-1' }] }).regions[0];
const volume = { rootDeviceName: '/dev/sda1', rootVolumeGb: 100 };

function typeOf(name: string): CatalogueType {
  const type = typeNamed(name);
  if (type === undefined) throw new Error(`${name} is not in the catalogue`);
  return type;
}

function offersOf(name: string, spotPrices: readonly SpotPrice[] = [], offered = [name]) {
  const market = { region: 'us-east-1', offeredTypes: new Set(offered), spotPrices } as const;
  return offersIn(market, [typeOf(name)], 100);
}

function offerOf(name: string, market: Offer['market']): Offer {
  const prices = [
    { InstanceType: 't3.medium', AvailabilityZone: 'us-east-1a', SpotPrice: '0.02' },
  ] as const;
  const offer = offersOf(name, prices).find((each) => each.market === market);
  if (offer === undefined) throw new Error(`no ${market} offer of ${name}`);
  return offer;
}

function request(wanted: Partial<LeaseRequest> = {}): LeaseRequest {
  return {
    leaseKey,
    offer: offerOf('t3.medium', 'on-demand'),
    workload: { image: 'alpine', script: '#!/bin/sh\npoweroff\n', env: {} },
    labels: { project: 'vision', job: 'job-1' },
    limits: { maxDurationMs: 60_000, maxPricePerHour: usd(10) },
    ...wanted,
  };
}

function input(wanted: Partial<LeaseRequest> = {}) {
  if (place === undefined) throw new Error('no place');
  return runInstancesInput(request(wanted), place, volume);
}

function refusal(act: () => unknown): ProviderError {
  try {
    act();
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
  throw new Error('was expected to be refused');
}

describe('the catalogue', () => {
  it('names each type once, with shapes and prices that make sense', () => {
    expect(new Set(catalogue.map(({ type }) => type)).size).toBe(catalogue.length);
    for (const each of catalogue) {
      const prices = Object.entries(each.onDemandUsd);
      expect(prices.length).toBeGreaterThan(0);
      for (const [region, dollars] of prices) {
        expect(isRegion(region)).toBe(true);
        expect(dollars).toBeGreaterThan(0);
      }
      expect(each.cpus).toBeGreaterThanOrEqual(each.gpu?.count ?? 1);
    }
  });

  it.each<[Region, ComplianceRegime, boolean, string]>([
    ['us-east-1', 'fedramp-moderate', true, 'commercial US region'],
    ['us-east-1', 'fedramp-high', false, 'High holds in GovCloud only'],
    ['us-gov-west-1', 'fedramp-high', true, 'GovCloud'],
    ['eu-central-1', 'gdpr', true, 'Germany is in the EU'],
    ['eu-central-2', 'gdpr', false, 'Switzerland is not in the EU'],
    ['ap-south-1', 'hipaa', true, 'held everywhere'],
  ])('%s %s: %s, because %s', (region, regime, holds) => {
    expect(factsOf(region).certifications.includes(regime)).toBe(holds);
  });
});

describe('offersIn', () => {
  it('prices spot at the cheapest zone, by the youngest price of each zone', () => {
    const at = (AvailabilityZone: string, SpotPrice: string, day: number): SpotPrice => ({
      InstanceType: 't3.medium',
      AvailabilityZone,
      SpotPrice,
      Timestamp: new Date(Date.UTC(2026, 0, day)),
    });
    const prices = [at('a', '0.010', 1), at('a', '0.020', 2), at('b', '0.015', 1), at('c', '', 2)];
    const [onDemand, spot] = offersOf('t3.medium', prices);
    expect(spot).toMatchObject({
      pricePerHour: 15_000,
      interruptible: true,
      slaBps: null,
      available: true,
    });
    expect(onDemand).toMatchObject({ pricePerHour: 41_600, interruptible: false, slaBps: 9_950 });
  });

  it('marks spot without a price, and types that the region lacks, as unavailable', () => {
    expect(offersOf('t3.medium').map(({ available }) => available)).toEqual([true, false]);
    expect(offersOf('t3.medium', [], []).map(({ available }) => available)).toEqual([false, false]);
  });

  it('marks spot above the on-demand price as unavailable, since no launch would accept it', () => {
    const price = { InstanceType: 't3.medium', AvailabilityZone: 'a', SpotPrice: '0.05' } as const;
    expect(offersOf('t3.medium', [price]).map(({ available }) => available)).toEqual([true, false]);
  });

  it('offers nothing where it knows no price', () => {
    expect(onDemandPrice(typeOf('g6.xlarge'), 'eu-west-1')).toBeNull();
    const market = {
      region: 'eu-west-1',
      offeredTypes: new Set(['g6.xlarge']),
      spotPrices: [],
    } as const;
    expect(offersIn(market, [typeOf('g6.xlarge')], 100)).toEqual([]);
  });
});

describe('runInstancesInput', () => {
  it('gives the same bytes for the same request and names no zone', () => {
    expect(JSON.stringify(input())).toBe(JSON.stringify(input()));
    expect(input().Placement).toBeUndefined();
    expect(input()).toMatchObject({ ClientToken: 'att-1', MinCount: 1, MaxCount: 1 });
  });

  it('encodes the script and ends the machine when the script powers it off', () => {
    const { UserData, InstanceInitiatedShutdownBehavior } = input();
    expect(Buffer.from(UserData ?? '', 'base64').toString()).toBe('#!/bin/sh\npoweroff\n');
    expect(InstanceInitiatedShutdownBehavior).toBe('terminate');
  });

  it('marks everything that the launch creates, the request too when it is spot', () => {
    const types = ({ TagSpecifications }: ReturnType<typeof input>) =>
      TagSpecifications?.map(({ ResourceType }) => ResourceType);
    const created = ['instance', 'volume', 'network-interface'];
    expect(types(input())).toEqual(created);
    const spot = input({ offer: offerOf('t3.medium', 'spot') });
    expect(types(spot)).toEqual([...created, 'spot-instances-request']);
    expect(spot.TagSpecifications?.[0]?.Tags).toEqual([
      { Key: 'fairlead:lease', Value: 'att-1' },
      { Key: 'fairlead:project', Value: 'vision' },
      { Key: 'fairlead:job', Value: 'job-1' },
    ]);
  });

  it.each<[number, string, string]>([
    [0.03, '0.030000', 'the limit is below the on-demand price'],
    [0.05, '0.041600', 'the on-demand price is the ceiling that EC2 would set itself'],
  ])('with a limit of $%s sends the spot ceiling %s, because %s', (limit, expected) => {
    const limits = { maxDurationMs: 60_000, maxPricePerHour: usd(limit) };
    const { InstanceMarketOptions } = input({ offer: offerOf('t3.medium', 'spot'), limits });
    expect(InstanceMarketOptions?.SpotOptions?.MaxPrice).toBe(expected);
  });

  it('refuses a price above the limit, on demand by the catalogue and not by what the offer claims', () => {
    const limits = { maxDurationMs: 60_000, maxPricePerHour: microUsd(41_599) };
    const offer = { ...offerOf('t3.medium', 'on-demand'), pricePerHour: microUsd(1) };
    expect(refusal(() => input({ offer, limits })).kind).toBe('price-moved');
  });

  it('takes user data up to the limit and refuses one byte more, naming the limit', () => {
    const script = (length: number) => ({ image: 'alpine', script: 'x'.repeat(length), env: {} });
    expect(input({ workload: script(USER_DATA_LIMIT_BYTES) }).UserData).toBeDefined();
    const error = refusal(() => input({ workload: script(USER_DATA_LIMIT_BYTES + 1) }));
    expect(error.kind).toBe('request-rejected');
    expect(error.message).toContain('16384');
  });

  it('refuses what EC2 does not sell', () => {
    const offer = offerOf('t3.medium', 'on-demand');
    const unknown = { ...offer, id: asOfferId('x'), instanceType: 'x9.huge' };
    expect(refusal(() => input({ offer: unknown })).kind).toBe('request-rejected');
    expect(refusal(() => input({ offer: { ...offer, market: 'marketplace' } })).kind).toBe(
      'request-rejected',
    );
  });
});

describe('observationOf', () => {
  const launched = new Date('2026-11-21T09:00:00Z');

  it.each<[InstanceStateName, string | undefined, LeaseState, LeaseEndCause | null]>([
    ['pending', undefined, 'starting', null],
    ['running', undefined, 'active', null],
    ['shutting-down', 'Client.InstanceInitiatedShutdown', 'ended', 'workload-ended'],
    ['terminated', 'Client.InstanceInitiatedShutdown', 'gone', 'workload-ended'],
    ['terminated', 'Client.UserInitiatedShutdown', 'gone', 'released'],
    ['terminated', 'Server.SpotInstanceTermination', 'gone', 'interrupted'],
    ['terminated', 'Server.InsufficientInstanceCapacity', 'gone', 'provider-failed'],
    ['terminated', 'Client.VolumeLimitExceeded', 'gone', 'provider-failed'],
    ['terminated', 'Client.SomethingElse', 'gone', null],
    ['stopped', 'Client.UserInitiatedShutdown', 'ended', 'released'],
    ['stopping', undefined, 'ended', null],
  ])('%s for %s is %s, cause %s', (name, code, state, cause) => {
    const instance: Instance = { InstanceId: 'i-1', State: { Name: name }, LaunchTime: launched };
    const seen = observationOf(
      code === undefined ? instance : { ...instance, StateReason: { Code: code } },
      leaseKey,
    );
    expect(seen).toMatchObject({ leaseKey, externalId: 'i-1', state, cause });
    expect(seen.billedFromMs).toBe(launched.getTime());
  });

  it.each<[InstanceStateName, string, LeaseState, string]>([
    [
      'running',
      'instance-terminated-no-capacity',
      'interrupting',
      'EC2 shows the end two minutes early',
    ],
    ['running', 'marked-for-termination', 'interrupting', 'EC2 shows the end two minutes early'],
    ['running', 'fulfilled', 'active', 'nothing was announced'],
    ['running', 'instance-terminated-by-user', 'active', 'that is our own release'],
    ['terminated', 'instance-terminated-no-capacity', 'gone', 'it is over'],
  ])('%s with spot status %s is %s, because %s', (name, Code, state) => {
    const seen = observationOf({ State: { Name: name } }, leaseKey, { Status: { Code } });
    expect(seen.state).toBe(state);
  });

  it.each([
    ['terminated', 'User initiated (2026-11-21 10:00:00 GMT)', Date.UTC(2026, 10, 21, 10)],
    ['terminated', 'Server.SpotInstanceTermination', null],
    ['terminated', '', null],
    ['running', 'User initiated (2026-11-21 10:00:00 GMT)', null],
  ] as const)('%s with reason %p stopped being charged at %s', (Name, reason, expected) => {
    const seen = observationOf({ State: { Name }, StateTransitionReason: reason }, leaseKey);
    expect(seen.billedToMs).toBe(expected);
  });
});

it('a release names its cause only when it was the release that ended the instance', () => {
  const change = (previous: InstanceStateName) =>
    releaseObservation(
      {
        InstanceId: 'i-1',
        CurrentState: { Name: 'shutting-down' },
        PreviousState: { Name: previous },
      },
      leaseKey,
    );
  expect(change('running')).toMatchObject({ state: 'ended', cause: 'released' });
  expect(change('shutting-down')).toMatchObject({ state: 'ended', cause: null });
});

it('of several instances under one key the live one counts, then the youngest', () => {
  const instance = (InstanceId: string, Name: InstanceStateName, day: number): Instance => ({
    InstanceId,
    State: { Name },
    LaunchTime: new Date(Date.UTC(2026, 0, day)),
  });
  const dead = instance('i-dead', 'terminated', 3);
  const old = instance('i-old', 'running', 1);
  const young = instance('i-young', 'running', 2);
  expect(mostAlive([dead, old, young])?.InstanceId).toBe('i-young');
  expect(mostAlive([])).toBeUndefined();
});

describe('the configuration from the environment', () => {
  it('is absent unless images are named', () => {
    expect(configFromEnv({ AWS_ACCESS_KEY_ID: 'key' })).toBeNull();
  });

  it('is complete with regions, networks and credentials', () => {
    const config = configSchema.parse(
      configFromEnv({
        FAIRLEAD_AWS_IMAGES: 'us-east-1=ami-1, eu-west-1=ami-2',
        FAIRLEAD_AWS_SUBNETS: 'eu-west-1=subnet-1',
        FAIRLEAD_AWS_SECURITY_GROUPS: 'eu-west-1=sg-1+sg-2',
        FAIRLEAD_AWS_ROOT_VOLUME_GB: '250',
        AWS_ACCESS_KEY_ID: 'key',
        AWS_SECRET_ACCESS_KEY: 'secret',
      }),
    );
    expect(config.regions).toEqual([
      { name: 'us-east-1', imageId: 'ami-1', subnetId: null, securityGroupIds: [] },
      {
        name: 'eu-west-1',
        imageId: 'ami-2',
        subnetId: 'subnet-1',
        securityGroupIds: ['sg-1', 'sg-2'],
      },
    ]);
    expect(config).toMatchObject({ rootVolumeGb: 250, endpoint: null, instanceTypes: null });
    expect(config.credentials).toEqual({ accessKeyId: 'key', secretAccessKey: 'secret' });
  });

  it.each([
    ['us-nowhere-1=ami-1', 'there is no such region'],
    ['us-east-1=image-1', 'an image id begins with ami-'],
  ])('refuses %s, because %s', (images) => {
    expect(configSchema.safeParse(configFromEnv({ FAIRLEAD_AWS_IMAGES: images })).success).toBe(
      false,
    );
  });
});
