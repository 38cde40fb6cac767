import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as realWait } from 'node:timers/promises';
import { EC2 } from '@aws-sdk/client-ec2';
import type { RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import { asAttemptId, usd } from '#libs/domain';
import type { Offer } from '#libs/domain';
import { ProviderError } from '#libs/provider-kit';
import type { CallContext, LeaseRequest, ProviderAdapter } from '#libs/provider-kit';
import { ManualClock } from '#libs/testkit';
import { configSchema } from '../config';
import { aws } from '../index';
import type { AwsEmulator } from './emulator';
import { startEmulator } from './emulator';
import { IMAGE_ID } from './launch';

const START_MS = Date.UTC(2026, 10, 21);
const HOUR_MS = 3_600_000;
/** Covers boot and tear-down, which together last half a minute of emulated time. */
const MINUTE_MS = 60_000;
const MAX_POLLS = 400;
const POLL_MS = 25;

const stays = '#!/bin/sh\nsleep 60\n';
const ends = '#!/bin/sh\necho done\npoweroff\n';

let root: string;
let clock: ManualClock;
let emulator: AwsEmulator;
let adapter: ProviderAdapter;
let ec2: EC2;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairlead-aws-'));
  clock = new ManualClock(START_MS);
  emulator = await startEmulator({ rootDir: root, clock, delayFactor: 1, seed: 7 });
  emulator.setReadLag(0);
  adapter = aws.adapterFrom(emulator.config);
  ec2 = sdkWith({});
});

afterEach(async () => {
  ec2.destroy();
  await emulator.close();
  await rm(root, { recursive: true, force: true, maxRetries: 3 });
});

function sdkWith(
  other: { accessKeyId?: string; secretAccessKey?: string },
  region = 'us-east-1',
): EC2 {
  const { credentials, endpoint } = configSchema.parse(emulator.config);
  if (credentials === null || endpoint === null) throw new Error('the emulator names both');
  const { accessKeyId, secretAccessKey } = { ...credentials, ...other };
  return new EC2({
    region,
    endpoint,
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey },
  });
}

function launch(wanted: Partial<RunInstancesCommandInput> = {}): RunInstancesCommandInput {
  return {
    ClientToken: 'token-1',
    ImageId: IMAGE_ID,
    InstanceType: 't3.medium',
    MinCount: 1,
    MaxCount: 1,
    UserData: Buffer.from(stays).toString('base64'),
    ...wanted,
  };
}

async function idOfLaunch(wanted: Partial<RunInstancesCommandInput> = {}): Promise<string> {
  const { Instances } = await ec2.runInstances(launch(wanted));
  return Instances?.[0]?.InstanceId ?? 'none';
}

/** The code of the refusal that `call` must end in. */
async function codeOf(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('was expected to be refused');
  return error instanceof ProviderError ? error.kind : error.name;
}

function ctx(): CallContext {
  return { signal: AbortSignal.timeout(10_000), nowMs: clock.nowMs() };
}

async function request(market: 'on-demand' | 'spot', script = stays): Promise<LeaseRequest> {
  const offers = await adapter.listOffers(ctx());
  const offer = offers.find(({ id }) => id === `aws/us-east-1/t3.medium/${market}`);
  if (offer === undefined) throw new Error('not offered');
  return requestFor(offer, script);
}

function requestFor(offer: Offer, script: string): LeaseRequest {
  return {
    leaseKey: asAttemptId('att-1'),
    offer,
    workload: { image: 'alpine', script, env: {} },
    labels: { project: 'vision', job: 'job-1' },
    limits: { maxDurationMs: HOUR_MS, maxPricePerHour: usd(offer.market === 'spot' ? 0.03 : 0.05) },
  };
}

function observe(hints: { externalId?: string; region?: string } = {}) {
  const ref = { leaseKey: asAttemptId('att-1'), externalId: null, region: null, ...hints };
  return adapter.observe(ref, ctx());
}

function release() {
  return adapter.release({ leaseKey: asAttemptId('att-1'), externalId: null, region: null }, ctx());
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let poll = 0; poll < MAX_POLLS; poll += 1) {
    if (await condition()) return;
    clock.advance(1_000);
    await realWait(POLL_MS);
  }
  throw new Error('did not come about');
}

async function nameOfState(id: string): Promise<string | undefined> {
  const { Reservations } = await ec2.describeInstances({ InstanceIds: [id] });
  return Reservations?.[0]?.Instances?.[0]?.State?.Name;
}

describe('reads', () => {
  it.each([
    { delayFactor: 1, lagMs: 2_000 },
    { delayFactor: 0.02, lagMs: 40 },
  ])('are $lagMs ms behind at a pace of $delayFactor', async ({ delayFactor, lagMs }) => {
    await emulator.close();
    emulator = await startEmulator({ rootDir: root, clock, delayFactor, seed: 7 });
    ec2 = sdkWith({});
    const id = await idOfLaunch();
    clock.advance(lagMs - 1);
    expect(await codeOf(ec2.describeInstances({ InstanceIds: [id] }))).toBe(
      'InvalidInstanceID.NotFound',
    );
    clock.advance(1);
    expect(await nameOfState(id)).toBe('pending');
  });
});

describe('idempotency', () => {
  it('answers a repeated token with the same machine, also while reads do not show it', async () => {
    emulator.setReadLag(MINUTE_MS);
    const id = await idOfLaunch();
    expect(await codeOf(ec2.describeInstances({ InstanceIds: [id] }))).toBe(
      'InvalidInstanceID.NotFound',
    );
    expect(await idOfLaunch()).toBe(id);
    expect(emulator.leases()).toHaveLength(1);
    clock.advance(MINUTE_MS);
    expect(await nameOfState(id)).toBe('pending');
  });

  it('refuses a repeated token with other parameters', async () => {
    await idOfLaunch();
    const other = launch({ InstanceType: 't3.xlarge' });
    expect(await codeOf(ec2.runInstances(other))).toBe('IdempotentParameterMismatch');
  });

  it('launches a second machine for the same token in another zone or region', async () => {
    await idOfLaunch({ Placement: { AvailabilityZone: 'us-east-1a' } });
    await idOfLaunch({ Placement: { AvailabilityZone: 'us-east-1b' } });
    ec2 = sdkWith({}, 'eu-west-1');
    await idOfLaunch();
    expect(emulator.leases()).toHaveLength(3);
  });
});

describe('refusals', () => {
  it.each<[string, Partial<RunInstancesCommandInput>]>([
    ['InvalidAMIID.NotFound', { ImageId: 'ami-1' }],
    ['InvalidParameterValue', { UserData: Buffer.alloc(16_385, 'x').toString('base64') }],
    ['InvalidUserData.Malformed', { UserData: '#!/bin/sh' }],
    ['InvalidSubnetID.NotFound', { SubnetId: 'subnet-1' }],
    ['InvalidGroup.NotFound', { SecurityGroupIds: ['sg-1'] }],
    ['InvalidParameterValue', { ClientToken: 'x'.repeat(65) }],
    [
      'InvalidParameterValue',
      { TagSpecifications: [{ ResourceType: 'spot-instances-request', Tags: [] }] },
    ],
    [
      'SpotMaxPriceTooLow',
      { InstanceMarketOptions: { MarketType: 'spot', SpotOptions: { MaxPrice: '0.002' } } },
    ],
    [
      'InvalidParameterValue',
      { InstanceMarketOptions: { MarketType: 'spot', SpotOptions: { MaxPrice: '0.001' } } },
    ],
    [
      'Unsupported',
      { InstanceType: 'p5en.48xlarge', Placement: { AvailabilityZone: 'us-west-2a' } },
    ],
  ])('%s for %j', async (code, wanted) => {
    const region = wanted.InstanceType === 'p5en.48xlarge' ? 'us-west-2' : 'us-east-1';
    ec2 = sdkWith({}, region);
    expect(await codeOf(ec2.runInstances(launch(wanted)))).toBe(code);
    expect(emulator.leases()).toEqual([]);
  });

  it.each([
    ['AuthFailure', { accessKeyId: 'AKIAUNKNOWN' }],
    ['SignatureDoesNotMatch', { secretAccessKey: 'guessed' }],
  ])('%s for wrong keys', async (code, keys) => {
    ec2 = sdkWith(keys);
    expect(await codeOf(ec2.describeInstances({}))).toBe(code);
  });

  it('fails a whole batch of terminations for one unknown id', async () => {
    const id = await idOfLaunch();
    const InstanceIds = [id, 'i-00000000000000000'];
    expect(await codeOf(ec2.terminateInstances({ InstanceIds }))).toBe(
      'InvalidInstanceID.NotFound',
    );
    expect(await nameOfState(id)).toBe('pending');
  });

  it('takes a page size only where it may stand', async () => {
    const id = await idOfLaunch();
    const both = ec2.describeInstances({ InstanceIds: [id], MaxResults: 5 });
    expect(await codeOf(both)).toBe('InvalidParameterCombination');
    expect(await codeOf(ec2.describeInstances({ MaxResults: 4 }))).toBe('InvalidParameterValue');
  });

  it('goes to another zone when one is full, and gives up when all are', async () => {
    const zones = ['us-east-1a', 'us-east-1b', 'us-east-1c'];
    for (const zone of zones)
      emulator.ec2.setCapacity(zone, 't3.medium', zone === 'us-east-1c' ? 1 : 0);
    const { Instances } = await ec2.runInstances(launch());
    expect(Instances?.[0]?.Placement?.AvailabilityZone).toBe('us-east-1c');
    const next = ec2.runInstances(launch({ ClientToken: 'token-2' }));
    expect(await codeOf(next)).toBe('InsufficientInstanceCapacity');
  });

  it('holds the quotas of both markets', async () => {
    emulator.ec2.setVcpuQuota('us-east-1', 'standard', 2);
    emulator.ec2.setSpotQuota('us-east-1', 0);
    await idOfLaunch();
    const next = launch({ ClientToken: 'token-2' });
    expect(await codeOf(ec2.runInstances(next))).toBe('VcpuLimitExceeded');
    const spot = launch({ ClientToken: 'token-3', InstanceMarketOptions: { MarketType: 'spot' } });
    expect(await codeOf(ec2.runInstances(spot))).toBe('MaxSpotInstanceCountExceeded');
  });

  it('throttles each action in each region, and recovers with time', async () => {
    emulator.limits.set('DescribeInstances', { burst: 1, perSecond: 1 });
    await ec2.describeInstances({});
    expect(await codeOf(ec2.describeInstances({}))).toBe('RequestLimitExceeded');
    expect(await codeOf(observe())).toBe('rate-limited');
    clock.advance(1_000);
    await ec2.describeInstances({});
  });
});

describe('lives', () => {
  it('shows a terminated machine for an hour and then no more', async () => {
    const id = await idOfLaunch();
    await ec2.terminateInstances({ InstanceIds: [id] });
    clock.advance(MINUTE_MS);
    expect(await nameOfState(id)).toBe('terminated');
    clock.advance(HOUR_MS);
    expect(await codeOf(ec2.describeInstances({ InstanceIds: [id] }))).toBe(
      'InvalidInstanceID.NotFound',
    );
  });

  it('dates the end of a release in words that the adapter reads', async () => {
    await adapter.acquire(await request('on-demand'), ctx());
    clock.advance(90_000);
    expect(await release()).toMatchObject({ state: 'ended', cause: 'released' });
    await until(async () => (await observe()).state === 'gone');
    const gone = await observe();
    expect(gone).toMatchObject({ cause: 'released', billedToMs: START_MS + 90_000 });
  });

  it('runs user data, keeps its console, and ends when the guest powers off', async () => {
    await adapter.acquire(await request('on-demand', ends), ctx());
    clock.advance(MINUTE_MS);
    await until(async () => (await observe()).state === 'gone');
    expect(await observe()).toMatchObject({ cause: 'workload-ended' });
    const ref = { leaseKey: asAttemptId('att-1'), externalId: null, region: null };
    expect(await adapter.readLogs?.(ref, ctx())).toContain('done');
  });

  it('only stops a machine that powers off without having asked to be terminated', async () => {
    const id = await idOfLaunch({ UserData: Buffer.from(ends).toString('base64') });
    await until(async () => (await nameOfState(id)) === 'stopped');
    expect(emulator.leases()[0]?.running).toBe(false);
  });

  it('ends an on-demand machine without notice when its hardware fails', async () => {
    await adapter.acquire(await request('on-demand'), ctx());
    clock.advance(MINUTE_MS);
    emulator.interrupt(asAttemptId('att-1'), 0);
    await until(async () => (await observe()).state === 'gone');
    expect(await observe()).toMatchObject({ cause: 'provider-failed' });
  });

  it('interrupts a spot machine, with two minutes of notice, when the price exceeds its ceiling', async () => {
    await adapter.acquire(await request('spot'), ctx());
    clock.advance(MINUTE_MS);
    emulator.ec2.setSpotPrice('us-east-1', 't3.medium', 0.031);
    expect(await observe()).toMatchObject({ state: 'interrupting', cause: 'interrupted' });
    clock.advance(119_000);
    expect((await observe()).state).toBe('interrupting');
    clock.advance(1_000);
    expect(await observe()).toMatchObject({ state: 'ended', cause: 'interrupted' });
  });
});

describe('books', () => {
  it('charges by the second from running to the release, a minute at least', async () => {
    await adapter.acquire(await request('on-demand'), ctx());
    expect(emulator.leases()[0]?.chargedMicroUsd).toBe(0);
    clock.advance(21_000);
    expect(emulator.leases()[0]?.chargedMicroUsd).toBe(Math.ceil(41_600 / 60));
    clock.advance(99_500);
    await release();
    clock.advance(HOUR_MS);
    expect(emulator.leases()[0]?.chargedMicroUsd).toBe(Math.ceil((41_600 * 101) / 3_600));
  });

  it('charges spot at the price in force, which may move while it runs', async () => {
    await adapter.acquire(await request('spot'), ctx());
    clock.advance(20_000 + HOUR_MS);
    const before = emulator.leases()[0]?.chargedMicroUsd ?? 0;
    emulator.ec2.setSpotPrice('us-east-1', 't3.medium', 0.02);
    clock.advance(HOUR_MS);
    expect((emulator.leases()[0]?.chargedMicroUsd ?? 0) - before).toBe(20_000);
  });
});

describe('the adapter', () => {
  it('does not believe a hint that names another machine', async () => {
    const id = await idOfLaunch();
    expect(await observe({ externalId: id, region: 'us-east-1' })).toMatchObject({ state: 'gone' });
    expect(await observe({ externalId: 'nonsense', region: 'us-east-1' })).toMatchObject({
      state: 'gone',
    });
  });

  it('answers price-moved when the spot price has risen above the limit since the offer', async () => {
    const wanted = await request('spot');
    emulator.ec2.setSpotPrice('us-east-1', 't3.medium', 0.04);
    expect(await codeOf(adapter.acquire(wanted, ctx()))).toBe('price-moved');
  });

  it('rejects a region that is not configured without asking anybody', async () => {
    const wanted = await request('on-demand');
    const elsewhere = { ...wanted, offer: { ...wanted.offer, region: 'sa-east-1' } };
    expect(await codeOf(adapter.acquire(elsewhere, ctx()))).toBe('request-rejected');
  });

  it('reports wrong keys without showing them', async () => {
    const config = configSchema.parse(emulator.config);
    const keys = { accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'guessed' };
    const locked = aws.adapterFrom({ ...config, credentials: keys });
    const error: unknown = await locked.listLeases(ctx()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: 'credentials-rejected', providerCode: 'AuthFailure' });
    expect(String(error)).not.toContain('AKIA');
  });

  it('reports a provider that cannot be reached as unavailable', async () => {
    await emulator.close();
    expect(await codeOf(observe())).toBe('unavailable');
  });
});
