import {
  asOfferId,
  asProviderId,
  usd,
  ZERO_USD,
  type ComplianceRegime,
  type Interconnect,
  type Market,
  type Offer,
  type ProviderKind,
} from '#libs/domain';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** What holds for everything that a provider sells, unless an offer says otherwise. */
interface Seller {
  readonly provider: string;
  readonly kind: ProviderKind;
  readonly billing: Offer['billing'];
  readonly egressUsdPerGb: number;
  readonly startupMs: number;
  readonly token: string | null;
  readonly slaBps: number | null;
  readonly certifications: readonly ComplianceRegime[];
  readonly features: readonly string[];
}

const perSecond = { incrementMs: SECOND, minimumMs: 0 };
const wholeHours = { incrementMs: HOUR, minimumMs: HOUR };
const attested: readonly ComplianceRegime[] = ['hipaa', 'soc2', 'iso27001', 'pci-dss'];

/** Hyperscalers: at least a minute is billed, traffic to the internet costs about 0.09 USD/GB, GPU machines boot in minutes. */
const hyperscaler = {
  kind: 'hyperscaler',
  billing: { incrementMs: SECOND, minimumMs: MINUTE },
  egressUsdPerGb: 0.09,
  startupMs: 3 * MINUTE,
  token: null,
  certifications: attested,
  features: [],
} as const;

/** Networks: nothing is promised by contract and traffic is not metered, unless a line below says otherwise. */
const network = {
  kind: 'decentralised',
  billing: perSecond,
  egressUsdPerGb: 0,
  startupMs: 2 * MINUTE,
  token: null,
  slaBps: null,
  certifications: [],
  features: [],
} as const;

/** Instance-level SLA of EC2 is 99.5 %; Compute Engine and Azure (premium disks) promise 99.9 % for a single machine. */
const aws: Seller = { ...hyperscaler, provider: 'aws', slaBps: 9_950 };
const gcp: Seller = { ...hyperscaler, provider: 'gcp', slaBps: 9_990 };
const azure: Seller = { ...hyperscaler, provider: 'azure', slaBps: 9_990 };
/** Bids are charged by the block of about six seconds and paid in a token pegged to the dollar. */
const akash: Seller = {
  ...network,
  provider: 'akash',
  billing: { incrementMs: 6 * SECOND, minimumMs: 0 },
  startupMs: 90 * SECOND,
};
/** Clusters start in 90 seconds; whole hours are paid up front, in credits of one dollar. */
const ionet: Seller = {
  ...network,
  provider: 'ionet',
  billing: wholeHours,
  startupMs: 90 * SECOND,
};
/** Enterprise machines under a contract; 99.99 % is claimed, and no customer SLA is published, so none is encoded. */
const aethir: Seller = { ...network, provider: 'aethir', startupMs: 5 * MINUTE };
/** Consumer cards for rendering; home links of 100 Mbit/s make images slow to arrive; priced in its token. */
const render: Seller = {
  ...network,
  provider: 'render',
  startupMs: 10 * MINUTE,
  token: 'RENDER',
  features: ['rendering'],
};
/** Tier 3 and 4 data centres: GDPR, ISO 27001, SOC 2, no egress fee; GPUs are billed by the clock hour. */
const fluence: Seller = {
  ...network,
  provider: 'fluence',
  billing: wholeHours,
  startupMs: 3 * MINUTE,
  certifications: ['gdpr', 'iso27001', 'soc2'],
};
/** The community cloud, which the guide counts among the networks; pods start in seconds and are billed by the second. */
const runpod: Seller = { ...network, provider: 'runpod', startupMs: 30 * SECOND };
/** Intel TDX enclaves without GPUs; tasks of at most ten hours, paid in its token. */
const iexec: Seller = { ...network, provider: 'iexec', token: 'RLC' };
/** Compute subnets, priced in TAO. */
const bittensor: Seller = { ...network, provider: 'bittensor', token: 'TAO' };
/** Inference and fine-tuning on partner hardware, priced in its token. */
const zeroGravity: Seller = {
  ...network,
  provider: '0g',
  token: '0G',
  features: ['inference', 'fine-tuning'],
};
const hyperbolic: Seller = { ...network, provider: 'hyperbolic', startupMs: 4 * MINUTE };

interface Card {
  readonly model: string;
  readonly memoryGib: number;
  readonly consumer: boolean;
  readonly cpus: number;
}

const H100: Card = { model: 'H100', memoryGib: 80, consumer: false, cpus: 16 };
const H200: Card = { model: 'H200', memoryGib: 141, consumer: false, cpus: 16 };
const A100: Card = { model: 'A100-80GB', memoryGib: 80, consumer: false, cpus: 12 };
const A40: Card = { model: 'A40', memoryGib: 48, consumer: false, cpus: 8 };
const RTX4090: Card = { model: 'RTX4090', memoryGib: 24, consumer: true, cpus: 8 };

type Extra = Partial<
  Pick<Offer, 'market' | 'interruptible' | 'confidential' | 'certifications' | 'available'>
> & { readonly interconnect?: Interconnect };

/** GPUs at a price for each, as price tables quote them. */
function gpus(
  seller: Seller,
  place: readonly [region: string, country: string | null],
  card: Card,
  count: number,
  usdEach: number,
  extra: Extra = {},
): Offer {
  const { interconnect = 'any', ...rest } = extra;
  return machine(seller, place, `${card.model.toLowerCase()}-x${count}`, usdEach * count, {
    gpu: { model: card.model, count, memoryGib: card.memoryGib, interconnect },
    cpus: card.cpus * count,
    memoryGib: 64 * count,
    diskGb: 500 * count,
    consumerHardware: card.consumer,
    ...rest,
  });
}

function machine(
  seller: Seller,
  [region, country]: readonly [string, string | null],
  instanceType: string,
  usdPerHour: number,
  extra: Partial<Offer>,
): Offer {
  const market: Market = extra.market ?? 'on-demand';
  return {
    id: asOfferId(`${seller.provider}/${region}/${instanceType}/${market}`),
    providerId: asProviderId(seller.provider),
    providerKind: seller.kind,
    region,
    country,
    instanceType,
    market,
    gpu: null,
    cpus: 4,
    memoryGib: 16,
    diskGb: 100,
    interruptible: market !== 'on-demand',
    pricePerHour: usd(usdPerHour),
    settlementToken: seller.token,
    billing: seller.billing,
    egressPerGb: seller.egressUsdPerGb === 0 ? ZERO_USD : usd(seller.egressUsdPerGb),
    startupMs: seller.startupMs,
    available: true,
    certifications: seller.certifications,
    slaBps: market === 'spot' ? null : seller.slaBps,
    confidential: false,
    consumerHardware: false,
    features: seller.features,
    hostedBy: null,
    hostId: null,
    quantity: null,
    ...extra,
  };
}

const us = ['us-east-1', 'US'] as const;
const gov = ['us-gov-west-1', 'US'] as const;
const ireland = ['eu-west-1', 'IE'] as const;
const iowa = ['us-central1', 'US'] as const;
const virginia = ['eastus', 'US'] as const;
const usNode = ['us', 'US'] as const;
const germany = ['de', 'DE'] as const;
const poland = ['pl', 'PL'] as const;
const france = ['fr', 'FR'] as const;
const anywhere = ['global', null] as const;

/** FedRAMP Moderate holds in the commercial US regions of AWS, High in GovCloud alone; Azure holds High in all US regions. */
const awsUs: Extra = { certifications: [...attested, 'fedramp-moderate'] };
const awsGov: Extra = { certifications: [...attested, 'fedramp-moderate', 'fedramp-high'] };
const awsEu: Extra = { certifications: [...attested, 'gdpr'] };
const azureUs: Extra = { certifications: [...attested, 'fedramp-moderate', 'fedramp-high'] };
const nvlink: Extra = { interconnect: 'nvlink' };
const bid: Extra = { market: 'marketplace' };

/**
 * A market of every network that the workload guide names. Prices per GPU-hour are the figures of published guides of 2025-2026:
 * hyperscalers at the low end of their range, networks inside the range given for all of them (H100 1.20 to 1.80, A100 1.50 to
 * 2.20, A40 0.50 to 0.90, RTX 4090 0.25 to 0.50), Akash's H100 and Fluence's H200 at the figure given for them. These are
 * defaults for tests, never truth.
 */
export const offerBook: readonly Offer[] = [
  gpus(aws, us, H100, 8, 7.9, { ...awsUs, ...nvlink }),
  gpus(aws, us, H100, 1, 7.9, awsUs),
  gpus(aws, ireland, H100, 1, 9.98, awsEu),
  gpus(aws, gov, H100, 1, 9.98, awsGov),
  gpus(aws, gov, H100, 8, 9.98, { ...awsGov, ...nvlink }),
  gpus(aws, us, H200, 1, 12, awsUs),
  gpus(aws, us, A100, 4, 3.97, { ...awsUs, ...nvlink }),
  gpus(aws, us, A40, 1, 1.8, awsUs),
  gpus(gcp, iowa, H100, 8, 11.06, nvlink),
  gpus(gcp, iowa, H100, 1, 11.06),
  gpus(gcp, iowa, A100, 4, 4.5, nvlink),
  gpus(gcp, iowa, A40, 1, 2),
  gpus(azure, virginia, H100, 8, 8.5, { ...azureUs, ...nvlink }),
  gpus(azure, virginia, H100, 1, 8.5, azureUs),
  // The confidential H100 machine of Azure lists at 8.82.
  gpus(azure, ['northeurope', 'IE'], H100, 1, 8.82, {
    certifications: [...attested, 'gdpr'],
    confidential: true,
  }),
  gpus(azure, virginia, A100, 4, 3.6, { ...azureUs, ...nvlink }),
  gpus(azure, virginia, A40, 1, 1.9, azureUs),
  gpus(akash, usNode, H100, 1, 1.2, bid),
  gpus(akash, germany, H100, 1, 1.3, bid),
  gpus(akash, usNode, A100, 4, 1.5, bid),
  gpus(akash, usNode, A40, 1, 0.5, bid),
  gpus(akash, usNode, RTX4090, 1, 0.4, bid),
  gpus(ionet, usNode, H100, 1, 1.7),
  gpus(ionet, usNode, H100, 8, 1.7),
  gpus(ionet, usNode, A100, 4, 1.6),
  gpus(ionet, usNode, RTX4090, 1, 0.3),
  gpus(aethir, usNode, H100, 1, 1.6),
  gpus(aethir, usNode, H100, 8, 1.6, nvlink),
  gpus(aethir, usNode, A100, 4, 1.9, nvlink),
  gpus(render, anywhere, RTX4090, 1, 0.25),
  gpus(fluence, poland, H100, 1, 1.5),
  gpus(fluence, poland, H100, 1, 1.2, { market: 'spot' }),
  gpus(fluence, poland, H200, 1, 2.56),
  gpus(fluence, poland, A100, 4, 1.8),
  gpus(fluence, poland, A40, 1, 0.7),
  gpus(runpod, usNode, H100, 1, 1.8),
  gpus(runpod, usNode, A100, 4, 1.7),
  gpus(runpod, usNode, A40, 1, 0.6),
  gpus(runpod, usNode, RTX4090, 1, 0.34),
  gpus(bittensor, anywhere, H100, 1, 1.5),
  gpus(bittensor, anywhere, RTX4090, 1, 0.35),
  gpus(zeroGravity, anywhere, H100, 1, 1.6),
  gpus(hyperbolic, usNode, H100, 1, 1.4),
  gpus(hyperbolic, usNode, RTX4090, 1, 0.35),
  // No hourly price is published for these; both are assumed to cost about as much as a small general-purpose machine.
  machine(iexec, france, 'tdx-cpu-4', 0.2, { confidential: true, market: 'marketplace' }),
  machine(aws, us, 'cpu-4', 0.17, awsUs),
];
