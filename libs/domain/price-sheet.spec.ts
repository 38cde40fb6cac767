import { asOfferId, asProviderId } from './ids';
import { microUsd, usd } from './money';
import { sheetPrice, withSheets, type PriceSheet, type SheetRow } from './price-sheet';
import { offerOf } from './testing/job';

const NOW_MS = 1_000;
const listed = offerOf({
  id: asOfferId('acme/north/shape/on-demand'),
  providerId: asProviderId('acme'),
  region: 'north',
  instanceType: 'shape',
  market: 'on-demand',
  pricePerHour: usd(5),
});
const seller = { id: 'acme', kind: 'neocloud', billing: listed.billing } as const;
const row = (wanted: Partial<SheetRow> = {}): SheetRow => ({
  provider: 'acme',
  region: listed.region,
  instanceType: listed.instanceType,
  market: listed.market,
  microPerHour: 3_000_000,
  currency: 'USD',
  quantity: null,
  shape: null,
  ...wanted,
});
const sheet = (rows: readonly SheetRow[], wanted: Partial<PriceSheet> = {}): PriceSheet => ({
  name: 'contract',
  validFromMs: 0,
  validUntilMs: null,
  rows,
  ...wanted,
});
const offersWith = (...sheets: readonly PriceSheet[]) =>
  withSheets([listed], sheets, seller, {}, NOW_MS);

describe('a price sheet', () => {
  const matching = { region: listed.region, instanceType: listed.instanceType };

  it('changes the price of the offer that it names and says so, and nothing else', () => {
    const [offer] = offersWith(sheet([row({ ...matching, quantity: 4 })]));
    expect(offer).toEqual({
      ...listed,
      pricePerHour: usd(3),
      source: 'sheet/contract',
      settlementToken: null,
      quantity: 4,
    });
  });

  it.each<[reason: string, wanted: Partial<PriceSheet>]>([
    ['it is not in force yet', { validFromMs: NOW_MS + 1 }],
    ['it is over', { validUntilMs: NOW_MS }],
  ])('changes nothing when %s', (_reason, wanted) => {
    expect(offersWith(sheet([row(matching)], wanted))).toEqual([listed]);
  });

  it('adds an offer only where it says the whole shape, with the facts of the region from its neighbours', () => {
    const shape = { cpus: 8, memoryGib: 64, diskGb: 200, gpu: null, country: null };
    const added = row({ region: listed.region, instanceType: 'rented-1', shape });
    const offers = offersWith(sheet([added, row({ instanceType: 'unheard-of' })]));
    expect(offers).toHaveLength(2);
    expect(offers[1]).toMatchObject({
      id: `acme/${listed.region}/rented-1/${listed.market}`,
      cpus: 8,
      country: listed.country,
      certifications: listed.certifications,
      available: true,
      source: 'sheet/contract',
    });
  });

  it('is about its own provider, and the cheapest of several about one offer counts', () => {
    const dear = sheet([row({ ...matching, microPerHour: 4_000_000 })], { name: 'a' });
    const cheap = sheet([row(matching)], { name: 'b' });
    const other = sheet([row({ ...matching, provider: 'else', microPerHour: 1 })], { name: 'c' });
    expect(offersWith(dear, cheap, other)).toMatchObject([
      { pricePerHour: usd(3), source: 'sheet/b' },
    ]);
  });

  it('in another currency is converted at a rate in steps, and not offered while there is none', () => {
    const euros = row({ ...matching, currency: 'EUR', microPerHour: 2_000_000 });
    const rate = { readAtMs: 0, sigmaDaily: null, sources: [] };
    expect(sheetPrice(euros, {})).toBeNull();
    for (const usdMicro of [1_160_100, 1_159_900])
      expect(sheetPrice(euros, { EUR: { ...rate, usdMicro: microUsd(usdMicro) } })).toBe(usd(2.32));
    expect(offersWith(sheet([euros]))).toEqual([listed]);
  });
});
