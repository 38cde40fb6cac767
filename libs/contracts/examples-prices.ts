import type { FeedListView, PriceHistoryView, SheetView } from './http-prices';

/** What the OpenAPI document shows of prices; each is checked against its schema by a test. */
const AT = '2026-11-21T09:30:00.000Z';

export const exampleFeeds: FeedListView = {
  feeds: [
    {
      id: 'acme/price-list',
      kind: 'prices',
      everyMs: 21_600_000,
      staleAfterMs: 259_200_000,
      readAt: AT,
      stale: false,
      triedAt: AT,
      nextTryAt: '2026-11-21T15:30:00.000Z',
      items: 78,
      failures: 0,
      error: null,
    },
  ],
  rates: [
    {
      token: 'AKT',
      microUsd: 1_100_000,
      readAt: AT,
      sigmaDaily: 0.052,
      haircutBps: 893,
      sources: ['fx/coinbase', 'fx/kraken'],
    },
  ],
};

export const exampleHistory: PriceHistoryView = {
  offerId: 'acme/north/h100-1/spot',
  from: '2026-11-07T09:30:00.000Z',
  to: AT,
  resolution: 'change',
  changes: [{ at: '2026-11-07T09:30:00.000Z', pricePerHourMicroUsd: 2_500_000 }],
  days: [],
  statistics: {
    minMicroUsd: 2_500_000,
    medianMicroUsd: 2_500_000,
    maxMicroUsd: 2_500_000,
    sigmaDaily: 0,
  },
  truncated: false,
};

export const exampleSheetRow = {
  provider: 'acme',
  region: 'north',
  instanceType: 'h100-8',
  market: 'on-demand',
  pricePerHour: 38.4,
  currency: 'USD',
} as const;

export const exampleSheet: SheetView = {
  name: 'reserved-2027',
  validFrom: AT,
  validUntil: '2027-01-01T00:00:00.000Z',
  inForce: true,
  uploadedAt: AT,
  uploadedBy: 'key-019aa5c2f3b07e31',
  rows: [exampleSheetRow],
};

export const exampleSheetCsv =
  'provider,region,instance_type,price_per_hour\nacme,north,h100-8,38.40\n';
