import type { JobFacts } from '../job';
import { rulesFor, type DecisionScene } from '../judge';
import type { Offer } from '../offer';
import {
  readsHealth,
  type Circumstances,
  type CompiledPolicy,
  type CompiledRule,
  type FieldsRead,
  type Holds,
} from '../policy';
import { Board } from './board';
import { axesOf, codeAt, codingOf, combinations, type Axis } from './grouping';
import type { Catalogue, OfferIndex } from './offer-index';
import { ReasonTally } from './reasons';
import { Recent } from './recent';
import type { SupplyClasses } from './supply-classes';

/** Answers of rules that are kept; each takes a byte for every group of offers that the rule tells apart. */
const ANSWERS_KEPT = 8_192;
/** Kinds of jobs whose rules are kept ready; each takes up to four bytes for an offer. */
const PLANS_KEPT = 32;

/** The offer whose turn it is: what is known of it is found by its position. One for each book, and one decision at a time. */
export interface Seat {
  position: number;
}

const seats = new WeakMap<OfferIndex, Seat>();

export function seatOf(index: OfferIndex): Seat {
  const seat = seats.get(index) ?? { position: 0 };
  seats.set(index, seat);
  return seat;
}

/** The rules that are about a kind of job, and what they refuse of one book. */
export interface PolicyPlan {
  readonly rules: readonly CompiledRule[];
  readonly board: Board;
}

/** What the parts of one policy have answered about offers that are numbered by one catalogue. */
interface Memory {
  readonly answers: Recent<Remembered>;
  /** By book, so that they go when it does. */
  readonly plans: WeakMap<OfferIndex, Recent<PolicyPlan>>;
  /** Everything that its rules read, or null when some do not say. */
  readonly reads: FieldsRead | null;
  /** Names for parts whose ids are not their own. */
  readonly serials: WeakMap<object, number>;
  named: number;
}

const memories = new WeakMap<Catalogue, WeakMap<CompiledPolicy, Memory>>();

function memoryOf(catalogue: Catalogue, policy: CompiledPolicy): Memory {
  const byPolicy = memories.get(catalogue) ?? new WeakMap<CompiledPolicy, Memory>();
  memories.set(catalogue, byPolicy);
  const known = byPolicy.get(policy);
  if (known !== undefined) return known;
  const made = {
    answers: new Recent<Remembered>(ANSWERS_KEPT),
    plans: new WeakMap<OfferIndex, Recent<PolicyPlan>>(),
    reads: readsOf(policy),
    serials: new WeakMap<object, number>(),
    named: 0,
  };
  byPolicy.set(policy, made);
  return made;
}

function readsOf({ rules }: CompiledPolicy): FieldsRead | null {
  const all = new Set<string>();
  for (const { reads, whenReads } of rules) {
    if (reads === undefined || whenReads === undefined) return null;
    for (const field of [...reads, ...whenReads]) all.add(field);
  }
  return all;
}

/** Something of a policy that is asked about offers. */
interface Asked {
  readonly reads?: FieldsRead;
}

/** Answers to one question about one kind of job, by the combinations that the axes tell apart. 0 is not known yet, 1 no, 2 yes. */
interface Answers {
  readonly axes: readonly Axis[] | null;
  readonly remembered: Remembered;
}

interface Remembered {
  known: Uint8Array;
  /** For a single axis: the values up to which all have been asked, and those among them that were answered no, and yes. */
  askedUpTo: number;
  readonly no: number[];
  readonly yes: number[];
}

function nothingRemembered(size: number): Remembered {
  return { known: new Uint8Array(size), askedUpTo: 0, no: [], yes: [] };
}

const NO = 1;
const YES = 2;

/** Asks the parts of one policy about the offers of one book, each as seldom as can be. */
export class PolicyDesk {
  private readonly memory: Memory;

  constructor(
    private readonly index: OfferIndex,
    private readonly classes: SupplyClasses,
    private readonly scene: Pick<DecisionScene, 'policy' | 'job' | 'nowMs'>,
  ) {
    this.memory = memoryOf(index.catalogue, scene.policy);
  }

  /** The rules that are about the job, with what they refuse; kept for jobs that no rule can tell from this one. */
  plan(around: Circumstances): PolicyPlan {
    const key = this.planKey();
    if (key === null) return this.planned(around);
    const plans = this.memory.plans.get(this.index) ?? new Recent<PolicyPlan>(PLANS_KEPT);
    this.memory.plans.set(this.index, plans);
    return plans.get(key) ?? plans.set(key, this.planned(around));
  }

  private planKey(): string | null {
    const { reads } = this.memory;
    const { policy, job, nowMs } = this.scene;
    if (reads === null) return null;
    const subject = policy.vocabulary?.subjectKey(reads, job, nowMs) ?? null;
    return subject === null || !readsHealth(reads) ? subject : `${this.classes.edition} ${subject}`;
  }

  private planned(around: Circumstances): PolicyPlan {
    const { policy, job, nowMs } = this.scene;
    const board = new Board(this.index, ReasonTally.empty());
    const rules = rulesFor(policy, job, nowMs).map((rule) => {
      const answers = this.answersOf(rule);
      const code = rule.effect === 'require' ? 'policy-requires' : 'policy-forbids';
      const refused = [board.tally.numberOf(code, rule.id)];
      const ask = (offer: Offer, combination: number): boolean =>
        answered(rule.holds, answers, combination, job, offer, around);
      const refusing = rule.effect === 'forbid';
      const [only] = answers.axes ?? [];
      if (answers.axes?.length === 1 && only !== undefined && only.column !== 'supply') {
        const { yes, no } = askedAll(answers.remembered, only, ask);
        board.addValues(only, only.column, refusing ? yes : no, refused);
      } else
        board.ask(answers.axes, (offer, combination) =>
          ask(offer, combination) === refusing ? refused : NO_REASONS,
        );
      return { ...rule, holds: this.seated(rule.holds, answers) };
    });
    return { rules, board };
  }

  /** The same question, answered from what is known for the offer whose turn it is. */
  remembered(part: Asked & object, holds: Holds): Holds {
    return this.seated(holds, this.answersOf(part));
  }

  private seated(holds: Holds, answers: Answers): Holds {
    const { index } = this;
    const seat = seatOf(index);
    return (job, offer, around) => {
      const { position } = seat;
      if (index.offers[position] !== offer) return holds(job, offer, around);
      const combination = answers.axes === null ? position : codeAt(index, answers.axes, position);
      return answered(holds, answers, combination, job, offer, around);
    };
  }

  /** The fields of offers, reliability aside, that an answer can depend on; null for all. */
  fieldsOf({ reads }: Asked): readonly (keyof Offer)[] | null {
    return reads === undefined ? null : (this.scene.policy.vocabulary?.offerFields(reads) ?? null);
  }

  /** What tells apart the offers that can be answered differently; null for the offers themselves. */
  axesOf(part: Asked, alsoReads: readonly (keyof Offer)[] = []): readonly Axis[] | null {
    const { reads } = part;
    const fields = this.fieldsOf(part);
    if (reads === undefined || fields === null) return null;
    return axesOf(this.index, this.classes, [...fields, ...alsoReads], readsHealth(reads));
  }

  private answersOf(part: Asked & object): Answers {
    const { policy, job, nowMs } = this.scene;
    const axes = this.axesOf(part);
    const size = axes === null ? this.index.offers.length : combinations(axes);
    const fields = part.reads;
    const subject =
      axes === null || fields === undefined
        ? null
        : (policy.vocabulary?.subjectKey(fields, job, nowMs) ?? null);
    if (axes === null || fields === undefined || subject === null)
      return { axes, remembered: nothingRemembered(size) };
    const edition = readsHealth(fields) ? this.classes.edition : 0;
    const key = `${this.serialOf(part)} ${edition} ${codingOf(axes)} ${subject}`;
    const { answers } = this.memory;
    const remembered = answers.get(key) ?? answers.set(key, nothingRemembered(size));
    if (remembered.known.length < size) remembered.known = enlarged(remembered.known, size);
    return { axes, remembered };
  }

  private serialOf(part: object): number {
    const known = this.memory.serials.get(part);
    if (known !== undefined) return known;
    this.memory.named += 1;
    this.memory.serials.set(part, this.memory.named);
    return this.memory.named;
  }
}

const NO_REASONS: readonly number[] = [];

function answered(
  holds: Holds,
  { remembered: { known } }: Answers,
  combination: number,
  job: JobFacts,
  offer: Offer,
  around: Circumstances,
): boolean {
  const before = known[combination];
  if (before === NO || before === YES) return before === YES;
  const answer = holds(job, offer, around);
  known[combination] = answer ? YES : NO;
  return answer;
}

/** Asks about the values that nobody has asked about. */
function askedAll(
  remembered: Remembered,
  { size, specimens }: Axis,
  ask: (offer: Offer, value: number) => boolean,
): Remembered {
  for (; remembered.askedUpTo < size; remembered.askedUpTo += 1) {
    const value = remembered.askedUpTo;
    const specimen = specimens[value];
    if (specimen === undefined) continue;
    (ask(specimen, value) ? remembered.yes : remembered.no).push(value);
  }
  return remembered;
}

function enlarged(known: Uint8Array, size: number): Uint8Array {
  const larger = new Uint8Array(size);
  larger.set(known);
  return larger;
}
