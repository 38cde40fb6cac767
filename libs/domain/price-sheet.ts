import type { FxSnapshot } from './fx';
import { asOfferId, asProviderId } from './ids';
import { MICROS_PER_USD, ZERO_USD, estimatedMicroUsd, type MicroUsd } from './money';
import type { Market, Offer, OfferGpu, ProviderKind } from './offer';

/** The shape of a machine that a sheet adds to what its provider lists. */
export interface SheetShape {
  readonly cpus: number;
  readonly memoryGib: number;
  readonly diskGb: number;
  readonly gpu: OfferGpu | null;
  readonly country: string | null;
}

/** One line of a price sheet: capacity of an existing provider at a price that was agreed on. */
export interface SheetRow {
  readonly provider: string;
  readonly region: string;
  readonly instanceType: string;
  readonly market: Market;
  /** In millionths of the currency's unit. */
  readonly microPerHour: number;
  /** ISO 4217, in capitals. */
  readonly currency: string;
  /** How many machines the contract has, or null where it does not say. */
  readonly quantity: number | null;
  /** Null: only an offer that the provider lists already gets this price. */
  readonly shape: SheetShape | null;
}

/** Prices by contract, in force in the half-open interval. */
export interface PriceSheet {
  readonly name: string;
  readonly validFromMs: number;
  /** Null: until it is replaced or removed. */
  readonly validUntilMs: number | null;
  readonly rows: readonly SheetRow[];
}

/** The `source` of offers whose price a sheet says. */
export const sheetSource = (name: string): string => `sheet/${name}`;

/** The offer that a row is about. */
export function sheetOfferId({ provider, region, instanceType, market }: SheetRow): string {
  return `${provider}/${region}/${instanceType}/${market}`;
}

/** Whether a sheet is in force. */
export function isInForce({ validFromMs, validUntilMs }: PriceSheet, nowMs: number): boolean {
  return validFromMs <= nowMs && (validUntilMs === null || nowMs < validUntilMs);
}

/** Rates of other currencies are rounded to a thousandth before they price a sheet, so that its offers do not change every hour. */
const RATE_STEP = MICROS_PER_USD / 1_000;

/** A row's price in dollars, or null while the currency has no known rate. */
export function sheetPrice({ microPerHour, currency }: SheetRow, fx: FxSnapshot): MicroUsd | null {
  if (currency === 'USD') return estimatedMicroUsd(microPerHour);
  const rate = fx[currency]?.usdMicro;
  if (rate === undefined) return null;
  const rounded = Math.round(rate / RATE_STEP) * RATE_STEP;
  return estimatedMicroUsd((microPerHour * rounded) / MICROS_PER_USD);
}

/** What every offer of a provider says alike, for those that a sheet adds. */
export interface SellerTerms {
  readonly id: string;
  readonly kind: ProviderKind;
  readonly billing: Offer['billing'];
}

/** From acquire to a running workload, for offers that no listing describes; corrected by what is measured. */
const ASSUMED_STARTUP_MS = 180_000;

/**
 * A provider's listed offers with the sheets in force laid over them: a row changes the price (and the quantity) of the offer
 * that it names, or adds one where it says the whole shape. What a listing says of availability stays; an added offer is taken to
 * be available. Of several sheets about one offer the lowest price wins, then the first name. Sheets need not be in force.
 */
export function withSheets(
  listed: readonly Offer[],
  sheets: readonly PriceSheet[],
  seller: SellerTerms,
  fx: FxSnapshot,
  nowMs: number,
): readonly Offer[] {
  const agreed = agreedPrices(sheets, seller.id, fx, nowMs);
  if (agreed.size === 0) return listed;
  const known = new Set<string>(listed.map(({ id }) => id));
  const repriced = listed.map((offer) => {
    const price = agreed.get(offer.id);
    return price === undefined ? offer : { ...offer, ...termsOf(price) };
  });
  const added = [...agreed.values()].flatMap((price) =>
    known.has(sheetOfferId(price.row)) ? [] : (addedOffer(price, listed, seller) ?? []),
  );
  return [...repriced, ...added];
}

interface AgreedPrice {
  readonly row: SheetRow;
  readonly source: string;
  readonly pricePerHour: MicroUsd;
}

function agreedPrices(
  sheets: readonly PriceSheet[],
  providerId: string,
  fx: FxSnapshot,
  nowMs: number,
): ReadonlyMap<string, AgreedPrice> {
  const best = new Map<string, AgreedPrice>();
  const byName = [...sheets].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const sheet of byName.filter((each) => isInForce(each, nowMs)))
    for (const row of sheet.rows.filter(({ provider }) => provider === providerId)) {
      const pricePerHour = sheetPrice(row, fx);
      const known = best.get(sheetOfferId(row));
      if (pricePerHour === null || (known !== undefined && known.pricePerHour <= pricePerHour))
        continue;
      best.set(sheetOfferId(row), { row, source: sheetSource(sheet.name), pricePerHour });
    }
  return best;
}

function termsOf({ row, source, pricePerHour }: AgreedPrice): Partial<Offer> {
  const quantity = row.quantity === null ? {} : { quantity: row.quantity };
  return { pricePerHour, source, settlementToken: null, ...quantity };
}

/** Facts of the region that no sheet says come from another offer there; without one, nothing is promised. */
function addedOffer(
  price: AgreedPrice,
  listed: readonly Offer[],
  seller: SellerTerms,
): Offer | null {
  const { row, source, pricePerHour } = price;
  const { shape } = row;
  if (shape === null) return null;
  const near = listed.find(({ region, market }) => region === row.region && market === row.market);
  return {
    id: asOfferId(sheetOfferId(row)),
    providerId: asProviderId(seller.id),
    providerKind: seller.kind,
    region: row.region,
    country: shape.country ?? near?.country ?? null,
    instanceType: row.instanceType,
    market: row.market,
    gpu: shape.gpu,
    cpus: shape.cpus,
    memoryGib: shape.memoryGib,
    diskGb: shape.diskGb,
    interruptible: row.market !== 'on-demand',
    pricePerHour,
    source,
    settlementToken: null,
    billing: seller.billing,
    egressPerGb: near?.egressPerGb ?? ZERO_USD,
    startupMs: near?.startupMs ?? ASSUMED_STARTUP_MS,
    available: true,
    certifications: near?.certifications ?? [],
    slaBps: near?.slaBps ?? null,
    confidential: false,
    consumerHardware: false,
    features: [],
    hostedBy: near?.hostedBy ?? null,
    hostId: null,
    quantity: row.quantity,
  };
}
