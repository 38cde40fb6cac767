import type { Offer } from '../offer';

export type OfferField = keyof Offer;

/** What an offer is, whoever sells it where: few of these are different from each other in a book. */
export const whatFields: readonly OfferField[] = [
  'providerId',
  'providerKind',
  'instanceType',
  'market',
  'gpu',
  'cpus',
  'memoryGib',
  'diskGb',
  'interruptible',
  'source',
  'settlementToken',
  'billing',
  'egressPerGb',
  'startupMs',
  'certifications',
  'slaBps',
  'confidential',
  'consumerHardware',
  'features',
];

/** Where an offer is, whose machine it is, and what whoever asks about a place asks about besides. */
export const whereFields: readonly OfferField[] = [
  'providerId',
  'region',
  'country',
  'hostedBy',
  'certifications',
  'features',
];

/** Whether all of `fields` are among `known`. */
export function areAmong(fields: readonly OfferField[], known: readonly OfferField[]): boolean {
  return fields.every((field) => known.includes(field));
}

/**
 * Small numbers for offers that are alike in some fields. Numbers are given once and never taken back, so that what was found
 * out of one holds for all books that are numbered by the same dictionary.
 */
export class Dictionary {
  /** One offer for each number. It may have gone from the book; in the fields of the dictionary it is like those that are there. */
  readonly specimens: Offer[] = [];
  private readonly ids = new Map<string, number>();
  private readonly projections = new Map<string, Projection>();

  constructor(readonly fields: readonly OfferField[]) {}

  get size(): number {
    return this.specimens.length;
  }

  encode(offer: Offer): number {
    const key = keyOf(offer, this.fields);
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    this.ids.set(key, this.size);
    return this.specimens.push(offer) - 1;
  }

  /** The number under the text of `keyOf`, or null. */
  idOf(key: string): number | null {
    return this.ids.get(key) ?? null;
  }

  /** The values of some of the fields, for the first so many numbers at least. */
  projection(fields: readonly OfferField[], upTo: number): Projection {
    const name = fields.join(' ');
    let known = this.projections.get(name);
    if (known === undefined) {
      known = new Projection(fields);
      this.projections.set(name, known);
    }
    known.catchUp(this.specimens, upTo);
    return known;
  }
}

/** A dictionary of fewer fields over the numbers of another. */
export class Projection {
  /** By number of the other; longer than needed. */
  of = new Uint32Array(0);
  private readonly values: Dictionary;
  private known = 0;

  constructor(fields: readonly OfferField[]) {
    this.values = new Dictionary(fields);
  }

  get size(): number {
    return this.values.size;
  }

  get specimens(): readonly Offer[] {
    return this.values.specimens;
  }

  /** The value of offers that have these in the fields, in their order; null when there is none. */
  valueOf(...parts: readonly (string | number | boolean | null)[]): number | null {
    return this.values.idOf(parts.length === 1 ? JSON.stringify(parts[0]) : JSON.stringify(parts));
  }

  catchUp(specimens: readonly Offer[], upTo: number): void {
    if (this.known >= upTo) return;
    this.of = grown(this.of, upTo);
    for (; this.known < upTo; this.known += 1) {
      const specimen = specimens[this.known];
      if (specimen !== undefined) this.of[this.known] = this.values.encode(specimen);
    }
  }
}

/** The same numbers in an array of at least `size`, with room to grow. */
export function grown(column: Uint32Array<ArrayBuffer>, size: number): Uint32Array<ArrayBuffer> {
  if (column.length >= size) return column;
  const longer = new Uint32Array(size * 2);
  longer.set(column);
  return longer;
}

/** Text that is the same for offers that are alike in the fields. */
function keyOf(offer: Offer, fields: readonly OfferField[]): string {
  const [only] = fields;
  if (fields.length === 1 && only !== undefined) return JSON.stringify(offer[only]) ?? '';
  return JSON.stringify(fields.map((field) => offer[field]));
}
