/**
 * The emulated market. GPU price ranges per hour: H100, H200, A100, A40 and RTX 4090 as surveyed on decentralised networks in
 * 2026; the rest as in Akash's public deployment guide. Resource rates are those of the default provider pricing script.
 */
export interface MarketGpu {
  readonly model: string;
  readonly ram: string;
  /** As the price table writes it; providers and bids say `sxm` or `pcie`. */
  readonly interface: string;
  readonly usdPerHour: { readonly min: number; readonly med: number; readonly max: number };
}

export const marketGpus: readonly MarketGpu[] = [
  gpu('h200', '141Gi', 'SXM5', 2.56, 3.5),
  gpu('h100', '80Gi', 'SXM5', 1.2, 1.8),
  gpu('a100', '80Gi', 'SXM4', 1.5, 2.2),
  gpu('a100', '40Gi', 'PCIe', 1.0, 1.5),
  gpu('rtxa6000', '48Gi', 'PCIe', 0.6, 1.0),
  gpu('a40', '48Gi', 'PCIe', 0.5, 0.9),
  gpu('rtx4090', '24Gi', 'PCIe', 0.25, 0.5),
  gpu('rtx3090', '24Gi', 'PCIe', 0.2, 0.4),
];

/** Micro-dollars per month and unit. */
export const RESOURCE_RATES = { cpu: 4_500_000, memoryGib: 1_250_000, diskGb: 80_000 } as const;
export const HOURS_PER_MONTH = 730.488;

export interface MarketProvider {
  readonly owner: string;
  readonly name: string;
  readonly country: string;
  readonly region: string;
  readonly audited: boolean;
  readonly online: boolean;
  /** Keys of `marketGpus`, as `model/ram`. */
  readonly gpus: readonly string[];
  readonly gpuTotal: number;
  readonly cpuTotal: number;
  /** What it asks, in basis points of the middle of the market. */
  readonly askBps: number;
  /** Takes its bid back at once. */
  readonly fickle?: boolean;
}

const ALL = marketGpus.map((each) => `${each.model}/${each.ram}`);
const DATACENTRE = ALL.filter((key) => !key.startsWith('rtx'));
const CONSUMER = ['rtx4090/24Gi', 'rtx3090/24Gi'];

export const marketProviders: readonly MarketProvider[] = [
  provider('austin', 'US', 'na-us-southwest', { gpus: DATACENTRE, gpuTotal: 64, askBps: 9_400 }),
  provider('fremont', 'US', 'na-us-west', { gpus: ALL, gpuTotal: 32, askBps: 9_700 }),
  provider('ashburn', 'US', 'na-us-southeast', { gpus: ALL, gpuTotal: 16, askBps: 12_500 }),
  provider('garage', 'US', 'na-us-midwest', {
    gpus: ALL,
    gpuTotal: 8,
    askBps: 7_000,
    audited: false,
  }),
  provider('boise', 'US', 'na-us-northwest', {
    gpus: ALL,
    gpuTotal: 8,
    askBps: 8_800,
    fickle: true,
  }),
  provider('frankfurt', 'DE', 'eu-central', { gpus: DATACENTRE, gpuTotal: 32, askBps: 9_500 }),
  provider('munich', 'DE', 'eu-central', { gpus: CONSUMER, gpuTotal: 16, askBps: 9_600 }),
  provider('helsinki', 'FI', 'eu-north', {
    gpus: [...CONSUMER, 'a40/48Gi'],
    gpuTotal: 12,
    askBps: 9_300,
  }),
  provider('montreal', 'CA', 'na-ca-east', { gpus: DATACENTRE, gpuTotal: 16, askBps: 9_650 }),
  provider('singapore', 'SG', 'as-southeast', { gpus: ALL, gpuTotal: 8, askBps: 9_800 }),
  provider('oslo', 'NO', 'eu-north', {
    gpus: ['a40/48Gi'],
    gpuTotal: 4,
    askBps: 9_000,
    online: false,
  }),
];

function gpu(model: string, ram: string, socket: string, min: number, max: number): MarketGpu {
  return { model, ram, interface: socket, usdPerHour: { min, med: (min + max) / 2, max } };
}

type Rest = Pick<MarketProvider, 'gpus' | 'gpuTotal' | 'askBps'> & Partial<MarketProvider>;

function provider(name: string, country: string, region: string, rest: Rest): MarketProvider {
  const owner = `akash1${name.padEnd(38, '0')}`;
  return { owner, name, country, region, audited: true, online: true, cpuTotal: 512, ...rest };
}

export const socketWord = (text: string): string => text.toLowerCase().replace(/\d+$/, '');
