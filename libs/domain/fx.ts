import { estimatedMicroUsd, type MicroUsd } from './money';

/** What one source says a unit of a token (or of a currency such as EUR) is worth, in dollars. */
export interface FxQuote {
  readonly source: string;
  readonly usd: number;
}

/** The rate that enough sources agree on, and how much it moves. */
export interface FxRate {
  /** Micro-dollars for one whole token, so a token below a tenth of a cent is known to three digits at best. */
  readonly usdMicro: MicroUsd;
  /** When the sources were last heard to agree, epoch ms. A last good rate keeps its time, so its age shows. */
  readonly readAtMs: number;
  /** Standard deviation of the daily log return (0.07 is 7 % a day), or null while the history is too short to measure it. */
  readonly sigmaDaily: number | null;
  /** Who agreed, by name. */
  readonly sources: readonly string[];
}

/** Rates by token symbol in capitals. A token without a rate is absent. */
export type FxSnapshot = Readonly<Record<string, FxRate>>;

/** How far a source may be from the middle, and how many must be near it. */
export interface AgreementRules {
  /** A source is rejected when it is further from the median than this many scaled MADs… */
  readonly maxMads: number;
  /** …and further than this share of the median, in basis points: where all sources are close together, a hair is no outlier. */
  readonly toleranceBps: number;
  /** A source this far from the median is rejected whatever the spread of the others. */
  readonly maxDeviationBps: number;
  /** So many sources must be left. */
  readonly quorum: number;
}

/** Three scaled MADs are three standard deviations of a normal sample; half a per cent is what exchanges differ by on a quiet day. */
export const AGREEMENT: AgreementRules = {
  maxMads: 3,
  toleranceBps: 50,
  maxDeviationBps: 500,
  quorum: 2,
};

export type Agreement =
  | {
      readonly ok: true;
      readonly usd: number;
      readonly sources: readonly string[];
      readonly rejected: readonly string[];
    }
  | { readonly ok: false; readonly reason: 'no-quorum'; readonly rejected: readonly string[] };

/** Makes the MAD of a normal sample its standard deviation (1 / 0.6745). */
const MAD_SCALE = 1.4826;
const BPS = 10_000;
const DAY_MS = 86_400_000;

/** The middle value, or the mean of the two in the middle; null for none. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? null : lower + (upper - lower) / 2;
}

/** The median distance from the median, unscaled; null for no values. A robust measure of spread. */
export function medianAbsoluteDeviation(values: readonly number[]): number | null {
  const middle = median(values);
  return middle === null ? null : median(values.map((value) => Math.abs(value - middle)));
}

/**
 * The median of the sources that are left when outliers are rejected, or a refusal when fewer than a quorum agree. Quotes that
 * are not positive numbers are rejected first. Two sources that disagree reject each other, since nobody can say which lies.
 */
export function agreedRate(
  quotes: readonly FxQuote[],
  rules: AgreementRules = AGREEMENT,
): Agreement {
  const numbers = quotes.filter(({ usd }) => Number.isFinite(usd) && usd > 0);
  const values = numbers.map(({ usd }) => usd);
  const limit = furthest(values, rules);
  const middle = median(values) ?? 0;
  const kept = numbers.filter(({ usd }) => Math.abs(usd - middle) <= limit);
  const rejected = quotes.filter((quote) => !kept.includes(quote)).map(({ source }) => source);
  const usd = median(kept.map((quote) => quote.usd));
  if (usd === null || kept.length < rules.quorum)
    return { ok: false, reason: 'no-quorum', rejected: rejected.sort() };
  return {
    ok: true,
    usd,
    sources: kept.map(({ source }) => source).sort(),
    rejected: rejected.sort(),
  };
}

/** How far from the median a quote may be, in dollars. */
function furthest(values: readonly number[], rules: AgreementRules): number {
  const middle = median(values) ?? 0;
  const spread = (medianAbsoluteDeviation(values) ?? 0) * MAD_SCALE * rules.maxMads;
  const floor = (middle * rules.toleranceBps) / BPS;
  const ceiling = (middle * rules.maxDeviationBps) / BPS;
  return Math.min(Math.max(spread, floor), ceiling);
}

/** A rate at a moment. */
export interface RatePoint {
  readonly atMs: number;
  readonly usdMicro: number;
}

/** Fewer daily returns than this say nothing about volatility. */
export const MIN_RETURNS = 5;

/**
 * Standard deviation of the daily log return, from the last rate of each UTC day. Drift is taken as zero, which a few weeks
 * cannot measure anyway; over a gap of several days the variance is spread over all of them. Null with fewer than
 * `MIN_RETURNS` returns. Points need no order; those that are not positive are left out.
 */
export function dailySigma(points: readonly RatePoint[]): number | null {
  const closes = dailyCloses(points);
  let squares = 0;
  let days = 0;
  for (let i = 1; i < closes.length; i += 1) {
    const [before, after] = [closes[i - 1], closes[i]];
    if (before === undefined || after === undefined) continue;
    squares += Math.log(after.usdMicro / before.usdMicro) ** 2;
    days += dayOf(after.atMs) - dayOf(before.atMs);
  }
  return closes.length <= MIN_RETURNS ? null : Math.sqrt(squares / days);
}

function dailyCloses(points: readonly RatePoint[]): readonly RatePoint[] {
  const closes = new Map<number, RatePoint>();
  for (const point of points) {
    const known = closes.get(dayOf(point.atMs));
    if (point.usdMicro > 0 && (known === undefined || known.atMs <= point.atMs))
      closes.set(dayOf(point.atMs), point);
  }
  return [...closes.values()].sort((a, b) => a.atMs - b.atMs);
}

function dayOf(atMs: number): number {
  return Math.floor(atMs / DAY_MS);
}

/** Between quote and settlement, and how sure one wants to be that the token does not lose more. */
export interface HaircutTerms {
  readonly untilSettledMs: number;
  /** Standard deviations; 1.645 is one-sided 95 %. */
  readonly z: number;
}

/** One-sided 95 % over the day between a quote and a daily settlement. */
export const HAIRCUT: HaircutTerms = { untilSettledMs: DAY_MS, z: 1.645 };

/** For a token whose volatility is not measured yet: above the highest daily figure measured for compute tokens (HNT, 7.7 %). */
export const UNMEASURED_SIGMA = 0.08;

/** No haircut is larger than this: the price counts ten times over. */
const MAX_HAIRCUT = 9;

/**
 * By what share a price fixed in a token is raised, because settlement comes later and the token may have moved against us by
 * then: `h = exp(z * sigma * sqrt(dt)) - 1`, `sigma` per day, `dt` in days; a log-normal walk's quantile. From 0 to 9.
 */
export function tokenHaircut(sigmaDaily: number, terms: HaircutTerms = HAIRCUT): number {
  const days = Math.max(0, terms.untilSettledMs) / DAY_MS;
  return Math.min(MAX_HAIRCUT, Math.exp(terms.z * sigmaDaily * Math.sqrt(days)) - 1);
}

/** The haircut of a settlement token in basis points: 0 for fiat (null), `UNMEASURED_SIGMA` where nothing is measured. */
export function tokenHaircutBps(
  token: string | null,
  fx: FxSnapshot,
  terms: HaircutTerms = HAIRCUT,
): number {
  if (token === null) return 0;
  const sigma = fx[token.toUpperCase()]?.sigmaDaily ?? UNMEASURED_SIGMA;
  return Math.round(tokenHaircut(sigma, terms) * BPS);
}

/** A rate in dollars as stored. */
export function rateInMicroUsd(usdPerUnit: number): MicroUsd {
  return estimatedMicroUsd(usdPerUnit * 1_000_000);
}
