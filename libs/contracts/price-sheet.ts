import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { interconnects, markets, sheetOfferId, type PriceSheet, type SheetRow } from '#libs/domain';
import { fieldProblems, type FieldProblem } from './field-problem';
import { closest } from './syntax/suggest';

/** Rows of one sheet; a contract has a few dozen. */
export const MAX_SHEET_ROWS = 5_000;
export const MAX_SHEET_CHARACTERS = 1024 * 1024;
const MAX_PRICE = 1_000_000;
const MICROS = 1_000_000;

const name = (description: string, example: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'may hold letters, digits, dots, _ and - only')
    .meta({ description, examples: [example] });
const whole = (description: string, example: number, least = 1) =>
  z
    .int()
    .min(least)
    .max(1_000_000)
    .optional()
    .meta({ description, examples: [example] });

/** One line of a price sheet as people write it: flat, so that a spreadsheet has a column for each field. */
export const sheetRowSchema = z
  .strictObject({
    provider: name('An existing provider.', 'acme'),
    region: name('Its name for the region.', 'us-east-1'),
    instanceType: name('Its name for the machine.', 'p5.48xlarge'),
    market: z
      .enum(markets)
      .prefault('on-demand')
      .meta({ examples: ['on-demand'] }),
    pricePerHour: z
      .number()
      .positive()
      .max(MAX_PRICE)
      .meta({ description: 'Of the whole machine, in the currency.', examples: [38.4] }),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'must be a currency code such as USD')
      .prefault('USD')
      .meta({ description: 'ISO 4217; others than USD are converted.', examples: ['USD', 'EUR'] }),
    quantity: whole('How many machines the contract has.', 4),
    cpus: whole('For a machine that the provider does not list itself.', 192),
    memoryGib: whole('For a machine that the provider does not list itself.', 2_048),
    diskGb: whole('For a machine that the provider does not list itself.', 100),
    gpuModel: name('For an added machine with GPUs.', 'H100').optional(),
    gpuCount: whole('For an added machine with GPUs.', 8),
    gpuMemoryGib: whole('Of each GPU.', 80),
    interconnect: z
      .enum(interconnects)
      .optional()
      .meta({ examples: ['nvlink'] }),
    country: z
      .string()
      .regex(/^[A-Z]{2}$/, 'must be a country code such as US')
      .optional()
      .meta({ description: 'ISO 3166-1; of an added machine.', examples: ['US'] }),
  })
  .superRefine(demandWholeShapes)
  .meta({ id: 'PriceSheetRow' });
type WrittenRow = z.output<typeof sheetRowSchema>;

const moment = (description: string) =>
  z
    .union([z.iso.date(), z.iso.datetime()], { error: 'must be a day or a moment in UTC' })
    .meta({ description, examples: ['2027-01-01'] });

/** A price sheet as people write it. */
export const priceSheetSchema = z
  .strictObject({
    validFrom: moment('In force from then on; at once by default.').optional(),
    validUntil: moment('In force until just before; for good by default.').optional(),
    rows: z.array(sheetRowSchema).min(1).max(MAX_SHEET_ROWS),
  })
  .superRefine(demandOrderAndNoRepeats)
  .meta({
    id: 'PriceSheet',
    description: 'Capacity bought by contract, at the prices agreed on.',
    examples: [
      {
        validUntil: '2027-01-01',
        rows: [{ provider: 'acme', region: 'north', instanceType: 'h100-8', pricePerHour: 38.4 }],
      },
    ],
  });

export const sheetValiditySchema = z.strictObject({
  validFrom: moment('For a CSV sheet: in force from then on; at once by default.').optional(),
  validUntil: moment(
    'For a CSV sheet: in force until just before; for good by default.',
  ).optional(),
});

export type ReadSheet =
  | { readonly ok: true; readonly sheet: PriceSheet }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/** A sheet from a document of any notation, or everything that is wrong with it. `nowMs` is where one without a start begins. */
export function readPriceSheet(sheetName: string, document: unknown, nowMs: number): ReadSheet {
  const nameProblem = nameProblemOf(sheetName);
  const result = priceSheetSchema.safeParse(document, { reportInput: true });
  if (!result.success || nameProblem !== null)
    return {
      ok: false,
      problems: [
        ...(nameProblem === null ? [] : [nameProblem]),
        ...(result.success ? [] : fieldProblems(priceSheetSchema, result.error)),
      ],
    };
  const { validFrom, validUntil, rows } = result.data;
  return {
    ok: true,
    sheet: {
      name: sheetName,
      validFromMs: validFrom === undefined ? nowMs : Date.parse(validFrom),
      validUntilMs: validUntil === undefined ? null : Date.parse(validUntil),
      rows: rows.map(rowOf),
    },
  };
}

/** The same from CSV with a line of column names; each problem says its line and column. */
export function readCsvSheet(
  sheetName: string,
  csv: string,
  validity: z.output<typeof sheetValiditySchema>,
  nowMs: number,
): ReadSheet {
  const table = readCsv(csv);
  if (!table.ok) return table;
  const read = readPriceSheet(sheetName, { ...validity, rows: table.rows }, nowMs);
  return read.ok ? read : { ok: false, problems: read.problems.map(inTable(table.lines)) };
}

type Cells = Readonly<Record<string, string | number>>;
type Table =
  | { readonly ok: true; readonly rows: readonly Cells[]; readonly lines: readonly number[] }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

const columns = Object.keys(sheetRowSchema.shape);
const numeric: ReadonlySet<string> = new Set([
  'pricePerHour',
  'quantity',
  'cpus',
  'memoryGib',
  'diskGb',
  'gpuCount',
  'gpuMemoryGib',
]);

/** What the parser gives with `info`: each record, and the line that it ends on. */
const recordsSchema = z.array(
  z.object({ record: z.array(z.string()), info: z.object({ lines: z.int() }) }),
);

function readCsv(csv: string): Table {
  if (csv.length > MAX_SHEET_CHARACTERS)
    return unreadable('too-large', `longer than ${MAX_SHEET_CHARACTERS} characters`);
  try {
    const parsed: unknown = parse(csv, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      comment: '#',
      info: true,
      max_record_size: 10_000,
    });
    const [header, ...body] = recordsSchema.parse(parsed);
    const names = (header?.record ?? []).map(fieldNamed);
    const problems = headerProblems(header?.record ?? [], names);
    if (problems.length > 0) return { ok: false, problems };
    return {
      ok: true,
      rows: body.map(({ record }) => cellsOf(names, record)),
      lines: body.map(({ info }) => info.lines),
    };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return unreadable('not-readable', `not valid CSV: ${error.message}`);
  }
}

/** `price_per_hour` and `Price per hour` are `pricePerHour`. */
function fieldNamed(heading: string): string {
  const words = heading.trim().split(/[\s_-]+/);
  const joined = words
    .map(
      (part, index) =>
        (index === 0 ? part.charAt(0).toLowerCase() : part.charAt(0).toUpperCase()) + part.slice(1),
    )
    .join('');
  return columns.find((column) => column.toLowerCase() === joined.toLowerCase()) ?? joined;
}

function headerProblems(
  headings: readonly string[],
  names: readonly string[],
): readonly FieldProblem[] {
  return names.flatMap((column, index) => {
    const pointer = `/columns/${index}`;
    const heading = JSON.stringify((headings[index] ?? '').slice(0, 60));
    if (!columns.includes(column)) {
      const guess = closest(column, columns);
      const remedy =
        guess === null ? `known are ${columns.join(', ')}` : `did you mean "${guess}"?`;
      return [
        {
          pointer,
          code: 'unknown-column',
          message: `line 1: there is no column ${heading}`,
          remedy,
        },
      ];
    }
    return names.indexOf(column) === index
      ? []
      : [
          {
            pointer,
            code: 'duplicate-column',
            message: `line 1: the column ${heading} is there twice`,
            remedy: 'keep one of them',
          },
        ];
  });
}

/** Empty cells are left out; what is no number where one belongs stays text, so that the schema complains about it. */
function cellsOf(names: readonly string[], record: readonly string[]): Cells {
  return Object.fromEntries(
    names.flatMap((column, index): readonly (readonly [string, string | number])[] => {
      const text = record[index] ?? '';
      if (text === '') return [];
      const value = Number(text);
      return [[column, numeric.has(column) && Number.isFinite(value) ? value : text]];
    }),
  );
}

function inTable(lines: readonly number[]): (problem: FieldProblem) => FieldProblem {
  return (problem) => {
    const [, row, column] = /^\/rows\/(\d+)(?:\/([^/]+))?/.exec(problem.pointer) ?? [];
    const line = row === undefined ? undefined : lines[Number(row)];
    if (line === undefined) return problem;
    const place = column === undefined ? `line ${line}` : `line ${line}, column ${column}`;
    return { ...problem, message: `${place}: ${problem.message}` };
  };
}

function unreadable(code: string, message: string): Table {
  return { ok: false, problems: [{ pointer: '', code, message, remedy: 'correct the text' }] };
}

function nameProblemOf(sheetName: string): FieldProblem | null {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(sheetName)) return null;
  const message = `${JSON.stringify(sheetName.slice(0, 60))} is not a name`;
  return { pointer: '/name', code: 'invalid', message, remedy: 'use a-z, 0-9 and -, at most 63' };
}

function rowOf(row: WrittenRow): SheetRow {
  const { provider, region, instanceType, market, pricePerHour, currency, quantity } = row;
  return {
    provider,
    region,
    instanceType,
    market,
    microPerHour: Math.round(pricePerHour * MICROS),
    currency,
    quantity: quantity ?? null,
    shape: shapeOf(row),
  };
}

function shapeOf(row: WrittenRow): SheetRow['shape'] {
  const { cpus, memoryGib, diskGb, country } = row;
  if (cpus === undefined || memoryGib === undefined || diskGb === undefined) return null;
  return { cpus, memoryGib, diskGb, gpu: gpuOf(row), country: country ?? null };
}

function gpuOf(row: WrittenRow): NonNullable<SheetRow['shape']>['gpu'] {
  const { gpuModel: model, gpuCount: count, gpuMemoryGib: memoryGib, interconnect } = row;
  if (model === undefined || count === undefined || memoryGib === undefined) return null;
  return { model, count, memoryGib, interconnect: interconnect ?? 'any' };
}

const machine = ['cpus', 'memoryGib', 'diskGb'] as const;
const gpu = ['gpuModel', 'gpuCount', 'gpuMemoryGib'] as const;

/** A machine is described as a whole or not at all, and so are its GPUs. */
function demandWholeShapes(row: object, context: z.RefinementCtx): void {
  const has = (field: string): boolean => field in row && Reflect.get(row, field) !== undefined;
  const hasGpu = gpu.some(has) || has('interconnect');
  const wanted = [
    ...(hasGpu ? gpu : []),
    ...(hasGpu || has('country') || machine.some(has) ? machine : []),
  ];
  for (const field of wanted.filter((each) => !has(each)))
    context.addIssue({
      code: 'custom',
      path: [field],
      message: 'is needed where a machine is described',
      params: { code: 'required', remedy: 'describe the whole machine, or leave its shape out' },
    });
}

function demandOrderAndNoRepeats(
  sheet: {
    readonly validFrom?: string | undefined;
    readonly validUntil?: string | undefined;
    readonly rows: readonly WrittenRow[];
  },
  context: z.RefinementCtx,
): void {
  const { validFrom, validUntil } = sheet;
  if (
    validFrom !== undefined &&
    validUntil !== undefined &&
    Date.parse(validUntil) <= Date.parse(validFrom)
  )
    context.addIssue({
      code: 'custom',
      path: ['validUntil'],
      message: 'ends before it begins',
      params: { code: 'invalid', remedy: 'write a moment after validFrom' },
    });
  const seen = new Set<string>();
  sheet.rows.forEach((row, index) => {
    const id = sheetOfferId(rowOf(row));
    if (seen.has(id))
      context.addIssue({
        code: 'custom',
        path: ['rows', index],
        message: `${id} is there twice`,
        params: { code: 'duplicate-row', remedy: 'keep one of them' },
      });
    seen.add(id);
  });
}
