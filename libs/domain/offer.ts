import type { OfferId, ProviderId } from './ids';
import type { ComplianceRegime, Interconnect } from './job';
import type { MicroUsd } from './money';

export const providerKinds = ['hyperscaler', 'neocloud', 'decentralised'] as const;
export type ProviderKind = (typeof providerKinds)[number];

export const markets = ['on-demand', 'spot', 'marketplace'] as const;
export type Market = (typeof markets)[number];

export interface OfferGpu {
  /** Canonical model, the same words as in a job's request. */
  readonly model: string;
  readonly count: number;
  /** Of each GPU. */
  readonly memoryGib: number;
  readonly interconnect: Interconnect;
}

/** Something buyable: provider, region, shape, price, validity, and the facts that rules ask about. */
export interface Offer {
  /** Stable across refreshes: `provider/region/instance-type/market`. */
  readonly id: OfferId;
  readonly providerId: ProviderId;
  readonly providerKind: ProviderKind;
  readonly region: string;
  /** ISO 3166-1 alpha-2, or null where the provider cannot say. */
  readonly country: string | null;
  readonly instanceType: string;
  readonly market: Market;
  readonly gpu: OfferGpu | null;
  readonly cpus: number;
  readonly memoryGib: number;
  readonly diskGb: number;
  /** The provider may take it back at will. */
  readonly interruptible: boolean;
  readonly pricePerHour: MicroUsd;
  /**
   * Where the price comes from: the id of a price feed, `sheet/<name>`, or a dated list `<name>@2026-07-20`. Absent where it is the
   * provider's own listing. How fresh the source is stands beside the offers, so that reading it again changes no offer.
   */
  readonly source?: string;
  /** The token in which the lease is settled, or null when it is fiat or pegged to it. */
  readonly settlementToken: string | null;
  readonly billing: { readonly incrementMs: number; readonly minimumMs: number };
  readonly egressPerGb: MicroUsd;
  /** Typical time from acquire to a running workload. */
  readonly startupMs: number;
  readonly available: boolean;
  readonly certifications: readonly ComplianceRegime[];
  /** Contractual availability in basis points, or null when nothing enforceable is promised. */
  readonly slaBps: number | null;
  readonly confidential: boolean;
  readonly consumerHardware: boolean;
  /** What the offer is made for beyond plain compute, for example `rendering` or `low-latency`. */
  readonly features: readonly string[];
  /**
   * Whose machines these are where the provider resells another's (a provider id, where there is one of that name), or null
   * for its own. Two networks that sell the same hosts are one failure domain.
   */
  readonly hostedBy: string | null;
  /** The one machine that is offered, in the words of the provider, or null where it picks one itself. */
  readonly hostId: string | null;
  /** How many of it can be had now, or null where the provider does not say. */
  readonly quantity: number | null;
}

/** What fails together: the operator of the machines and the place where they stand. */
export function failureDomainOf({
  hostedBy,
  providerId,
  region,
}: Pick<Offer, 'hostedBy' | 'providerId' | 'region'>): string {
  return `${hostedBy ?? providerId}/${region}`;
}
