import { blockerKey, ruleOf } from '../blockers';
import { temporaryRejections, type Rejection, type RejectionCode } from '../decision';

/** One kind of reason for which a decision refuses offers, and how often it does. */
export interface ReasonKind {
  readonly key: string;
  readonly code: RejectionCode;
  readonly ruleId: string | null;
  readonly isLasting: boolean;
  count: number;
}

/**
 * Reasons are counted in one number for each offer: how many there are in the lowest bits, how many of them last above, and in
 * the highest bits the sum of the numbers of those that last. That sum is of use only where it has one summand, and may run over.
 */
const COUNT_BITS = 10;
const LASTING_SHIFT = COUNT_BITS;
const NUMBER_SHIFT = 2 * COUNT_BITS;
const COUNT_MASK = (1 << COUNT_BITS) - 1;

/** The most reasons that one offer can have, and the most kinds of them, for which such a number has room. */
export const MAX_REASONS = COUNT_MASK;
export const MAX_REASON_KINDS = (1 << (32 - NUMBER_SHIFT)) - 1;

export const reasonsIn = (packed: number): number => packed & COUNT_MASK;
export const lastingIn = (packed: number): number => (packed >>> LASTING_SHIFT) & COUNT_MASK;
/** The number of the kind, where exactly one reason lasts. */
export const onlyLastingIn = (packed: number): number => packed >>> NUMBER_SHIFT;

/** The kinds of reasons of one decision, numbered from 0. */
export class ReasonTally {
  private constructor(
    readonly kinds: ReasonKind[],
    private readonly numbers: Map<string, number>,
  ) {}

  static empty(): ReasonTally {
    return new ReasonTally([], new Map());
  }

  /** One that goes on from here, and leaves this one as it is. */
  forked(): ReasonTally {
    return new ReasonTally(
      this.kinds.map((kind) => ({ ...kind })),
      new Map(this.numbers),
    );
  }

  numberOf(code: RejectionCode, ruleId: string | null): number {
    const key = blockerKey(code, ruleId);
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    this.numbers.set(key, this.kinds.length);
    const isLasting = !temporaryRejections.has(code);
    return this.kinds.push({ key, code, ruleId, isLasting, count: 0 }) - 1;
  }

  numbersOf(reasons: readonly Rejection[]): readonly number[] {
    return reasons.map((reason) => this.numberOf(reason.code, ruleOf(reason)));
  }

  /** Counts the reasons once for each of so many offers. */
  count(numbers: readonly number[], offers: number): void {
    for (const number of numbers) {
      const kind = this.kinds[number];
      if (kind !== undefined) kind.count += offers;
    }
  }

  packed(numbers: readonly number[]): number {
    let packed = 0;
    for (const number of numbers)
      packed += this.kinds[number]?.isLasting === true ? lastingOne(number) : 1;
    return packed | 0;
  }
}

function lastingOne(number: number): number {
  return (1 + (1 << LASTING_SHIFT) + (number << NUMBER_SHIFT)) | 0;
}
