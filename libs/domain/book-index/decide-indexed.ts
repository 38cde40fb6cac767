import { mostFirst, MAX_RELAXATIONS, MAX_REMOVALS, type Blockers } from '../blockers';
import { constraints } from '../constraints';
import { costReads } from '../cost';
import { decide } from '../decide';
import {
  ENGINE_VERSION,
  temporaryRejections,
  type DecisionSummary,
  type RankedOffer,
  type RejectionCode,
} from '../decision';
import { KEPT, summarise, type SummaryLimits } from '../explain';
import type { MeasuredReliability, Reliability } from '../health';
import type { Baseline } from '../job';
import {
  baselineOf,
  economicRefusals,
  economicsReadPrice,
  fallbackOf,
  isCautious,
  judge,
  policyInForce,
  prepare,
  priced,
  settled,
  type DecisionScene,
  type Expectation,
  type Judged,
  type Prepared,
  type Priced,
} from '../judge';
import type { MicroUsd } from '../money';
import type { Offer } from '../offer';
import { limitReads, profileRefusals, refusalsOfLimit } from '../policy-limits';
import type { Board } from './board';
import { axesOf, groupingOf, type Grouping } from './grouping';
import type { OfferIndex } from './offer-index';
import { PolicyDesk, seatOf, type Seat } from './policy-plan';
import { lastingIn, MAX_REASON_KINDS, MAX_REASONS, type ReasonTally } from './reasons';
import { scan, type Scan } from './scan';
import { cheapest } from './selection';
import { suspendedIn, type Suspended } from './suspended';
import type { SupplyClasses } from './supply-classes';

/** What is kept of a decision, and the first few offers of it that nobody takes back, whatever their rank. */
export interface KeptDecision {
  readonly summary: DecisionSummary;
  readonly reserves: readonly RankedOffer[];
}

/** How many offers that nobody takes back a decision keeps. */
export const RESERVES_KEPT = 3;

/** The same from the definition. */
export function keptDecision(
  scene: DecisionScene,
  offers: readonly Offer[],
  limits: SummaryLimits = KEPT,
): KeptDecision {
  const decision = decide({ ...scene, offers });
  const steady = decision.ranked.filter(({ offer }) => !offer.interruptible);
  return { summary: summarise(decision, limits), reserves: steady.slice(0, RESERVES_KEPT) };
}

/**
 * `keptDecision` of an indexed book, without a look at most of the offers: what many have in common is asked once, answers that
 * policies have given before are remembered, and costs are worked out only for offers that may be among the first. Gives the
 * same for every input as long as what is declared of constraints, costs and policies is true. Only offers that are kept are
 * judged in full, by the definition's own functions.
 */
export function decideIndexed(
  index: OfferIndex,
  scene: DecisionScene,
  limits: SummaryLimits = KEPT,
): KeptDecision {
  if (mayOverflow(scene)) return keptDecision(scene, index.offers, limits);
  return new IndexedDecision(index, scene, limits).kept();
}

const MEASURES_OF_A_LIMIT = 5;
/** The reasons of profiles and of economics. */
const OTHER_REASONS = 5;

/** Whether an offer might have more reasons than can be counted. */
function mayOverflow({ policy }: DecisionScene): boolean {
  const limits = policy.limits?.length ?? 0;
  const each = constraints.length + OTHER_REASONS + policy.rules.length;
  return each + MEASURES_OF_A_LIMIT * limits > MAX_REASONS || each + 2 * limits > MAX_REASON_KINDS;
}

/** One decision on its way. */
class IndexedDecision {
  private readonly classes: SupplyClasses;
  private readonly desk: PolicyDesk;
  private readonly seat: Seat;
  private readonly prepared: Prepared;
  private readonly board: Board;
  private readonly costGroups: Grouping;
  private suspended: Suspended | null = null;

  constructor(
    private readonly index: OfferIndex,
    private readonly scene: DecisionScene,
    private readonly limits: SummaryLimits,
  ) {
    const { policy, job, nowMs, health } = scene;
    this.classes = index.catalogue.supply.classes(health, index.numbers.supply);
    this.seat = seatOf(index);
    const around = { nowMs, reliabilityOf: (offer: Offer) => this.reliabilityOf(offer) };
    this.desk = new PolicyDesk(index, this.classes, scene);
    const plan = this.desk.plan(around);
    this.board = plan.board.forked();
    const inForce = policyInForce(policy, job, nowMs, plan.rules);
    const seated = {
      ...inForce,
      limits: inForce.limits.map((limit) => ({
        ...limit,
        covers: this.desk.remembered(limit, limit.covers),
      })),
      charges: inForce.charges.map((charge) => ({
        ...charge,
        holds: this.desk.remembered(charge, charge.holds),
      })),
    };
    const ready = prepare(scene, { inForce: seated, around });
    this.prepared = { ...ready, expect: rememberedExpectations(ready.expect) };
    this.costGroups = groupingOf(index, this.costAxes());
  }

  kept(): KeptDecision {
    this.askConstraints();
    this.askLimits();
    this.askEconomics();
    const packed = this.board.settle();
    const found = scan(packed, this.suspended, this.limits);
    const fallback = this.fallback(packed);
    const rank = (count: number, isWanted: (offer: Offer) => boolean): readonly RankedOffer[] =>
      this.ranked(packed, fallback, count, isWanted);
    return {
      summary: {
        engine: ENGINE_VERSION,
        ranked: rank(this.limits.ranked, () => true),
        rankedCount: packed.length - found.rejectedCount,
        rejectedCount: found.rejectedCount,
        ...countsIn(this.board.tally),
        nearestMisses: found.nearest.map((at) => {
          const { ranked, reasons } = this.judged(at);
          const { id: offerId, pricePerHour } = ranked.offer;
          return { offerId, pricePerHour, reasons };
        }),
        awaited: found.awaited.map((at) => this.offerAt(at).id),
        awaitedUntilMs: found.awaitedUntilMs,
        baseline: this.baseline(packed),
        ...this.blockers(found),
      },
      reserves: rank(RESERVES_KEPT, ({ interruptible }) => !interruptible),
    };
  }

  private askConstraints(): void {
    const { board, index, classes, prepared } = this;
    for (const { reads, refuse, speaks } of constraints) {
      if (!speaks(prepared)) continue;
      const asked = (offer: Offer): readonly number[] => {
        const reason = refuse(offer, prepared);
        return reason === null ? NO_REASONS : board.tally.numbersOf([reason]);
      };
      const [only] = reads;
      if (reads.includes('id')) this.askSuspensions();
      else if (reads.length > 1 || (only !== 'available' && only !== 'pricePerHour'))
        board.ask(axesOf(index, classes, reads, false), asked);
      else if (only === 'available') board.askAvailable(asked);
      else board.askRising(groupingOf(index, axesOf(index, classes, [], false)), asked);
    }
  }

  private askSuspensions(): void {
    this.suspended = suspendedIn(this.index, this.prepared.suspensions);
    const { places, offers } = this.suspended;
    this.board.addTo(places, offers, [this.board.tally.numberOf('suspended', null)]);
  }

  private askLimits(): void {
    const { board, index, classes, prepared } = this;
    for (const limit of prepared.limits) {
      const asked = (offer: Offer, at: number): readonly number[] => {
        this.seat.position = at;
        return board.tally.numbersOf(refusalsOfLimit(limit, offer, prepared));
      };
      const axes = this.desk.axesOf(limit, limitReads);
      if (axes === null) board.ask(null, asked);
      else board.askRising(groupingOf(index, axes), asked);
    }
    const { interruptible, minReliability } = prepared.profile;
    if (interruptible === null && minReliability === null) return;
    board.ask(axesOf(index, classes, ['interruptible'], minReliability !== null), (offer) =>
      board.tally.numbersOf(profileRefusals(offer, prepared)),
    );
  }

  private askEconomics(): void {
    const { board, costGroups, prepared } = this;
    const asked = (offer: Offer, at: number): readonly number[] => {
      this.seat.position = at;
      return board.tally.numbersOf(economicRefusals(priced(offer, prepared), prepared));
    };
    if (economicsReadPrice(prepared.job)) board.askRising(costGroups, asked);
    else board.askFirst(costGroups, asked);
  }

  /** What tells apart offers that cost differently at one price. */
  private costAxes() {
    const { charges, facts } = this.prepared;
    const reads = new Set<keyof Offer>(costReads(facts));
    for (const charge of charges) {
      const fields = this.desk.fieldsOf(charge);
      if (fields === null) return null;
      for (const field of fields) reads.add(field);
    }
    return axesOf(this.index, this.classes, [...reads], true);
  }

  private reliabilityOf(offer: Offer): MeasuredReliability {
    const { position } = this.seat;
    const isSeated = this.index.offers[position] === offer;
    return this.classes.reliabilityOf(offer, isSeated ? this.index.supply[position] : undefined);
  }

  private pricedAt(at: number): Priced {
    this.seat.position = at;
    return priced(this.offerAt(at), this.prepared);
  }

  private judged(at: number): Judged {
    this.seat.position = at;
    return judge(this.offerAt(at), this.prepared);
  }

  private offerAt(at: number): Offer {
    const offer = this.index.offers[at];
    if (offer === undefined) throw new RangeError(`there is no offer at ${at}`);
    return offer;
  }

  private firstOf(group: number): Offer {
    return this.offerAt(this.costGroups.order[this.costGroups.starts[group] ?? 0] ?? 0);
  }

  private isReliableGroup(group: number): boolean {
    return isCautious(this.firstOf(group));
  }

  /** The price of the cheapest reliable offer of each group is all that it takes. */
  private fallback(packed: Int32Array): MicroUsd | null {
    const { baseline } = this.prepared.job;
    if (baseline !== undefined && baseline !== null) return fallbackOf([], this.prepared.job);
    const { size, starts, order } = this.costGroups;
    const reliable: Offer[] = [];
    for (let group = 0; group < size; group += 1) {
      if (!this.isReliableGroup(group)) continue;
      const slots = order.subarray(starts[group], starts[group + 1]);
      const first = slots.find((at) => lastingIn(packed[at] ?? 0) === 0);
      if (first !== undefined) reliable.push(this.offerAt(first));
    }
    return fallbackOf(reliable, this.prepared.job);
  }

  private baseline(packed: Int32Array): Baseline | null {
    const best = cheapest<Priced>(this.costGroups, {
      count: 1,
      takes: (group) => this.isReliableGroup(group),
      isOpen: (at) => lastingIn(packed[at] ?? 0) === 0,
      priceAt: (at) => this.offerAt(at).pricePerHour,
      costAt: (at) => {
        const item = this.pricedAt(at);
        return { cost: item.listCost, id: item.ranked.offer.id, item };
      },
    });
    return baselineOf(best);
  }

  private ranked(
    packed: Int32Array,
    fallback: MicroUsd | null,
    count: number,
    isWanted: (offer: Offer) => boolean,
  ): readonly RankedOffer[] {
    return cheapest<RankedOffer>(this.costGroups, {
      count,
      takes: (group) => isWanted(this.firstOf(group)),
      isOpen: (at) => packed[at] === 0,
      priceAt: (at) => this.offerAt(at).pricePerHour,
      costAt: (at) => {
        const item = settled(this.pricedAt(at), this.prepared, fallback);
        return { cost: item.expectedCost, id: item.offer.id, item };
      },
    });
  }

  private blockers({ passingCount, alone }: Scan): Blockers {
    const { kinds } = this.board.tally;
    const lasting = kinds.filter(({ isLasting, count }) => isLasting && count > 0);
    const removals = lasting.map(
      ({ key, code, ruleId, count: offers }) => [key, { code, ruleId, offers }] as const,
    );
    const single = [...alone].flatMap(([number, one]) => {
      const kind = kinds[number];
      return one === undefined || kind === undefined ? [] : [[kind.key, one] as const];
    });
    return {
      passingCount,
      removals: mostFirst(new Map(removals), MAX_REMOVALS),
      relaxations: mostFirst(new Map(single), MAX_RELAXATIONS).flatMap((one) => {
        const { ranked, reasons } = this.judged(one.cheapest);
        const reason = reasons.find(({ code }) => !temporaryRejections.has(code));
        if (reason === undefined) return [];
        const { offers, offersNow } = one;
        const { id: cheapestId, pricePerHour: cheapestPerHour } = ranked.offer;
        return [{ reason, offers, offersNow, cheapest: cheapestId, cheapestPerHour }];
      }),
    };
  }
}

const NO_REASONS: readonly number[] = [];

function countsIn({ kinds }: ReasonTally) {
  const rejectionCounts: Partial<Record<RejectionCode, number>> = {};
  const ruleCounts: Record<string, number> = {};
  for (const { code, ruleId, count } of kinds) {
    if (count === 0) continue;
    rejectionCounts[code] = (rejectionCounts[code] ?? 0) + count;
    if (ruleId !== null) ruleCounts[ruleId] = (ruleCounts[ruleId] ?? 0) + count;
  }
  return { rejectionCounts, ruleCounts };
}

/** Offers of one class share their reliability, and with it how the work goes there. */
function rememberedExpectations(expect: Prepared['expect']): Prepared['expect'] {
  const known = new Map<Reliability, Expectation>();
  return (reliability) => {
    const before = known.get(reliability);
    if (before !== undefined) return before;
    const expectation = expect(reliability);
    known.set(reliability, expectation);
    return expectation;
  };
}
