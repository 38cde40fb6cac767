const MICROS_PER_USD = 1_000_000;
const MICROS_PER_CENT = 10_000;
const WHOLE_CENTS_FROM_MICROS = 100_000;
const SMALLEST_SHOWN_MICROS = 100;

/** Money for people: whole cents from ten cents on, down to hundredths of a cent below. */
export function dollars(microUsd: number | null): string {
  if (microUsd === null) return '–';
  const sign = microUsd < 0 ? '-' : '';
  const micros = Math.abs(microUsd);
  if (micros > 0 && micros < SMALLEST_SHOWN_MICROS) return `${sign}<$0.0001`;
  const isFine = micros < WHOLE_CENTS_FROM_MICROS && micros % MICROS_PER_CENT !== 0;
  const amount = (micros / MICROS_PER_USD).toLocaleString('en-US', {
    minimumFractionDigits: 2,
    maximumFractionDigits: isFine ? 4 : 2,
  });
  return `${sign}$${amount}`;
}

export const perHour = (microUsd: number): string => `${dollars(microUsd)}/h`;

/** `62 %` of the whole; empty where there is no whole. */
export function share(part: number, whole: number): string {
  return whole === 0 ? '' : `${Math.round((100 * part) / whole)} %`;
}

const spans = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'm', ms: 60_000 },
  { unit: 's', ms: 1_000 },
] as const;

/** A length of time in its one or two largest units: `2d 3h`, `45s`. */
export function duration(durationMs: number): string {
  const first = spans.findIndex(({ ms }) => durationMs >= ms);
  if (first < 0) return '0s';
  let restMs = durationMs;
  const parts = spans.slice(first, first + 2).map(({ unit, ms }) => {
    const count = Math.floor(restMs / ms);
    restMs -= count * ms;
    return count === 0 ? '' : `${count}${unit}`;
  });
  return parts.filter((part) => part !== '').join(' ');
}

/** A moment as seen from now: `5m ago`, `in 2h`, `just now`. */
export function relative(at: string, nowMs: number): string {
  const agoMs = nowMs - Date.parse(at);
  if (Math.abs(agoMs) < 1_000) return 'just now';
  return agoMs > 0 ? `${duration(agoMs)} ago` : `in ${duration(-agoMs)}`;
}

/** `1 offer`, `3 offers`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}
