import { MICROS_PER_USD, microUsd, type MicroUsd } from '#libs/domain';
import { quoted, read, refuse, type Reading } from './reading';

/** Written out: the amount apart from its currency. */
export interface WrittenMoney {
  readonly amount: string | number;
  readonly currency: string;
}

/** More than any job or budget: a billion dollars. */
const MAX_USD = 1_000_000_000;
const AMOUNT = /^(\d{1,10})(?:\.(\d{1,6}))?$/;
const DOLLARS = /^\$\s?(\d[\d.]*)$/;
const CODE_AFTER = /^(\d[\d.]*)\s?([A-Za-z]{3})$/;
const CODE_BEFORE = /^([A-Za-z]{3})\s?(\d[\d.]*)$/;
const PER_HOUR = /\s?(?:\/|per)\s?(?:h|hr|hour)$/i;
const REMEDY = 'write it with its currency, for example "$2.50" or "2.50 USD"';

/** `$2.50`, `2.50 USD`, or amount and currency apart: exact micro-dollars, never negative. */
export function readMoney(written: string | WrittenMoney): Reading<MicroUsd> {
  if (typeof written !== 'string') return readAmount(String(written.amount), written.currency);
  const text = written.trim();
  const dollars = DOLLARS.exec(text);
  if (dollars !== null) return readAmount(dollars[1] ?? '', 'USD');
  const after = CODE_AFTER.exec(text);
  if (after !== null) return readAmount(after[1] ?? '', after[2] ?? '');
  const before = CODE_BEFORE.exec(text);
  if (before !== null) return readAmount(before[2] ?? '', before[1] ?? '');
  return refuse(`${quoted(text)} is not an amount of money with a currency`, REMEDY);
}

/** As `readMoney`; `$2.50/h` is understood too. */
export function readPricePerHour(written: string | WrittenMoney): Reading<MicroUsd> {
  return readMoney(typeof written === 'string' ? written.trim().replace(PER_HOUR, '') : written);
}

/** Digits become micro-dollars as text, so that no amount is bent by binary fractions. */
function readAmount(amount: string, currency: string): Reading<MicroUsd> {
  if (currency.toUpperCase() !== 'USD')
    return refuse(`the currency ${quoted(currency)} is not supported`, 'write the amount in USD');
  const digits = AMOUNT.exec(amount);
  if (digits === null)
    return refuse(`${quoted(amount)} is not an amount with at most six decimals`, REMEDY);
  const whole = Number(digits[1]);
  if (whole >= MAX_USD) return refuse(`${quoted(amount)} is too much`, 'write less than a billion');
  return read(microUsd(whole * MICROS_PER_USD + Number((digits[2] ?? '').padEnd(6, '0'))));
}

/** `2.50 USD`, exact: reads as the same amount. */
export function formatMoney(amount: MicroUsd): string {
  const whole = Math.floor(amount / MICROS_PER_USD);
  const micros = String(amount % MICROS_PER_USD).padStart(6, '0');
  return `${whole}.${micros.replace(/0{1,4}$/, '')} USD`;
}
