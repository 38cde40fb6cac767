import type { GpuAlternative, Range } from '#libs/domain';
import { formatRange, memory, readRange } from './quantity';
import { listParts, quoted, read, readEach, refuse, type Reading } from './reading';

const MAX_ALTERNATIVES = 16;
const MAX_GPUS = 1_024;
const ANY_MEMORY: Range = { min: 0, max: null };

const MODEL = /^[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*$/;
const MAX_MODEL_CHARACTERS = 40;
const COUNT = /^\d{1,6}$/;
const MAKER = /^(?:NVIDIA|AMD|INTEL)-/;
/** Families that people write apart from their number: `RTX 4090`, `RTX-4090`. */
const FAMILY_APART = /^(RTX|GTX|MI)-(?=\d)/;
const MEMORY = /^\d*(?:\.\d+)?\s?(?:[mgt]i?b)?(?:\+|\.\.[\d.]*\s?(?:[mgt]i?b)?)?$/i;
const REMEDY =
  'write model and count such as "H100:8", alternatives such as "A100-80GB,H100:1", or memory such as "24GB..:1"';

interface Part {
  readonly model: string | null;
  readonly memoryGib: Range;
  readonly count: number | null;
}

/**
 * Acceptable GPUs, separated by commas: `model[:memory][:count]` or `memory[:count]`. One without a count takes the count
 * of the next that has one, so that `A100-80GB,H100:2` is two of either; without any it is 1. A number alone is that
 * many of any kind, 0 is none.
 */
export function readGpus(
  written: string | number | readonly string[],
): Reading<readonly GpuAlternative[]> {
  if (typeof written === 'number') return readCountOnly(written);
  if (typeof written === 'string' && COUNT.test(written.trim()))
    return readCountOnly(Number(written));
  const texts = typeof written === 'string' ? listParts(written) : written.flatMap(listParts);
  if (texts.length === 0) return refuse('no GPU is named', `${REMEDY}, or leave the field out`);
  if (texts.length > MAX_ALTERNATIVES)
    return refuse(`more than ${MAX_ALTERNATIVES} alternatives`, 'list fewer alternatives');
  const parts = readEach(texts, readPart);
  return parts.ok ? read(withCounts(parts.value)) : parts;
}

function readCountOnly(count: number): Reading<readonly GpuAlternative[]> {
  if (!Number.isInteger(count) || count < 0 || count > MAX_GPUS)
    return refuse(`${count} is not a number of GPUs`, REMEDY);
  return read(count === 0 ? [] : [{ model: null, count, memoryGib: ANY_MEMORY }]);
}

function readPart(text: string): Reading<Part> {
  const pieces = text.split(':').map((piece) => piece.trim());
  const [first = ''] = pieces;
  const namesModel = !isMemory(first);
  const rest = namesModel ? pieces.slice(1) : pieces;
  const [next = ''] = rest;
  const namesMemory = isMemory(next) && !(namesModel && COUNT.test(next));
  const model = namesModel ? readModel(first) : read(null);
  if (!model.ok) return model;
  const memoryGib = namesMemory ? readRange(next, memory) : read(ANY_MEMORY);
  if (!memoryGib.ok) return memoryGib;
  const count = readCount(namesMemory ? rest.slice(1) : rest, text);
  if (!count.ok) return count;
  return read({ model: model.value, memoryGib: memoryGib.value, count: count.value });
}

function isMemory(text: string): boolean {
  return text !== '' && /\d/.test(text) && MEMORY.test(text);
}

/** The canonical model, as offers name it: upper case, no maker, no blanks. */
function readModel(text: string): Reading<string> {
  const model = text
    .toUpperCase()
    .replace(/[\s_]+/g, '-')
    .replace(MAKER, '')
    .replace(FAMILY_APART, '$1');
  return MODEL.test(model) && model.length <= MAX_MODEL_CHARACTERS
    ? read(model)
    : refuse(`${quoted(text)} is not a GPU model`, REMEDY);
}

function readCount(texts: readonly string[], whole: string): Reading<number | null> {
  const [text] = texts;
  if (text === undefined) return read(null);
  const count = Number(text);
  if (texts.length > 1 || !COUNT.test(text) || count < 1 || count > MAX_GPUS)
    return refuse(`${quoted(whole)} does not end in a count of 1 to ${MAX_GPUS}`, REMEDY);
  return read(count);
}

/** From the last to the first, since a count counts for the alternatives before it. */
function withCounts(parts: readonly Part[]): readonly GpuAlternative[] {
  return parts.reduceRight<readonly GpuAlternative[]>(
    (after, { model, memoryGib, count }) => [
      { model, count: count ?? after[0]?.count ?? 1, memoryGib },
      ...after,
    ],
    [],
  );
}

/** Reads as the same alternatives, each with its own count. */
export function formatGpus(gpus: readonly GpuAlternative[]): string | 0 {
  return gpus.length === 0 ? 0 : gpus.map(formatAlternative).join(',');
}

function formatAlternative({ model, count, memoryGib }: GpuAlternative): string {
  const anyMemory = memoryGib.min === 0 && memoryGib.max === null;
  const range = formatRange(memoryGib, memory);
  if (model === null) return `${range}:${count}`;
  return anyMemory ? `${model}:${count}` : `${model}:${range}:${count}`;
}
