import {
  ENGINE_VERSION,
  type Decision,
  type DecisionInput,
  type RankedOffer,
  type RejectedOffer,
} from './decision';
import { baselineOf, fallbackOf, isReliable, judge, prepare, settled } from './judge';

/**
 * Rank every offer for a job by what finishing there is expected to cost, or say why it cannot serve. Pure, and one pass: an
 * offer's terms depend on that offer alone but for one number, what the work costs at a reliable offer (see `fallbackOf`), which
 * is known when the pass is over. A job that has its baseline already brings that number along, so that removing any offer
 * then changes nothing for the others; at its first decision that holds for every offer but the one that the number is from.
 *
 * This is what a decision is; `decideIndexed` says the same of a book of any size in a fraction of the time.
 */
export function decide(input: DecisionInput): Decision {
  const prepared = prepare(input);
  const judged = input.offers.map((offer) => judge(offer, prepared));
  const reliable = judged.filter(isReliable);
  const fallback = fallbackOf(
    reliable.map(({ ranked }) => ranked.offer),
    input.job,
  );
  const ranked: RankedOffer[] = [];
  const rejected: RejectedOffer[] = [];
  for (const one of judged) {
    if (one.reasons.length === 0) ranked.push(settled(one, prepared, fallback));
    else rejected.push({ offer: one.ranked.offer, reasons: one.reasons });
  }
  return {
    engine: ENGINE_VERSION,
    ranked: ranked.sort(byExpectedCostThenId),
    rejected: rejected.sort(byOfferId),
    baseline: baselineOf(reliable),
  };
}

export function byExpectedCostThenId(a: RankedOffer, b: RankedOffer): number {
  return (
    a.expectedCost - b.expectedCost ||
    (a.offer.id < b.offer.id ? -1 : a.offer.id > b.offer.id ? 1 : 0)
  );
}

function byOfferId(a: RejectedOffer, b: RejectedOffer): number {
  return a.offer.id < b.offer.id ? -1 : a.offer.id > b.offer.id ? 1 : 0;
}
