import {
  temporaryRejections,
  type Blockers,
  type RejectedOffer,
  type Rejection,
  type RejectionCode,
  type Relaxation,
  type Removal,
} from './decision';

export type { Blockers, Relaxation, Removal } from './decision';

/** How many removals are kept; policies may have hundreds of rules. */
export const MAX_REMOVALS = 30;
/** How many reasons are kept; whoever wants to change something looks at the first few. */
export const MAX_RELAXATIONS = 10;

/** What names a reason: its code, and for rules of policies the rule. */
export function blockerKey(code: RejectionCode, ruleId: string | null): string {
  return ruleId === null ? code : `${code} ${ruleId}`;
}

export function ruleOf(reason: Rejection): string | null {
  return 'ruleId' in reason ? reason.ruleId : null;
}

/** What stands between the refused offers and the job. One pass; the order of the offers means nothing. */
export function blockersOf(rejected: readonly RejectedOffer[]): Blockers {
  let passingCount = 0;
  const removals = new Map<string, Removal>();
  const alone = new Map<string, Relaxation>();
  for (const { offer, reasons } of rejected) {
    const lasting = reasons.filter(({ code }) => !temporaryRejections.has(code));
    const [reason] = lasting;
    if (reason === undefined) {
      passingCount += 1;
      continue;
    }
    for (const each of lasting) {
      const key = blockerKey(each.code, ruleOf(each));
      const offers = (removals.get(key)?.offers ?? 0) + 1;
      removals.set(key, { code: each.code, ruleId: ruleOf(each), offers });
    }
    if (lasting.length > 1) continue;
    const one: Relaxation = {
      reason,
      offers: 1,
      offersNow: lasting.length === reasons.length ? 1 : 0,
      cheapest: offer.id,
      cheapestPerHour: offer.pricePerHour,
    };
    const key = blockerKey(reason.code, ruleOf(reason));
    const known = alone.get(key);
    alone.set(key, known === undefined ? one : together(known, one));
  }
  return {
    passingCount,
    removals: mostFirst(removals, MAX_REMOVALS),
    relaxations: mostFirst(alone, MAX_RELAXATIONS),
  };
}

/** Those with most offers first, at most so many. */
export function mostFirst<T extends { readonly offers: number }>(
  byKey: ReadonlyMap<string, T>,
  limit: number,
): readonly T[] {
  return [...byKey]
    .sort(([a, one], [b, other]) => other.offers - one.offers || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([, entry]) => entry);
}

function together(known: Relaxation, one: Relaxation): Relaxation {
  const best = isBetter(one, known) ? one : known;
  return {
    ...best,
    offers: known.offers + 1,
    offersNow: known.offersNow + one.offersNow,
  };
}

/** Free before sold out, then cheaper, then by id. `known` may stand for many: it is free when any of them is. */
function isBetter(one: Relaxation, known: Relaxation): boolean {
  const isFree = Math.min(1, one.offersNow) - Math.min(1, known.offersNow);
  if (isFree !== 0) return isFree > 0;
  if (one.cheapestPerHour !== known.cheapestPerHour)
    return one.cheapestPerHour < known.cheapestPerHour;
  return one.cheapest < known.cheapest;
}
