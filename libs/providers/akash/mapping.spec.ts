import fc from 'fast-check';
import { parse } from 'yaml';
import { asAttemptId, asOfferId, microUsd, usd, type Offer } from '#libs/domain';
import { ProviderError, type LeaseRequest } from '#libs/provider-kit';
import type {
  ConsoleBid,
  ConsoleDeployment,
  ConsoleLease,
  ConsoleProvider,
  GpuPrice,
} from './client';
import { akashConfigFromEnv, akashConfigSchema } from './config';
import { descriptor } from './descriptor';
import { errorFor, kindOf } from './errors';
import {
  affordableBids,
  awaitsManifest,
  mayLease,
  mayServe,
  observationOf,
  orderFor,
  runtimeLimitHours,
  withMark,
} from './mapping';
import { nameOf, parseMark, type Mark } from './mark';
import { offersFrom, upliftPerHour } from './offers';
import { screeningFor, sdlFor } from './sdl';
import {
  canonicalGpuModel,
  gpuOfInstanceType,
  gpuShape,
  instanceTypeOf,
  isConsumerGpu,
  socketOf,
} from './shapes';
import { BLOCK_MS, microUsdPerHour, uactPerBlockWithin } from './units';

const config = akashConfigSchema.parse({ apiKey: 'ac.sk.test.0' });
const leaseKey = asAttemptId('att-01');
const mark: Mark = { leaseKey, maxPricePerHour: usd(2), country: 'us', askedAtMs: 1_000_000 };

describe('the configuration', () => {
  it('is absent without a key, and takes lists from the environment', () => {
    expect(akashConfigFromEnv({})).toBeNull();
    expect(akashConfigFromEnv({ AKASH_API_KEY: '' })).toBeNull();
    const env = { AKASH_API_KEY: 'k', AKASH_COUNTRIES: 'us, DE', AKASH_GPU_MODELS: 'h100' };
    expect(akashConfigSchema.parse(akashConfigFromEnv(env))).toMatchObject({
      apiKey: 'k',
      baseUrl: 'https://console-api.akash.network',
      countries: ['US', 'DE'],
      gpuModels: ['h100'],
      auditors: [],
    });
  });
});

describe('money per block and per hour', () => {
  it.each([
    ['3333.333333333333333333', BLOCK_MS, 2_000_000, 'the published example, two dollars'],
    ['1', BLOCK_MS, 600, 'six hundred blocks an hour'],
    ['0.000000000000000001', BLOCK_MS, 1, 'rounds up rather than to nothing'],
    ['0', BLOCK_MS, 0, 'nothing is nothing'],
    ['1000', 6_098, 590_358, 'slower blocks are cheaper'],
  ])('reads %s per block of %d ms as %d micro-dollars per hour', (amount, blockMs, expected) => {
    expect(microUsdPerHour(amount, blockMs)).toBe(expected);
  });

  it.each(['', 'abc', '-1', '1e3', '1.0000000000000000000', '9'.repeat(30), ' 1'])(
    'refuses %p',
    (text) => {
      expect(microUsdPerHour(text, BLOCK_MS)).toBeNull();
    },
  );

  it('never exceeds a ceiling, and stays within one uact per block of it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_000_000_000 }),
        fc.integer({ min: 4_000, max: 9_000 }),
        (max, blockMs) => {
          const within = uactPerBlockWithin(microUsd(max), blockMs);
          expect(microUsdPerHour(String(within), blockMs)).toBeLessThanOrEqual(max);
          expect(microUsdPerHour(String(within + 1), blockMs)).toBeGreaterThan(max);
        },
      ),
    );
  });
});

describe('the mark in a name', () => {
  it('survives any labels', () => {
    const label = fc.string({ maxLength: 300 });
    fc.assert(
      fc.property(fc.dictionary(label, label), (labels) => {
        const name = nameOf(mark, labels);
        expect(name.length).toBeLessThanOrEqual(256);
        expect(name).toBe(name.trim());
        expect(parseMark(name)).toEqual(mark);
      }),
    );
  });

  it.each([
    '',
    'web',
    'fairlead',
    'fairlead att-1',
    'my fairlead att-1 max=1 in=us at=1',
    'fairlead att-1 max=x in=us at=1',
  ])('is not seen in %p', (name) => expect(parseMark(name)).toBeNull());

  it('is missing from deployments without a name, which are nobody to the router', () => {
    expect(withMark(deploymentOf({ name: null }))).toBeNull();
    const { name, ...nameless } = deploymentOf({});
    expect(name).toBeDefined();
    expect(withMark(nameless)).toBeNull();
  });
});

describe('what a deployment amounts to', () => {
  const at = (ageMs: number) => mark.askedAtMs + ageMs;
  const early = at(config.gatherMs);
  const late = at(config.manifestWindowMs);

  it.each([
    ['an order without bids', {}, early, 'starting', null],
    ['an order that nobody took', {}, at(config.bidWindowMs), 'ended', 'no-capacity'],
    ['a lease whose manifest is under way', { lease: { status: null } }, early, 'starting', null],
    ['a silent provider later on: no evidence', { lease: { status: null } }, late, 'active', null],
    ['a container that is pulled', { lease: { status: up(0) } }, early, 'starting', null],
    ['a container that runs', { lease: { status: up(1) } }, early, 'active', null],
    ['a container between two starts', { lease: { status: up(0) } }, late, 'active', null],
    ['a lease in a list', { lease: {} }, early, 'starting', null],
    ['a notice', { lease: { state: 'reclaiming' } }, early, 'interrupting', 'interrupted'],
    ['a dry escrow', { lease: { state: 'insufficient_funds' } }, early, 'ended', 'funds-exhausted'],
    ['our own close', closedFor('lease_closed_owner'), early, 'ended', 'released'],
    [
      'a container that never became healthy',
      closedFor('lease_closed_reason_unstable'),
      late,
      'ended',
      'workload-ended',
    ],
    [
      'a provider that left',
      closedFor('lease_closed_reason_decommission'),
      late,
      'ended',
      'interrupted',
    ],
    [
      'a provider without words',
      closedFor('lease_closed_reason_unspecified'),
      late,
      'ended',
      'interrupted',
    ],
    [
      'a lost manifest',
      closedFor('lease_closed_reason_manifest_timeout'),
      late,
      'ended',
      'provider-failed',
    ],
    [
      'funds that ran out',
      closedFor('lease_closed_reason_insufficient_funds'),
      late,
      'ended',
      'funds-exhausted',
    ],
    ['a reason that is not known', closedFor('lease_closed_invalid'), late, 'ended', null],
    [
      'a closed deployment',
      { state: 'closed', ...closedFor('lease_closed_reason_decommission') },
      late,
      'gone',
      'interrupted',
    ],
    ['a closed order', { state: 'closed' }, early, 'gone', null],
  ] as const)('%s', (_, wire, nowMs, state, cause) => {
    const seen = observationOf({ mark, deployment: deploymentOf(wire) }, nowMs, config);
    expect(seen).toMatchObject({
      leaseKey,
      state,
      cause,
      externalId: '1700000000000',
      billedFromMs: null,
    });
  });

  it('tells the rate of the lease', () => {
    const seen = observationOf({ mark, deployment: deploymentOf({ lease: {} }) }, early, config);
    expect(seen.pricePerHour).toBe(600_000);
  });

  it('takes bids only between gathering and the end of the window', () => {
    const order = { mark, deployment: deploymentOf({}) };
    const times = [
      config.gatherMs - 1,
      config.gatherMs,
      config.bidWindowMs - 1,
      config.bidWindowMs,
    ];
    expect(times.map((ageMs) => mayLease(order, at(ageMs), config))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(mayLease({ mark, deployment: deploymentOf({ lease: {} }) }, early, config)).toBe(false);
    expect(mayLease({ mark, deployment: deploymentOf({ state: 'closed' }) }, early, config)).toBe(
      false,
    );
  });

  it('sends a manifest again only while its provider is silent and still waits for it', () => {
    const silent = { mark, deployment: deploymentOf({ lease: { status: null } }) };
    expect(awaitsManifest(silent, early, config)).not.toBeNull();
    expect(awaitsManifest(silent, late, config)).toBeNull();
    expect(
      awaitsManifest(
        { mark, deployment: deploymentOf({ lease: { status: up(0) } }) },
        early,
        config,
      ),
    ).toBeNull();
  });
});

describe('bids', () => {
  it('are ordered by price to the last digit, without the closed, the dear and the foreign', () => {
    const bids = [
      bidOf('d', '10.000000000000000002'),
      bidOf('c', '10.000000000000000001'),
      bidOf('closed', '1', { state: 'closed' }),
      bidOf('lost', '1', { state: 'lost' }),
      bidOf('other', '1', { price: { denom: 'uakt', amount: '1' } }),
      bidOf('broken', 'NaN'),
      bidOf('dear', '3333.4'),
      bidOf('limit', '3333.333333333333333333'),
      bidOf('b', '10.000000000000000001'),
    ];
    expect(affordableBids(bids, mark, BLOCK_MS).map(({ id }) => id.provider)).toEqual([
      'b',
      'c',
      'd',
      'limit',
    ]);
  });

  it.each<[Partial<ConsoleProvider>, boolean, string]>([
    [{}, true, 'as wanted'],
    [{ isAudited: false }, false, 'nobody signed it'],
    [{ isAudited: null }, false, 'not known to be signed'],
    [{ isOnline: false }, false, 'offline'],
    [{ ipCountryCode: 'DE' }, false, 'elsewhere'],
    [{ ipCountryCode: null }, false, 'nobody knows where'],
  ])('of a provider with %p: %p, for it is %s', (change, expected) => {
    expect(mayServe({ ...providerOf('US'), ...change }, mark)).toBe(expected);
    expect(mayServe(undefined, mark)).toBe(false);
  });
});

describe('an order', () => {
  it('names the shape, one port, and a ceiling in whole uact', () => {
    const order = orderFor(request, config);
    expect(order.maxUactPerBlock).toBe(3_333);
    const sdl: unknown = parse(sdlFor({ ...order, auditors: ['akash1auditor'] }, request));
    expect(sdl).toMatchObject({
      services: {
        workload: {
          image: 'example.org/app@sha256:0',
          command: ['sh', '-c'],
          args: ['echo "hi: $A"\n'],
          env: ['A=1: x', 'FAIRLEAD_LEASE=att-01'],
          expose: [{ port: 8080, as: 8080, proto: 'tcp', to: [{ global: true }] }],
        },
      },
      profiles: {
        compute: {
          workload: {
            resources: {
              cpu: { units: 24 },
              memory: { size: '128Gi' },
              storage: { size: '400Gi' },
              gpu: {
                units: 2,
                attributes: {
                  vendor: { nvidia: [{ model: 'h100', ram: '80Gi', interface: 'sxm' }] },
                },
              },
            },
          },
        },
        placement: {
          workload: {
            signedBy: { allOf: ['akash1auditor'] },
            pricing: { workload: { denom: 'uact', amount: 3_333 } },
          },
        },
      },
    });
  });

  it('has no GPU section and no signature rule where none is wanted', () => {
    const offer = { ...request.offer, instanceType: 'cpu-2', gpu: null };
    const text = sdlFor(orderFor({ ...request, offer }, config), request);
    expect(text).not.toContain('gpu');
    expect(text).not.toContain('signedBy');
  });

  it('differs between attempts, so that its hash does', () => {
    const order = orderFor(request, config);
    expect(sdlFor(order, request)).toBe(sdlFor(order, request));
    expect(sdlFor(order, request)).not.toBe(
      sdlFor(order, { ...request, leaseKey: asAttemptId('att-02') }),
    );
  });

  it('is asked about beforehand in the same terms', () => {
    expect(screeningFor(orderFor(request, config))).toMatchObject({
      resources: [
        {
          resource: {
            cpu: { units: { val: '24000' } },
            gpu: {
              units: { val: '2' },
              attributes: [
                { key: 'vendor/nvidia/model/h100/ram/80Gi/interface/sxm', value: 'true' },
              ],
            },
          },
          price: { denom: 'uact', amount: '3333' },
        },
      ],
      timezone: 'UTC',
    });
  });

  it.each([
    [usd(1.99), 'below the quote'],
    [microUsd(1), 'less than one uact per block'],
  ])('of at most %d is refused as price-moved: %s', (maxPricePerHour) => {
    const limits = { ...request.limits, maxPricePerHour };
    expect(() => orderFor({ ...request, limits }, config)).toThrow(
      expect.objectContaining({ kind: 'price-moved' }),
    );
  });

  it('for a shape of somebody else is refused', () => {
    const offer = { ...request.offer, instanceType: 'p5.48xlarge' };
    expect(() => orderFor({ ...request, offer }, config)).toThrow(
      expect.objectContaining({ kind: 'request-rejected' }),
    );
  });

  it.each([
    [1, 1],
    [3_600_000, 1],
    [3_600_001, 2],
    [48 * 3_600_000, 48],
    [48 * 3_600_000 + 1, null],
  ])('of %d ms gets a runtime limit of %p hours', (ms, hours) =>
    expect(runtimeLimitHours(ms)).toBe(hours),
  );
});

describe('shapes', () => {
  it('come back from their names', () => {
    const gpus = ['h100', 'pro6000se', 'rtx4090'] as const;
    for (const model of gpus)
      for (const socket of ['sxm', 'pcie', null] as const) {
        const shape = gpuShape({ model, memoryGib: 80, socket }, 4);
        expect(gpuOfInstanceType(instanceTypeOf(shape))).toEqual(shape.gpu);
      }
    expect(gpuOfInstanceType('cpu-4')).toBeNull();
    expect(gpuOfInstanceType('m7i.large')).toBeUndefined();
  });

  it.each([
    ['h100', 80, 'H100', false],
    ['a100', 80, 'A100-80GB', false],
    ['a100', 40, 'A100-40GB', false],
    ['rtx4090', 24, 'RTX4090', true],
    ['rtx3090ti', 24, 'RTX3090TI', true],
    ['rtxa6000', 48, 'A6000', false],
    ['rtx6000ada', 48, 'RTX6000ADA', false],
    ['rtx4000', 8, 'RTX4000', false],
  ])('%s with %d GiB is %s', (model, memoryGib, name, consumer) => {
    expect(canonicalGpuModel({ model, memoryGib, socket: null })).toBe(name);
    expect(isConsumerGpu(model)).toBe(consumer);
  });

  it.each([
    ['SXM5', 'sxm'],
    ['sxm', 'sxm'],
    ['PCIe', 'pcie'],
    ['', null],
    [null, null],
  ])('%p is a %p', (text, socket) => expect(socketOf(text)).toBe(socket));
});

describe('offers', () => {
  const rules = { countries: null, gpuModels: null };
  const price = gpuPriceOf({});

  it('cost the GPU at the middle of the market and the rest at the usual rates', () => {
    const offers = offersFrom([providerOf('US')], [price], rules);
    const two = offers.find(({ instanceType }) => instanceType === 'h100-80gi-sxm-x2');
    expect(two?.id).toBe('akash/us/h100-80gi-sxm-x2/marketplace');
    // 2 x $1.50, and 24 CPUs, 128 GiB and 400 GB at $4.50, $1.25 and $0.08 a month of 730.488 hours.
    expect(two?.pricePerHour).toBe(3_000_000 + Math.ceil(300_000_000 / 730.488));
    expect(two).toMatchObject({
      country: 'US',
      available: true,
      interruptible: true,
      slaBps: null,
      certifications: [],
    });
    expect(two?.gpu).toEqual({ model: 'H100', count: 2, memoryGib: 80, interconnect: 'any' });
  });

  it('exist where somebody owns the GPUs, and are unavailable where all are taken or away', () => {
    const offers = offersFrom(
      [
        { ...providerOf('US'), stats: { gpu: { active: 4, available: 0, pending: 0 } } },
        { ...providerOf('DE'), isOnline: false },
        { ...providerOf('FI'), isAudited: false },
        { ...providerOf('SG'), ipCountryCode: null },
        { ...providerOf('CA'), stats: null },
      ],
      [price],
      rules,
    );
    const shown = offers
      .filter(({ gpu }) => gpu !== null)
      .map(({ region, gpu, available }) => [region, gpu?.count, available]);
    expect(shown).toEqual([
      ['us', 1, false],
      ['us', 2, false],
      ['us', 4, false],
      ['de', 1, false],
      ['de', 2, false],
      ['de', 4, false],
      ['de', 8, false],
      ['ca', 1, true],
    ]);
  });

  it.each([
    [gpuPriceOf({ price: null }), 'nobody has bid yet'],
    [gpuPriceOf({ price: { currency: 'AKT', min: 1, med: 1 } }), 'not in dollars'],
    [gpuPriceOf({ ram: 'lots' }), 'memory that cannot be read'],
    [gpuPriceOf({ interface: 'PCIe' }), 'another socket than the provider has'],
  ])('are not made from %j: %s', (row) => {
    expect(offersFrom([providerOf('US')], [row], rules).filter(({ gpu }) => gpu !== null)).toEqual(
      [],
    );
  });

  it('keep to the countries and models of the configuration', () => {
    const both = [providerOf('US'), providerOf('DE')];
    const kept = offersFrom(both, [price], { countries: ['DE'], gpuModels: ['a100'] });
    expect(new Set(kept.map(({ region }) => region))).toEqual(new Set(['de']));
    expect(kept.every(({ gpu }) => gpu === null)).toBe(true);
  });

  it('charge for CPUs alone', () => {
    expect(upliftPerHour({ gpu: null, cpus: 2, memoryGib: 4, diskGb: 20 })).toBe(
      Math.ceil(15_600_000 / 730.488),
    );
  });
});

describe('refusals', () => {
  it.each([
    [400, 'bad_request', 'Invalid SDL: x', 'request-rejected'],
    [400, 'validation_error', 'x', 'request-rejected'],
    [400, 'bad_request', 'Insufficient funds for deployment', 'funds-exhausted'],
    [400, 'bad_request', 'Deployment escrow cannot be settled yet', 'unavailable'],
    [401, 'unauthorized', 'x', 'credentials-rejected'],
    [402, 'unknown_error', 'x', 'funds-exhausted'],
    [402, 'payment_required', 'x', 'funds-exhausted'],
    [402, 'balance_top_up_pending', 'x', 'rate-limited'],
    [403, 'forbidden', 'Wallet is not initialised', 'credentials-rejected'],
    [403, 'forbidden', 'x', 'quota-exceeded'],
    [409, 'wallet_provisioning', 'x', 'unavailable'],
    [409, 'conflict', 'x', 'request-rejected'],
    [422, '', 'x', 'request-rejected'],
    [429, 'rate_limited', 'x', 'rate-limited'],
    [500, 'internal_server_error', 'x', 'unavailable'],
    [502, 'database_timeout', 'x', 'unavailable'],
    [503, 'service_unavailable', 'x', 'unavailable'],
    [404, 'not_found', 'x', 'unmapped'],
    [520, null, '', 'unmapped'],
  ])('%d %s (%s) means %s', (status, code, message, kind) => {
    expect(kindOf({ status, code, message, retryAfterMs: null })).toBe(kind);
  });

  it('do not repeat what the server says, which may quote the workload', () => {
    const refusal = {
      status: 400,
      code: 'bad_request',
      message: 'Invalid SDL: TOKEN=hush',
      retryAfterMs: null,
    };
    const error = errorFor('POST /v1/deployments', refusal);
    expect(error).toBeInstanceOf(ProviderError);
    expect(error.message).not.toContain('hush');
    expect(error.providerCode).toBe('bad_request');
  });
});

interface Wire {
  readonly state?: string;
  readonly name?: string | null;
  readonly lease?: Partial<ConsoleLease>;
}

function deploymentOf({
  state = 'active',
  name = nameOf(mark, {}),
  lease,
}: Wire): ConsoleDeployment {
  const base: ConsoleLease = {
    id: { gseq: 1, oseq: 1, provider: 'akash1p' },
    state: 'active',
    price: { denom: 'uact', amount: '1000.000000000000000000' },
  };
  const leases = lease === undefined ? [] : [{ ...base, ...lease }];
  return { deployment: { id: { dseq: '1700000000000' }, state }, leases, name };
}

function closedFor(reason: string): Wire {
  return { lease: { state: 'closed', reason } };
}

function up(available: number): ConsoleLease['status'] {
  return { services: { workload: { available } } };
}

function bidOf(provider: string, amount: string, change: Partial<ConsoleBid> = {}): ConsoleBid {
  const id = { dseq: '1', gseq: 1, oseq: 1, provider };
  return { id, state: 'open', price: { denom: 'uact', amount }, ...change };
}

function providerOf(country: string): ConsoleProvider {
  return {
    owner: `akash1${country}`,
    isOnline: true,
    isAudited: true,
    ipCountryCode: country,
    gpuModels: [{ vendor: 'nvidia', model: 'h100', ram: '80Gi', interface: 'sxm' }],
    stats: { gpu: { active: 4, available: 8, pending: 0 } },
  };
}

function gpuPriceOf(change: Partial<GpuPrice>): GpuPrice {
  return {
    vendor: 'nvidia',
    model: 'h100',
    ram: '80Gi',
    interface: 'SXM5',
    availability: { total: 12, available: 8 },
    price: { currency: 'USD', min: 1.2, med: 1.5 },
    ...change,
  };
}

const offer: Offer = {
  id: asOfferId('akash/us/h100-80gi-sxm-x2/marketplace'),
  providerId: descriptor.id,
  providerKind: descriptor.kind,
  region: 'us',
  country: 'US',
  instanceType: 'h100-80gi-sxm-x2',
  market: 'marketplace',
  gpu: { model: 'H100', count: 2, memoryGib: 80, interconnect: 'any' },
  cpus: 24,
  memoryGib: 128,
  diskGb: 400,
  interruptible: true,
  pricePerHour: usd(2),
  settlementToken: null,
  billing: descriptor.billing,
  egressPerGb: microUsd(0),
  startupMs: 90_000,
  available: true,
  certifications: [],
  slaBps: null,
  confidential: false,
  consumerHardware: false,
  features: [],
  hostedBy: null,
  hostId: null,
  quantity: null,
};

const request: LeaseRequest = {
  leaseKey,
  offer,
  workload: { image: 'example.org/app@sha256:0', script: 'echo "hi: $A"\n', env: { A: '1: x' } },
  labels: { project: 'p', job: 'j' },
  limits: { maxDurationMs: 3_600_000, maxPricePerHour: usd(2) },
};
