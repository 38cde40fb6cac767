import { z } from 'zod';
import { complianceRegimes, dataClasses } from '#libs/domain';
import { readDataUri } from './syntax/data-uri';
import { readDuration } from './syntax/duration';
import { readMoney, readPricePerHour } from './syntax/money';
import { readQuantity, readRange, storage, type Measure } from './syntax/quantity';
import { listParts, quoted, read, refuse, type Reading } from './syntax/reading';

/** Bounds of what one job may carry; the whole body is bounded besides. */
export const MAX_LIST_ENTRIES = 64;
export const MAX_PATH_CHARACTERS = 1_024;
const MAX_URI_CHARACTERS = 4_096;
const MAX_WORD_CHARACTERS = 256;
/** NUL is the one character that no process can be given. */
const NO_NUL = new RegExp(`^[^${String.fromCharCode(0)}]*$`);
/** One line: no control characters. */
const ONE_LINE = /^\P{Cc}*$/u;
/** Set by the router for every workload. */
const RESERVED_ENV = 'FAIRLEAD_';

/** A schema for what people write, followed by its reading; what cannot be read becomes an issue with a remedy. */
export function written<In extends z.ZodType, Out>(
  schema: In,
  readOne: (value: z.output<In>) => Reading<Out>,
) {
  return schema.transform((value, context): Out => {
    const reading = readOne(value);
    if (reading.ok) return reading.value;
    const params = { code: 'unreadable', remedy: reading.remedy };
    context.issues.push({ code: 'custom', message: reading.message, params, input: value });
    return z.NEVER;
  });
}

/** Text that satisfies `pattern`, or a problem in words instead of a regular expression. */
export function word(pattern: RegExp, max: number, is: string, remedy: string) {
  return (text: string): Reading<string> =>
    pattern.test(text) && text.length <= max ? read(text) : refuse(`${quoted(text)} ${is}`, remedy);
}

export const durationField = (description: string, examples: readonly string[]) =>
  written(z.string().meta({ description, examples: [...examples] }), readDuration);

const moneyForms = (description: string, example: string) =>
  z
    .union([
      z.string(),
      z.strictObject({ amount: z.union([z.string(), z.number()]), currency: z.string() }),
    ])
    .meta({ description, examples: [example, { amount: '2.50', currency: 'USD' }] });

export const moneyField = (description: string) =>
  written(moneyForms(description, '$25.00'), readMoney);

export const pricePerHourField = (description: string) =>
  written(moneyForms(description, '$2.50'), readPricePerHour);

export const rangeField = (
  measure: Measure,
  description: string,
  examples: readonly (string | number)[],
) =>
  written(
    z.union([z.string(), z.number()]).meta({ description, examples: [...examples] }),
    (value) => readRange(value, measure),
  );

export const sizeField = (description: string, example: string) =>
  written(z.union([z.string(), z.number()]).meta({ description, examples: [example] }), (value) =>
    readQuantity(typeof value === 'string' ? value.replace(/\+$/, '') : value, storage),
  );

/** A list, or the same as one text with commas. */
export const listForms = (
  description: string,
  examples: readonly (string | string[])[],
  max = MAX_LIST_ENTRIES,
) =>
  z
    .union([z.string(), z.array(z.string()).max(max)])
    .meta({ description, examples: [...examples] });

export const complianceField = written(
  listForms('Regimes that the place must be certified for.', ['hipaa', ['gdpr', 'soc2']]),
  (value) => readWords(value, complianceRegimes),
);

/** Words from a closed list, without repetition, in the order of the list. */
export function readWords<Word extends string>(
  value: string | readonly string[],
  known: readonly Word[],
): Reading<readonly Word[]> {
  const texts = (typeof value === 'string' ? listParts(value) : value).map((text) =>
    text.trim().toLowerCase(),
  );
  const unknown = texts.find((text) => !known.some((candidate) => candidate === text));
  if (unknown !== undefined)
    return refuse(`${quoted(unknown)} is not known here`, `use ${known.join(', ')}`);
  return read(known.filter((candidate) => texts.includes(candidate)));
}

/** Relative to the working directory or absolute; never upwards, never a file in `/` itself. */
export function readPath(text: string): Reading<string> {
  const remedy = 'write a path such as "data/train.bin" or "/data/train.bin"';
  if (text === '' || text.length > MAX_PATH_CHARACTERS || !ONE_LINE.test(text))
    return refuse(`${quoted(text)} is not a path`, remedy);
  const segments = text.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) return refuse(`${quoted(text)} leads upwards`, remedy);
  const absolute = text.startsWith('/');
  if (segments.length === 0) return refuse(`${quoted(text)} names no file`, remedy);
  return read(`${absolute ? '/' : ''}${segments.join('/')}`);
}

/** As `readPath`, for single files: one in `/` itself could not be shared between machine and container. */
export function readFilePath(text: string): Reading<string> {
  const path = readPath(text);
  if (!path.ok || !/^\/[^/]+$/.test(path.value)) return path;
  return refuse(`${quoted(text)} lies in / itself`, `put it into a directory: /data${path.value}`);
}

/** `https:` or `http:` without credentials, or `data:` for a few bytes. */
export function readSourceUri(uri: string): Reading<string> {
  if (/^data:/i.test(uri)) {
    const inline = readDataUri(uri);
    return inline.ok ? read(uri) : inline;
  }
  const remedy = 'write an https: address, or data: for up to 256 KiB';
  if (uri.length > MAX_URI_CHARACTERS || /\s/.test(uri) || !URL.canParse(uri))
    return refuse(`${quoted(uri)} is not an address`, remedy);
  const { protocol, username, password } = new URL(uri);
  if (protocol !== 'https:' && protocol !== 'http:')
    return refuse(`addresses with ${protocol} cannot be fetched`, remedy);
  if (username !== '' || password !== '')
    return refuse(
      'the address contains credentials',
      'use a signed address, or fetch it in the job with a secret',
    );
  return read(uri);
}

export const pathField = (description: string, example: string) =>
  written(z.string().meta({ description, examples: [example] }), readPath);
export const filePathField = (description: string, example: string) =>
  written(z.string().meta({ description, examples: [example] }), readFilePath);

export const dataClassField = z.enum(dataClasses);

/** A short text on one line, such as a cost centre. */
export const lineField = (description: string, example: string) =>
  written(
    z.string().meta({ description, examples: [example] }),
    word(/^\P{Cc}+$/u, MAX_WORD_CHARACTERS, 'is not a short line', 'shorten it to one line'),
  );

export const argumentField = written(
  z.string(),
  word(NO_NUL, MAX_URI_CHARACTERS * 16, 'contains a NUL character or is too long', 'remove it'),
);

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** Names to values; `readName` judges the names, and a bad one points at its own entry. */
export function mapField<Out>(
  example: Readonly<Record<string, string>>,
  description: string,
  readName: (name: string) => Reading<string>,
  readValue: (value: string) => Reading<Out>,
) {
  return z
    .record(z.string(), scalar)
    .meta({ description, examples: [example] })
    .transform((entries, context): Readonly<Record<string, Out>> => {
      const read: [string, Out][] = [];
      if (Object.keys(entries).length > MAX_LIST_ENTRIES)
        report(context, [], `has more than ${MAX_LIST_ENTRIES} entries`, 'remove some');
      for (const [name, raw] of Object.entries(entries)) {
        const key = readName(name);
        const value = readValue(String(raw));
        if (!key.ok) report(context, [name], key.message, key.remedy);
        else if (!value.ok) report(context, [name], value.message, value.remedy);
        else read.push([key.value, value.value]);
      }
      return Object.fromEntries(read);
    });
}

function report(
  context: z.core.ParsePayload,
  path: readonly string[],
  message: string,
  remedy: string,
): void {
  const params = { code: 'unreadable', remedy };
  context.issues.push({
    code: 'custom',
    message,
    params,
    path: [...path],
    input: context.value,
  });
}

const envName = word(
  /^[A-Za-z_][A-Za-z0-9_]*$/,
  MAX_WORD_CHARACTERS,
  'is not a name for an environment variable',
  'use letters, digits and _, and begin with a letter',
);

export function readEnvName(name: string): Reading<string> {
  if (name.toUpperCase().startsWith(RESERVED_ENV))
    return refuse(`names with ${RESERVED_ENV} belong to the router`, 'choose another name');
  return envName(name);
}

export const readEnvValue = word(
  NO_NUL,
  MAX_URI_CHARACTERS * 16,
  'contains a NUL character or is too long',
  'remove it',
);

/** The router reads `-` as `_` and small letters as capitals: with this one spelling no two names mean the same variable. */
export const readSecretName = word(
  /^[a-z0-9][a-z0-9-]*$/,
  MAX_WORD_CHARACTERS,
  'is not the name of a secret',
  'name a secret that the router holds, in small letters, digits and -; its value never belongs into a job',
);

export const readLabelName = word(
  /^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,98}[A-Za-z0-9])?$/,
  100,
  'is not a label name',
  'use letters, digits and . _ / -',
);

export const readLabelValue = word(
  ONE_LINE,
  MAX_WORD_CHARACTERS,
  'is not a label value',
  'shorten it to one line',
);
