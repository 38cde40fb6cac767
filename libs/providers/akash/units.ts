import { MS_PER_HOUR, microUsd, type MicroUsd } from '#libs/domain';

/**
 * How long a block lasts, as the Console API assumes. Akash prices are per block, so this turns them into prices per hour;
 * real blocks drift by a few per cent. Short blocks make an hour dearer, so the shorter of the two published figures is taken.
 */
export const BLOCK_MS = 6_000;

const DECIMALS = 18;
const SCALE = 10n ** BigInt(DECIMALS);

/** A chain decimal such as `3333.333333333333333333` as an integer of 10^-18 units, or null when it is not one. */
export function parseChainDecimal(text: string): bigint | null {
  const match = /^(\d{1,30})(?:\.(\d{1,18}))?$/.exec(text);
  if (match === null) return null;
  const [, whole = '0', fraction = ''] = match;
  return BigInt(whole) * SCALE + BigInt(fraction.padEnd(DECIMALS, '0'));
}

/**
 * What `uactPerBlock` costs in an hour, rounded up to the micro-dollar. One ACT is pegged to one dollar, so one uact is one
 * micro-dollar. Null when the text is not a chain decimal or is too large to be a price.
 */
export function microUsdPerHour(uactPerBlock: string, blockMs: number): MicroUsd | null {
  const scaled = parseChainDecimal(uactPerBlock);
  if (scaled === null) return null;
  const perHour = divideUp(scaled * BigInt(MS_PER_HOUR), BigInt(blockMs) * SCALE);
  return perHour > BigInt(Number.MAX_SAFE_INTEGER) ? null : microUsd(Number(perHour));
}

/** The most whole uact per block that stay within `pricePerHour`; rounded down, so the ceiling is never exceeded. */
export function uactPerBlockWithin(pricePerHour: MicroUsd, blockMs: number): number {
  return Number((BigInt(pricePerHour) * BigInt(blockMs)) / BigInt(MS_PER_HOUR));
}

function divideUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}
