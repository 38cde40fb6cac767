import { usd } from '#libs/domain';
import type { ComplianceRegime, MicroUsd } from '#libs/domain';

/**
 * The regions we can place in and the country each stands in (ISO 3166-1 alpha-2). The Chinese and the European sovereign
 * partitions are left out: they have accounts, endpoints and price lists of their own.
 */
const countries = {
  'us-east-1': 'US',
  'us-east-2': 'US',
  'us-west-1': 'US',
  'us-west-2': 'US',
  'us-gov-east-1': 'US',
  'us-gov-west-1': 'US',
  'ca-central-1': 'CA',
  'ca-west-1': 'CA',
  'mx-central-1': 'MX',
  'sa-east-1': 'BR',
  'eu-west-1': 'IE',
  'eu-west-2': 'GB',
  'eu-west-3': 'FR',
  'eu-central-1': 'DE',
  'eu-central-2': 'CH',
  'eu-north-1': 'SE',
  'eu-south-1': 'IT',
  'eu-south-2': 'ES',
  'af-south-1': 'ZA',
  'il-central-1': 'IL',
  'me-central-1': 'AE',
  'me-south-1': 'BH',
  'ap-south-1': 'IN',
  'ap-south-2': 'IN',
  'ap-northeast-1': 'JP',
  'ap-northeast-2': 'KR',
  'ap-northeast-3': 'JP',
  'ap-southeast-1': 'SG',
  'ap-southeast-2': 'AU',
  'ap-southeast-3': 'ID',
  'ap-southeast-4': 'AU',
  'ap-southeast-5': 'MY',
  'ap-southeast-6': 'NZ',
  'ap-southeast-7': 'TH',
  'ap-east-1': 'HK',
  'ap-east-2': 'TW',
} as const;

export type Region = keyof typeof countries;

/** Everything that a rule may ask about a region. */
export interface RegionFacts {
  readonly country: string;
  readonly certifications: readonly ComplianceRegime[];
  /** To the internet, beyond the free allowance, in the first tier. */
  readonly egressPerGb: MicroUsd;
}

/** Whether a text names a region that the catalogue knows. */
export function isRegion(name: string): name is Region {
  return Object.hasOwn(countries, name);
}

/** What is known of a region; all of it is static. */
export function factsOf(region: Region): RegionFacts {
  return {
    country: countries[region],
    certifications: certificationsIn(region),
    egressPerGb: egressPerGb(region),
  };
}

const everywhere: readonly ComplianceRegime[] = ['hipaa', 'soc2', 'iso27001', 'pci-dss'];
const euCountries: ReadonlySet<string> = new Set(['IE', 'FR', 'DE', 'SE', 'IT', 'ES']);

/** FedRAMP High holds only in GovCloud and, being the stricter baseline, covers Moderate there. */
function certificationsIn(region: Region): readonly ComplianceRegime[] {
  if (region.startsWith('us-gov-')) return [...everywhere, 'fedramp-moderate', 'fedramp-high'];
  if (countries[region] === 'US') return [...everywhere, 'fedramp-moderate'];
  return euCountries.has(countries[region]) ? [...everywhere, 'gdpr'] : everywhere;
}

const US_EGRESS_PER_GB = usd(0.09);
/** No confirmed figure: deliberately above every rate seen between regions, so that egress is not under-counted. */
const OTHER_EGRESS_PER_GB = usd(0.16);

function egressPerGb(region: Region): MicroUsd {
  return countries[region] === 'US' ? US_EGRESS_PER_GB : OTHER_EGRESS_PER_GB;
}
