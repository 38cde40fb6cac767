import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';

/** A trace file that is missing or malformed; the message names file, line and column. */
export class TraceFileError extends Error {
  constructor(file: string, line: number, column: string | number, detail: string) {
    super(`${file}, line ${line}, column ${column}: ${detail}`);
  }
}

const TIME = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:\d\d)?$/;

/** One row of a csv file whose cells are read by column name, and which says where a cell that cannot be read is. */
export class CsvRow {
  constructor(
    private readonly file: string,
    readonly line: number,
    private readonly cells: Readonly<Record<string, string>>,
  ) {}

  has(column: string): boolean {
    return (this.cells[column] ?? '') !== '';
  }

  text(column: string): string {
    const cell = this.cells[column];
    if (cell === undefined) this.refuse(column, 'the column is missing');
    return cell;
  }

  /** A finite number at least `least`. */
  number(column: string, least = -Infinity): number {
    const cell = this.text(column);
    const value = Number(cell);
    if (cell.trim() === '' || !Number.isFinite(value) || value < least) {
      const bound = least === -Infinity ? '' : ` of at least ${least}`;
      this.refuse(column, `wants a number${bound}, got "${cell}"`);
    }
    return value;
  }

  whole(column: string): number {
    const value = this.number(column, 0);
    if (!Number.isSafeInteger(value)) this.refuse(column, `wants a whole number, got ${value}`);
    return value;
  }

  oneOf<T extends string>(column: string, choices: readonly T[]): T {
    const cell = this.text(column);
    const choice = choices.find((one) => one === cell);
    if (choice === undefined)
      this.refuse(column, `wants one of ${choices.join(', ')}, got "${cell}"`);
    return choice;
  }

  /** A moment in seconds since 1970; one without an offset is taken as UTC. */
  timeS(column: string): number {
    const [, date, time, offset = 'Z'] = TIME.exec(this.text(column).trim()) ?? [];
    const ms = Date.parse(`${date}T${time}${offset}`);
    if (Number.isNaN(ms)) this.refuse(column, `wants a time, got "${this.text(column)}"`);
    return ms / 1000;
  }

  refuse(column: string, detail: string): never {
    throw new TraceFileError(this.file, this.line, column, detail);
  }
}

/** A csv file with a header line. Refuses a file without the columns, without rows, or with a row of another length. */
export function readCsv(file: string, columns: readonly string[]): readonly CsvRow[] {
  const records = parseCsv(file);
  const header = records[0];
  if (header === undefined) throw new TraceFileError(file, 1, 1, 'the file is empty');
  const missing = columns.find((column) => !header.record.includes(column));
  if (missing !== undefined) throw new TraceFileError(file, 1, missing, 'the column is missing');
  if (records.length === 1) throw new TraceFileError(file, 2, 1, 'there are no rows');
  return records.slice(1).map(({ record, line }) => {
    if (record.length !== header.record.length) {
      const at = Math.min(record.length, header.record.length) + 1;
      const detail = `the row has ${record.length} cells and the header ${header.record.length}`;
      throw new TraceFileError(file, line, at, detail);
    }
    const cells = Object.fromEntries(header.record.map((name, at) => [name, record[at] ?? '']));
    return new CsvRow(file, line, cells);
  });
}

/** The names of a csv file's columns, in order. */
export function columnsOf(file: string): readonly string[] {
  return parseCsv(file, 1)[0]?.record ?? [];
}

const csvProblem = z.object({
  message: z.string(),
  records: z.number().default(0),
  column: z.union([z.string(), z.number()]).default(0),
});

interface CsvRecord {
  readonly record: readonly string[];
  readonly line: number;
}

const csvRecords = z.array(
  z.object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) }),
);

function parseCsv(file: string, limit?: number): readonly CsvRecord[] {
  const text = readText(file);
  try {
    const parsed: unknown = parse(text, {
      info: true,
      bom: true,
      relax_column_count: true,
      skip_empty_lines: true,
      ...(limit !== undefined && { to: limit }),
    });
    return csvRecords.parse(parsed).map(({ record, info }) => ({ record, line: info.lines }));
  } catch (cause) {
    const problem = csvProblem.safeParse(cause);
    if (!problem.success) throw cause;
    // Rows are lines: the problem is in the row after those that could be read, wherever reading gave up.
    const { records, column, message } = problem.data;
    throw new TraceFileError(
      file,
      records + 1,
      typeof column === 'number' ? column + 1 : column,
      message,
    );
  }
}

/** A JSON file of a shape. */
export function readJson<T>(file: string, shape: z.ZodType<T>): T {
  const text = readText(file);
  const parsed = shape.safeParse(parseJson(file, text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path ?? [];
  const { line, column } = placeOf(text, path);
  const where = path.length === 0 ? `${column}` : `${column} (${path.join('.')})`;
  throw new TraceFileError(file, line, where, issue?.message ?? 'the shape is not as expected');
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const position = Number(/position (\d+)/.exec(message)?.[1] ?? text.length);
    const { line, column } = lineAndColumn(text, position);
    throw new TraceFileError(file, line, column, message);
  }
}

/** Where in a JSON text the value of a path begins, as nearly as its keys tell. */
function placeOf(text: string, path: readonly PropertyKey[]): { line: number; column: number } {
  let position = 0;
  for (const key of path) {
    const found = typeof key === 'string' ? text.indexOf(`${JSON.stringify(key)}`, position) : -1;
    if (found >= 0) position = found;
  }
  return lineAndColumn(text, position);
}

function lineAndColumn(text: string, position: number): { line: number; column: number } {
  const before = text.slice(0, position).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const detail = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new TraceFileError(file, 1, 1, `cannot be read (${detail})`);
  }
}

/** The names of the files in a folder, in order; a folder that is not there is an error. */
export function filesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) throw new TraceFileError(folder, 1, 1, 'there is no such folder');
  return readdirSync(folder).sort();
}

const bits = z.string().regex(/^[01]+$/, 'wants one 0 or 1 per tick');

const seriesFile = z.object({
  gap_seconds: z.number().positive(),
  tick_offset_of_first_char: z.number().int().nonnegative().default(0),
  on_demand_usd_h: z.number().positive().optional(),
  spot_usd_h: z.number().positive().optional(),
  series: z.record(z.string(), bits),
});

/** Availability of single zones over two weeks. */
export interface SeriesFile {
  readonly tickS: number;
  /** The tick that the first character of each series stands for. */
  readonly firstTick: number;
  readonly onDemandUsdPerHour: number | null;
  readonly spotUsdPerHour: number | null;
  readonly series: ReadonlyMap<string, Uint8Array>;
}

export function readSeries(file: string): SeriesFile {
  const read = readJson(file, seriesFile);
  return {
    tickS: read.gap_seconds,
    firstTick: read.tick_offset_of_first_char,
    onDemandUsdPerHour: read.on_demand_usd_h ?? null,
    spotUsdPerHour: read.spot_usd_h ?? null,
    series: new Map(Object.entries(read.series).map(([name, text]) => [name, bytesOf(text)])),
  };
}

const zoneFile = z.object({
  zone: z.string().min(2),
  gap_seconds: z.number().positive(),
  on_demand_usd_h: z.number().positive(),
  available: bits,
  spot_price_rle: z.array(z.tuple([z.number().nonnegative(), z.number().int().positive()])),
});

/** One zone with moving prices. */
export interface ZoneFile {
  readonly zone: string;
  readonly tickS: number;
  readonly onDemandUsdPerHour: number;
  readonly available: Uint8Array;
  readonly spotUsdPerHour: Float64Array;
}

export function readZone(file: string): ZoneFile {
  const read = readJson(file, zoneFile);
  const available = bytesOf(read.available);
  const spotUsdPerHour = new Float64Array(available.length);
  let tick = 0;
  for (const [usd, count] of read.spot_price_rle) {
    spotUsdPerHour.fill(usd, tick, tick + count);
    tick += count;
  }
  if (tick !== available.length) {
    const detail = `prices of ${tick} ticks for availability of ${available.length}`;
    const { line, column } = placeOf(readText(file), ['spot_price_rle']);
    throw new TraceFileError(file, line, `${column} (spot_price_rle)`, detail);
  }
  const { zone, gap_seconds: tickS, on_demand_usd_h: onDemandUsdPerHour } = read;
  return { zone, tickS, onDemandUsdPerHour, available, spotUsdPerHour };
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => (character === '1' ? 1 : 0));
}

/** How many of the VMs asked for could be had, per probe and zone. */
export interface LaunchCounts {
  readonly rowS: number;
  readonly rows: number;
  /** The hour of the day, where the probes were scheduled, of the first row. */
  readonly startHour: number;
  readonly countsByZone: ReadonlyMap<string, Uint16Array>;
}

const NOT_A_ZONE = ['scheduled_at', 'status'];
const MINUTE_S = 60;

export function readLaunchCounts(file: string): LaunchCounts {
  const rows = readCsv(file, ['scheduled_at']);
  const zones = columnsOf(file).filter((column) => !NOT_A_ZONE.includes(column));
  const countsByZone = new Map(
    zones.map((zone) => [zone, Uint16Array.from(rows, (row) => row.whole(zone))]),
  );
  return { rowS: rowSpacingS(rows), rows: rows.length, startHour: startHourOf(rows), countsByZone };
}

/** The median time between rows, in whole minutes: probes are scheduled by the minute and run when they run. */
function rowSpacingS(rows: readonly CsvRow[]): number {
  const times = rows.map((row) => row.timeS('scheduled_at'));
  const gaps = times.slice(1).map((time, at) => time - (times[at] ?? time));
  const median = gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0;
  const spacingS = Math.round(median / MINUTE_S) * MINUTE_S;
  if (spacingS <= 0) rows[0]?.refuse('scheduled_at', 'wants rows at least a minute apart');
  return spacingS;
}

/** Read off the text, which is in local time. */
function startHourOf([first]: readonly CsvRow[]): number {
  const [, hour = '0', minute = '0'] =
    /T(\d\d):(\d\d)/.exec(first?.text('scheduled_at') ?? '') ?? [];
  return Number(hour) + Number(minute) / 60;
}

/** Egress prices between regions, as `from>to`, in USD per GB. */
export function readEgress(folder: string): ReadonlyMap<string, number> {
  const file = join(folder, 'prices', 'aws_egress_pricing.csv');
  const rows = readCsv(file, ['from_region', 'to_region', 'price_usd_per_gb']);
  return new Map(
    rows.map((row) => [
      `${row.text('from_region')}>${row.text('to_region')}`,
      row.number('price_usd_per_gb', 0),
    ]),
  );
}
