import { z } from 'zod';
import { isRegion } from './regions';
import type { Region } from './regions';

const MAX_REGIONS = 40;
const MIN_ROOT_VOLUME_GB = 30;
const MAX_ROOT_VOLUME_GB = 16_384;

const regionSchema = z.strictObject({
  name: z.custom<Region>((name) => typeof name === 'string' && isRegion(name), 'no such region'),
  /** An x86 image with a container runtime and, for GPU types, the driver. Ids differ from region to region. */
  imageId: z.string().startsWith('ami-'),
  /** Null takes the account's default subnet and lets EC2 choose the zone. */
  subnetId: z.string().startsWith('subnet-').nullable().default(null),
  securityGroupIds: z.array(z.string().startsWith('sg-')).max(5).default([]),
});

/** How to reach one AWS account. */
export const configSchema = z.strictObject({
  regions: z
    .array(regionSchema)
    .min(1)
    .max(MAX_REGIONS)
    .refine(
      (all) => new Set(all.map(({ name }) => name)).size === all.length,
      'a region is named twice',
    ),
  /** Null leaves it to the SDK's own search: environment, profile, instance role. */
  credentials: z
    .strictObject({
      accessKeyId: z.string().min(1),
      secretAccessKey: z.string().min(1),
      sessionToken: z.string().min(1).optional(),
    })
    .nullable()
    .default(null),
  /** For an emulator or a private endpoint; serves all regions. */
  endpoint: z.url().nullable().default(null),
  /** Where the price list is asked for: the API lives in these regions and knows the prices of all. */
  pricingRegion: z.enum(['us-east-1', 'eu-central-1', 'ap-south-1']).default('us-east-1'),
  /** For an emulator or a private endpoint of the price list. */
  pricingEndpoint: z.url().nullable().default(null),
  /** The device that the image boots from. */
  rootDeviceName: z.string().startsWith('/dev/').default('/dev/sda1'),
  /** Every lease gets a root volume of this size, and offers promise it. */
  rootVolumeGb: z.int().min(MIN_ROOT_VOLUME_GB).max(MAX_ROOT_VOLUME_GB).default(100),
  /** Only these types are offered; null offers the whole catalogue. */
  instanceTypes: z.array(z.string().min(1)).min(1).nullable().default(null),
});

export type AwsConfig = z.infer<typeof configSchema>;
export type RegionConfig = AwsConfig['regions'][number];

type Env = Readonly<Record<string, string | undefined>>;

/** The configuration that the environment describes, or null when FAIRLEAD_AWS_IMAGES is not set. */
export function configFromEnv(env: Env): unknown | null {
  const images = pairs(env['FAIRLEAD_AWS_IMAGES']);
  if (images.size === 0) return null;
  const subnets = pairs(env['FAIRLEAD_AWS_SUBNETS']);
  const groups = pairs(env['FAIRLEAD_AWS_SECURITY_GROUPS']);
  return {
    regions: [...images].map(([name, imageId]) => ({
      name,
      imageId,
      subnetId: subnets.get(name) ?? null,
      securityGroupIds: words(groups.get(name), '+'),
    })),
    credentials: credentialsFrom(env),
    endpoint: env['AWS_ENDPOINT_URL_EC2'] ?? null,
    pricingEndpoint: env['AWS_ENDPOINT_URL_PRICING'] ?? null,
    ...optional('pricingRegion', env['FAIRLEAD_AWS_PRICING_REGION']),
    ...optional('rootDeviceName', env['FAIRLEAD_AWS_ROOT_DEVICE']),
    ...optional('rootVolumeGb', numberIn(env['FAIRLEAD_AWS_ROOT_VOLUME_GB'])),
    ...optional('instanceTypes', listIn(env['FAIRLEAD_AWS_INSTANCE_TYPES'])),
  };
}

function credentialsFrom(env: Env): unknown | null {
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  if (accessKeyId === undefined) return null;
  return {
    accessKeyId,
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'],
    ...optional('sessionToken', env['AWS_SESSION_TOKEN']),
  };
}

/** `us-east-1=ami-1,eu-west-1=ami-2` as a map. */
function pairs(text: string | undefined): ReadonlyMap<string, string> {
  return new Map(
    words(text, ',').map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return [name.trim(), value.join('=').trim()];
    }),
  );
}

function words(text: string | undefined, separator: string): readonly string[] {
  return (text ?? '')
    .split(separator)
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function listIn(text: string | undefined): readonly string[] | undefined {
  const list = words(text, ',');
  return list.length === 0 ? undefined : list;
}

function numberIn(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function optional<T>(name: string, value: T | undefined): Readonly<Record<string, T>> {
  return value === undefined ? {} : { [name]: value };
}
