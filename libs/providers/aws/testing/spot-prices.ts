import { catalogue } from '../catalogue';
import type { Region } from '../regions';

type UsdByRegion = { readonly [R in Region]?: number };

/** Spot prices where the July 2026 state of the public SkyPilot catalogue has one; elsewhere the emulator makes them up. */
const known: Readonly<Record<string, UsdByRegion>> = {
  'p3dn.24xlarge': { 'us-east-1': 8.2921, 'eu-west-1': 9.4929 },
  'p4d.24xlarge': {
    'us-east-1': 8.1203,
    'us-west-2': 8.2259,
    'eu-west-1': 9.7598,
    'eu-central-1': 13.3383,
    'ap-northeast-1': 7.5205,
  },
  'p4de.24xlarge': { 'us-east-1': 9.9734, 'us-west-2': 10.9991, 'eu-central-1': 8.0274 },
  'p5.4xlarge': { 'eu-west-2': 8.944, 'ap-south-1': 8.256 },
  'p5.48xlarge': { 'ap-northeast-1': 23.1449, 'ap-south-1': 18.8933 },
  'p5en.48xlarge': { 'us-east-1': 16.5551, 'eu-north-1': 10.4392, 'eu-south-2': 6.836 },
  'p6-b200.48xlarge': { 'us-east-1': 21.0148, 'us-west-2': 28.442 },
};

/** The emulator's own assumption for types without a known spot price. */
const SHARE_OF_ON_DEMAND = 0.4;

/** The price in the cheapest zone when the emulator starts, or null where the type is not sold. */
export function spotPriceAtStart(type: string, region: Region): number | null {
  const onDemand = catalogue.find((each) => each.type === type)?.onDemandUsd[region];
  const price = known[type]?.[region] ?? (onDemand ?? 0) * SHARE_OF_ON_DEMAND;
  return price > 0 ? Number(price.toFixed(4)) : null;
}
