import { egressRatesOf, gravityOf, isSamePlace, placeFrom, transferPerGb } from './gravity';
import { asProviderId } from './ids';
import type { DataSink, DataSource } from './job';
import { usd } from './money';
import { jobOf, offerOf } from './testing/job';

const source = (location: string | null, sizeGb = 100): DataSource => ({
  path: 'in',
  uri: 'https://example.com/in',
  sizeGb,
  dataClass: 'public',
  location,
});
const sink = (location: string | null, sizeGb = 10): DataSink => ({
  path: 'out',
  sizeGb,
  dataClass: 'public',
  location,
});

const cloud = asProviderId('cumulus');
const east = offerOf({
  providerId: cloud,
  region: 'us-east-1',
  country: 'US',
  egressPerGb: usd(0.09),
});
const tokyo = { ...east, region: 'ap-northeast-1', country: 'JP', egressPerGb: usd(0.114) };
const cheap = offerOf({ region: 'de-1', country: 'DE', egressPerGb: usd(0) });
const rates = egressRatesOf([east, tokyo, cheap]);

const egress = (job: Parameters<typeof jobOf>[0], at = east, checkpointAt: string | null = null) =>
  gravityOf({ ...jobOf(job), checkpointAt }, rates).egressAt(at);

describe('where data lies', () => {
  it.each([
    ['cumulus/us-east-1', { providerId: 'cumulus', region: 'us-east-1', country: null }],
    ['DE', { providerId: null, region: null, country: 'DE' }],
    ['us-west-2', { providerId: null, region: 'us-west-2', country: null }],
  ])('%s', (location, place) => {
    expect(placeFrom(location)).toEqual(place);
  });

  it.each([
    ['cumulus/us-east-1', true],
    ['us-east-1', true],
    ['US', true],
    ['other/us-east-1', false],
    ['cumulus/us-east-2', false],
    ['DE', false],
  ])('%s is the same place as a machine in cumulus/us-east-1: %s', (location, same) => {
    expect(isSamePlace(placeFrom(location), east)).toBe(same);
  });
});

describe('what moving data costs', () => {
  it.each([
    { reason: 'it is there already', inputs: [source('cumulus/us-east-1')], usd: 0 },
    { reason: 'nobody said where it is', inputs: [source(null)], usd: 0 },
    { reason: 'another region of the same cloud', inputs: [source('cumulus/us-west-2')], usd: 2 },
    { reason: 'out of a dear part of the world', inputs: [source('cumulus/sa-east-1')], usd: 11.4 },
    { reason: 'out of a provider that charges nothing', inputs: [source('nimbus/de-1')], usd: 0 },
    { reason: 'out of a provider nobody knows', inputs: [source('elsewhere/x')], usd: 9 },
    { reason: 'from a country', inputs: [source('DE')], usd: 9 },
    { reason: 'within the country', inputs: [source('US')], usd: 0 },
  ])('inputs: $reason', ({ inputs, usd: dollars }) => {
    expect(egress({ inputs })).toBe(usd(dollars));
  });

  it.each([
    { reason: 'away from the provider', outputs: [sink(null)], usd: 0.9 },
    { reason: 'they stay', outputs: [sink('cumulus/us-east-1')], usd: 0 },
    { reason: 'to another of its regions', outputs: [sink('cumulus/eu-west-1')], usd: 0.2 },
    { reason: 'to another provider', outputs: [sink('nimbus/de-1')], usd: 0.9 },
  ])('outputs: $reason', ({ outputs, usd: dollars }) => {
    expect(egress({ outputs })).toBe(usd(dollars));
  });

  it('is charged for the checkpoint by whoever has it, once', () => {
    const checkpoint = { path: 'c', intervalMs: 60_000, sizeGb: 50 };
    expect(egress({ checkpoint }, cheap, 'cumulus/us-east-1')).toBe(usd(50 * 0.114));
    expect(egress({ checkpoint }, east, 'cumulus/us-east-1')).toBe(0);
    expect(egress({ checkpoint }, tokyo, 'cumulus/us-east-1')).toBe(usd(1));
    expect(egress({ checkpoint }, east, 'nimbus/de-1')).toBe(0);
    expect(egress({ checkpoint }, cheap, null)).toBe(0);
    expect(egress({}, cheap, 'cumulus/us-east-1')).toBe(0);
  });

  it('between regions is never dearer than leaving', () => {
    const from = placeFrom('nimbus/af-south-1');
    const to = placeFrom('nimbus/us-1');
    expect(transferPerGb(from, to, usd(0.05))).toBe(usd(0.05));
    expect(transferPerGb(from, to, usd(1))).toBe(usd(0.147));
  });
});
