import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { catalogue } from '../catalogue';
import { isRegion, type Region } from '../regions';
import { regionOfSigned, type KeyPair } from './signature';
import { WireError } from './wire';

/** The operation in the words of the protocol, AWS JSON 1.1. */
export const PRICING_TARGET = 'AWSPriceListService.GetProducts';

/** Pages are kept shorter than the real hundred, so that callers meet more than one. */
const ENTRIES_ON_A_PAGE = 20;
const MAX_RESULTS = 100;

/** What can be made to go wrong: the service's own words, or a page that breaks off in the middle. */
export type PricingFault =
  | 'ThrottlingException'
  | 'ExpiredNextTokenException'
  | 'AccessDeniedException'
  | 'InternalErrorException'
  | 'truncated-page';

/** Regions of the service; a client may sit in any of them and ask about all regions. */
const homes = ['us-east-1', 'eu-central-1', 'ap-south-1'];

/** One product of the list as the service keeps it. */
interface Entry {
  readonly attributes: Readonly<Record<string, string>>;
  readonly usdPerHour: number;
}

interface Filter {
  readonly Type: string;
  readonly Field: string;
  readonly Value: string;
}

/**
 * The Price List Query API over HTTP: filters, pages with tokens, and entries that are JSON within JSON. The prices are those
 * that the catalogue has transcribed from the real list, until a test moves them; beside each stand the rows that a reader has to
 * tell apart (Windows, dedicated hosts, capacity that is reserved but unused), and families that the catalogue does not have.
 */
export class EmulatedPricing {
  private readonly moved = new Map<string, number>();
  private faults: readonly PricingFault[] = [];
  private answered = 0;

  /** Sets what a type costs in a region from now on; null takes it off the list. */
  setPrice(region: Region, type: string, usdPerHour: number | null): void {
    this.moved.set(`${region}/${type}`, usdPerHour ?? 0);
  }

  /** Makes the next requests fail, one each. `ExpiredNextTokenException` waits for one that brings a token. */
  failNext(...faults: readonly PricingFault[]): void {
    this.faults = [...this.faults, ...faults];
  }

  /** Requests that were answered, refused ones included. */
  requests(): number {
    return this.answered;
  }

  serve(request: IncomingMessage, response: ServerResponse, body: string, keys: KeyPair): void {
    this.answered += 1;
    const { status, content } = this.answer(request, body, keys);
    response.writeHead(status, {
      'content-type': 'application/x-amz-json-1.1',
      'x-amzn-requestid': `pricing-${this.answered}`,
    });
    response.end(content);
  }

  private answer(
    request: IncomingMessage,
    body: string,
    keys: KeyPair,
  ): { readonly status: number; readonly content: string } {
    try {
      const home = regionOfSigned(request, body, keys);
      if (!homes.includes(home) || request.headers['x-amz-target'] !== PRICING_TARGET)
        return refusal('InvalidParameterException', 'No such operation here');
      const page = this.page(JSON.parse(body));
      return typeof page === 'string'
        ? this.fault(page)
        : { status: 200, content: JSON.stringify(page) };
    } catch (error) {
      if (error instanceof WireError) return refusal('UnrecognizedClientException', error.message);
      throw error;
    }
  }

  private fault(code: PricingFault): { readonly status: number; readonly content: string } {
    if (code === 'truncated-page')
      return { status: 200, content: '{"FormatVersion":"aws_v1","PriceList":["{\\"product\\":' };
    return refusal(code, 'This answer was asked for in advance');
  }

  private page(input: Readonly<Record<string, unknown>>): object | PricingFault {
    const token = typeof input['NextToken'] === 'string' ? input['NextToken'] : null;
    const fault = this.takeFault(token);
    if (fault !== null) return fault;
    const filters = Array.isArray(input['Filters']) ? (input['Filters'] as readonly Filter[]) : [];
    const all = this.entries(filters).filter(({ attributes }) =>
      filters.every(({ Field, Value }) => attributes[Field] === Value),
    );
    const from = token === null ? 0 : offsetOf(token, filters);
    if (from === null) return 'ExpiredNextTokenException';
    const limit = Math.min(Number(input['MaxResults'] ?? MAX_RESULTS), ENTRIES_ON_A_PAGE);
    const to = from + limit;
    return {
      FormatVersion: 'aws_v1',
      PriceList: all.slice(from, to).map((entry) => JSON.stringify(document(entry))),
      ...(to < all.length ? { NextToken: tokenOf(to, filters) } : {}),
    };
  }

  private takeFault(token: string | null): PricingFault | null {
    const [next, ...rest] = this.faults;
    if (next === undefined || (next === 'ExpiredNextTokenException' && token === null)) return null;
    this.faults = rest;
    return next;
  }

  private entries(filters: readonly Filter[]): readonly Entry[] {
    const code = filters.find(({ Field }) => Field === 'regionCode')?.Value ?? '';
    if (!isRegion(code)) return [];
    const sold = catalogue.flatMap(({ type, onDemandUsd }) => {
      const usdPerHour = this.moved.get(`${code}/${type}`) ?? onDemandUsd[code] ?? 0;
      return usdPerHour > 0 ? entriesOf(type, code, usdPerHour) : [];
    });
    return [...sold, ...others.flatMap(([type, price]) => entriesOf(type, code, price))];
  }
}

/** Families that the list has and the catalogue does not; us-east-1 prices of July 2026. */
const others: readonly (readonly [type: string, usdPerHour: number])[] = [
  ['m5.large', 0.096],
  ['c5.xlarge', 0.17],
  ['r7i.2xlarge', 0.5292],
  ['g4ad.xlarge', 0.37853],
  ['inf2.xlarge', 0.7582],
  ['trn1.2xlarge', 1.34375],
];

/** A type as often as the list has it: once plain, and in forms that differ by one attribute each. */
function entriesOf(type: string, regionCode: string, usdPerHour: number): readonly Entry[] {
  const plain = {
    instanceType: type,
    regionCode,
    operatingSystem: 'Linux',
    tenancy: 'Shared',
    capacitystatus: 'Used',
    preInstalledSw: 'NA',
    marketoption: 'OnDemand',
    licenseModel: 'No License required',
    servicecode: 'AmazonEC2',
    locationType: 'AWS Region',
  };
  return [
    { attributes: plain, usdPerHour },
    { attributes: { ...plain, operatingSystem: 'Windows' }, usdPerHour: usdPerHour * 1.8 },
    { attributes: { ...plain, tenancy: 'Dedicated' }, usdPerHour: usdPerHour * 1.06 },
    { attributes: { ...plain, capacitystatus: 'UnusedCapacityReservation' }, usdPerHour },
    { attributes: { ...plain, preInstalledSw: 'SQL Std' }, usdPerHour: usdPerHour * 3 },
  ];
}

/** An entry in the shape of the offer files: a product, and its terms by codes. */
function document({ attributes, usdPerHour }: Entry): object {
  const sku = createHash('sha256')
    .update(JSON.stringify(attributes))
    .digest('hex')
    .slice(0, 16)
    .toUpperCase();
  const term = `${sku}.JRTCKXETXF`;
  const rate = `${term}.6YS6EN2CT7`;
  const description = `$${usdPerHour} per On Demand ${attributes['operatingSystem']} ${attributes['instanceType']} Instance Hour`;
  return {
    product: { productFamily: 'Compute Instance', attributes, sku },
    serviceCode: 'AmazonEC2',
    terms: {
      OnDemand: {
        [term]: {
          priceDimensions: {
            [rate]: {
              unit: 'Hrs',
              endRange: 'Inf',
              description,
              appliesTo: [],
              rateCode: rate,
              beginRange: '0',
              pricePerUnit: { USD: usdPerHour.toFixed(10) },
            },
          },
          sku,
          effectiveDate: '2026-07-01T00:00:00Z',
          offerTermCode: 'JRTCKXETXF',
          termAttributes: {},
        },
      },
    },
    version: '20260720191021',
    publicationDate: '2026-07-20T19:10:21Z',
  };
}

function refusal(
  code: string,
  message: string,
): { readonly status: number; readonly content: string } {
  const content = JSON.stringify({ __type: `com.amazonaws.pricing#${code}`, Message: message });
  return { status: code === 'InternalErrorException' ? 500 : 400, content };
}

/** A token belongs to the question that it came with. */
function tokenOf(offset: number, filters: readonly Filter[]): string {
  return Buffer.from(`${offset}:${digestOf(filters)}`).toString('base64');
}

function offsetOf(token: string, filters: readonly Filter[]): number | null {
  const [offset, digest] = Buffer.from(token, 'base64').toString().split(':');
  return digest === digestOf(filters) ? Number(offset) : null;
}

function digestOf(filters: readonly Filter[]): string {
  return createHash('sha256').update(JSON.stringify(filters)).digest('hex').slice(0, 16);
}
