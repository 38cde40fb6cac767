/** Money is an integer number of micro-dollars (1 USD = 1,000,000), safe up to 9 billion USD. */
declare const moneyBrand: unique symbol;
export type MicroUsd = number & { readonly [moneyBrand]: true };

export const MICROS_PER_USD = 1_000_000;
export const MS_PER_HOUR = 3_600_000;

/** Brand an integer as money; a fraction or an unsafe number is a broken assumption. */
export function microUsd(amount: number): MicroUsd {
  if (!Number.isSafeInteger(amount))
    throw new RangeError(`money must be a safe integer of micro-dollars, got ${amount}`);
  return amount as MicroUsd;
}

/** The one place where a formula computed in double becomes money: half up, never negative zero. */
export function roundToMicroUsd(amount: number): MicroUsd {
  return microUsd(Math.floor(amount + 0.5) + 0);
}

/** The most that an estimate can amount to, 900 million dollars: ten such terms still add up exactly. */
export const MAX_ESTIMATE = microUsd(9e14);

/** For estimates, which may grow without bound: like `roundToMicroUsd`, but held between zero and `MAX_ESTIMATE`. */
export function estimatedMicroUsd(amount: number): MicroUsd {
  return roundToMicroUsd(Math.min(MAX_ESTIMATE, Math.max(0, amount)));
}

/** Dollars (as people write them in prices) to money, rounded to the nearest micro-dollar. */
export function usd(dollars: number): MicroUsd {
  return roundToMicroUsd(dollars * MICROS_PER_USD);
}

export const ZERO_USD = microUsd(0);

export function sumUsd(amounts: readonly MicroUsd[]): MicroUsd {
  return microUsd(amounts.reduce((total, amount) => total + amount, 0));
}

/**
 * What `durationMs` at `pricePerHour` costs, rounded up to the micro-dollar so that we never under-charge. Exact for every
 * price: the product of a dear cluster's rate and an hour of milliseconds does not fit a double.
 */
export function costOf(pricePerHour: MicroUsd, durationMs: number): MicroUsd {
  const hourMs = BigInt(MS_PER_HOUR);
  const product = BigInt(pricePerHour) * BigInt(Math.ceil(durationMs));
  return microUsd(Number((product + hourMs - 1n) / hourMs));
}

/** For people: `$1.2345`, at least two and at most six decimals. */
export function formatUsd(amount: MicroUsd): string {
  const digits = (Math.abs(amount) / MICROS_PER_USD).toFixed(6).replace(/0{1,4}$/, '');
  return `${amount < 0 ? '-' : ''}$${digits}`;
}
