import type { _InstanceType } from '@aws-sdk/client-ec2';
import type { OfferGpu } from '#libs/domain';
import type { Region } from './regions';

/** The date of the prices below. They stand in only for as long as the price list feed has said nothing. */
export const LIST_DATE = '2026-07-20';

type UsdByRegion = { readonly [R in Region]?: number };

/** An instance type that we offer, and what it costs on demand (Linux, shared tenancy) where that is known. */
export interface CatalogueType {
  readonly type: _InstanceType;
  readonly cpus: number;
  readonly memoryGib: number;
  readonly gpu: OfferGpu | null;
  readonly onDemandUsd: UsdByRegion;
}

/** Model, count, and memory of each GPU as people ask for it (EC2 itself reports the 24 GB of an L4 as 22.4 GiB). */
type GpuColumns = readonly [model: string, count: number, memoryGib: number, nvlink?: 'nvlink'];
type Row<Gpu> = readonly [_InstanceType, cpus: number, memoryGib: number, gpu: Gpu, UsdByRegion];

/**
 * Shapes and us-east-1 prices: EC2 instance type list and price file of 2026-07-20. Other regions: the July 2026 state of the public
 * SkyPilot catalogue. A region that has no figure here is offered once the price list feed has one: no lease at an unknown price.
 * Left out: p5e (no on-demand price), g6f (slices of a GPU), p3.2xlarge (retired, and no live console), Arm types (x86 images only).
 */
const gpuRows: readonly Row<GpuColumns>[] = [
  ['g4dn.xlarge', 4, 16, ['T4', 1, 16], { 'us-east-1': 0.526 }],
  ['g4dn.12xlarge', 48, 192, ['T4', 4, 16], { 'us-east-1': 3.912 }],
  ['g5.xlarge', 4, 16, ['A10G', 1, 24], { 'us-east-1': 1.006 }],
  ['g5.2xlarge', 8, 32, ['A10G', 1, 24], { 'us-east-1': 1.212 }],
  ['g5.12xlarge', 48, 192, ['A10G', 4, 24], { 'us-east-1': 5.672 }],
  ['g5.48xlarge', 192, 768, ['A10G', 8, 24], { 'us-east-1': 16.288 }],
  ['g6.xlarge', 4, 16, ['L4', 1, 24], { 'us-east-1': 0.8048 }],
  ['g6.2xlarge', 8, 32, ['L4', 1, 24], { 'us-east-1': 0.9776 }],
  ['g6.12xlarge', 48, 192, ['L4', 4, 24], { 'us-east-1': 4.6016 }],
  ['g6.48xlarge', 192, 768, ['L4', 8, 24], { 'us-east-1': 13.3504 }],
  ['gr6.4xlarge', 16, 128, ['L4', 1, 24], { 'us-east-1': 1.5392 }],
  ['g6e.xlarge', 4, 32, ['L40S', 1, 48], { 'us-east-1': 1.861 }],
  ['g6e.2xlarge', 8, 64, ['L40S', 1, 48], { 'us-east-1': 2.24208 }],
  ['g6e.12xlarge', 48, 384, ['L40S', 4, 48], { 'us-east-1': 10.49264 }],
  ['g6e.48xlarge', 192, 1536, ['L40S', 8, 48], { 'us-east-1': 30.13118 }],
  ['g7.2xlarge', 8, 32, ['RTXPRO4500', 1, 32], { 'us-east-1': 2.52 }],
  ['g7e.2xlarge', 8, 64, ['RTXPRO6000', 1, 96], { 'us-east-1': 3.36312 }],
  ['g7e.48xlarge', 192, 2048, ['RTXPRO6000', 8, 96], { 'us-east-1': 33.14432 }],
  ['p3dn.24xlarge', 96, 768, ['V100-32GB', 8, 32], { 'us-east-1': 31.212, 'eu-west-1': 33.711 }],
  [
    'p4d.24xlarge',
    96,
    1152,
    ['A100-40GB', 8, 40, 'nvlink'],
    {
      'us-east-1': 21.957642,
      'us-west-2': 21.95764,
      'eu-west-1': 23.71569,
      'eu-central-1': 27.43298,
      'ap-northeast-1': 30.09784,
    },
  ],
  [
    'p4de.24xlarge',
    96,
    1152,
    ['A100-80GB', 8, 80, 'nvlink'],
    { 'us-east-1': 27.44705, 'us-west-2': 27.44705, 'eu-central-1': 34.29122 },
  ],
  [
    'p5.4xlarge',
    16,
    256,
    ['H100', 1, 80],
    { 'us-east-1': 6.88, 'us-west-2': 6.88, 'eu-west-2': 8.944, 'ap-south-1': 8.256 },
  ],
  [
    'p5.48xlarge',
    192,
    2048,
    ['H100', 8, 80, 'nvlink'],
    { 'us-east-1': 55.04, 'ap-northeast-1': 68.8, 'ap-south-1': 66.048 },
  ],
  [
    'p5en.48xlarge',
    192,
    2048,
    ['H200', 8, 141, 'nvlink'],
    { 'us-east-1': 63.296, 'eu-north-1': 67.72672, 'eu-south-2': 68.35968 },
  ],
  [
    'p6-b200.48xlarge',
    192,
    2048,
    ['B200', 8, 180, 'nvlink'],
    { 'us-east-1': 113.9328, 'us-west-2': 113.9328 },
  ],
  ['p6-b300.48xlarge', 192, 4096, ['B300', 8, 288, 'nvlink'], { 'us-east-1': 142.416 }],
];

/** List prices from general knowledge, not from a price file. */
const cpuRows: readonly Row<null>[] = [
  ['t3.medium', 2, 4, null, everyday(0.0416, 0.0456, 0.048)],
  ['t3.xlarge', 4, 16, null, everyday(0.1664, 0.1824, 0.192)],
  ['c7i.large', 2, 4, null, everyday(0.08925, 0.09576, 0.10185)],
  ['c7i.xlarge', 4, 8, null, everyday(0.1785, 0.19152, 0.2037)],
  ['c7i.4xlarge', 16, 32, null, everyday(0.714, 0.76608, 0.8148)],
  ['m7i.large', 2, 8, null, everyday(0.1008, 0.11235, 0.12075)],
  ['m7i.xlarge', 4, 16, null, everyday(0.2016, 0.2247, 0.2415)],
  ['m7i.2xlarge', 8, 32, null, everyday(0.4032, 0.4494, 0.483)],
  ['m7i.4xlarge', 16, 64, null, everyday(0.8064, 0.8988, 0.966)],
];

/** Everything that the adapter may offer, whatever the account and the regions turn out to hold. */
export const catalogue: readonly CatalogueType[] = [
  ...gpuRows.map((row) => entry(row, gpuOf(row[3]))),
  ...cpuRows.map((row) => entry(row, null)),
];

/** The entry of an instance type, or undefined when we do not offer it. */
export function typeNamed(name: string): CatalogueType | undefined {
  return byName.get(name);
}

const byName: ReadonlyMap<string, CatalogueType> = new Map(
  catalogue.map((each) => [each.type, each]),
);

function everyday(us: number, ireland: number, frankfurt: number): UsdByRegion {
  return { 'us-east-1': us, 'us-west-2': us, 'eu-west-1': ireland, 'eu-central-1': frankfurt };
}

function gpuOf([model, count, memoryGib, nvlink]: GpuColumns): OfferGpu {
  return { model, count, memoryGib, interconnect: nvlink ?? 'any' };
}

function entry(row: Row<GpuColumns | null>, gpu: OfferGpu | null): CatalogueType {
  const [type, cpus, memoryGib, , onDemandUsd] = row;
  return { type, cpus, memoryGib, gpu, onDemandUsd };
}
