/** What a row of the report says: a figure of ours beside the limit that was measured in the same run. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly limit: number;
  /** 1 is as good as the limit: value / limit of a rate, limit / value of a time or a size. */
  readonly ratio: number;
  /** What the figure should stay below, where that was said beforehand. */
  readonly aim?: number;
  /** The same figure of the plain definition of what was measured, in the same run. */
  readonly definition?: number;
  /** Whether both said the same, of everything that was compared. */
  readonly equal?: boolean;
}

/** How many calls were made in how much time, and how long each of them took. */
export interface Timing {
  readonly count: number;
  readonly tookMs: number;
  readonly latenciesMs: readonly number[];
}

const DIGITS = 4;

export function rateRow(name: string, unit: string, value: number, limit: number): Row {
  return row(name, unit, value, limit, value / limit);
}

export function timeRow(name: string, valueMs: number, limitMs: number): Row {
  return row(name, 'ms', valueMs, limitMs, limitMs / valueMs);
}

export function sizeRow(name: string, valueMib: number, limitMib: number): Row {
  return row(name, 'MiB', valueMib, limitMib, limitMib / valueMib);
}

/** A row beside the definition. */
export function besideDefinition(
  one: Row,
  {
    definitionMs,
    ...rest
  }: { readonly definitionMs: number; readonly equal: boolean; readonly aim?: number },
): Row {
  return { ...one, ...rest, definition: rounded(definitionMs) };
}

function row(name: string, unit: string, value: number, limit: number, ratio: number): Row {
  return { name, value: rounded(value), unit, limit: rounded(limit), ratio: rounded(ratio) };
}

function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS));
}

export function perSecond({ count, tookMs }: Timing): number {
  return (count * 1_000) / tookMs;
}

/** The smallest of the values that `share` (0 to 1) of them do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (found === undefined) throw new RangeError('nothing was measured');
  return found;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Calls `act` `count` times, one after the other. */
export function timeEach(count: number, act: (n: number) => unknown): readonly number[] {
  return Array.from({ length: count }, (_, n) => {
    const startedMs = performance.now();
    act(n);
    return performance.now() - startedMs;
  });
}

/** Calls `act` `count` times, `width` of them under way at any time. Each `lane`, from 0 on, has one call at a time. */
export async function timeTogether(
  count: number,
  width: number,
  act: (lane: number) => Promise<unknown>,
): Promise<Timing> {
  const latenciesMs: number[] = [];
  let begun = 0;
  const goOn = async (lane: number): Promise<void> => {
    while (begun < count) {
      begun += 1;
      const startedMs = performance.now();
      await act(lane);
      latenciesMs.push(performance.now() - startedMs);
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: width }, (_, lane) => goOn(lane)));
  return { count, tookMs: performance.now() - startedMs, latenciesMs };
}
