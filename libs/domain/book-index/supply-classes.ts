import { reliabilityKeyOf, reliabilityOf, type MeasuredReliability } from '../health';
import { healthKeysOf, type HealthSnapshot } from '../health/knowledge';
import type { Offer } from '../offer';
import { suspensionKey } from '../suspension';
import { grown, type OfferField } from './dictionary';

/** What reliability depends on where nothing is measured below the level of a market. */
export const wideSupplyFields: readonly OfferField[] = [
  'providerId',
  'providerKind',
  'market',
  'startupMs',
];

/** How many of the levels of an offer say no more than those fields: its provider, and the market of it. */
const WIDE_LEVELS = 2;

/** Offers that are equally reliable under some measurements. */
export interface SupplyClasses {
  /** The class by number of the supply dictionary. */
  readonly of: Uint32Array;
  readonly size: number;
  /** No two different classifications by one dictionary have the same. */
  readonly edition: number;
  /** Nothing is measured below the level of a market, so that `wideSupplyFields` tell the class. */
  readonly isWide: boolean;
  /** Found at once where the number of the offer is known. */
  reliabilityOf(offer: Offer, number?: number): MeasuredReliability;
}

/** Numbers for offers that are alike in everything that reliability can depend on, see `reliabilityKeyOf`. */
export class SupplyDictionary {
  private readonly ids = new Map<string, number>();
  /** Class of each number as long as nothing is measured below the level of a market. */
  private wide = new Uint32Array(0);
  private readonly wideIds = new Map<string, number>();
  /** The numbers that each narrower level is about. */
  private readonly atLevel = new Map<string, number[]>();
  /** The numbers of offers of each host that is named, by provider and host. */
  private readonly atHost = new Map<string, number[]>();
  private readonly known = new WeakMap<HealthSnapshot, Known>();
  private editions = 0;

  get size(): number {
    return this.ids.size;
  }

  encode(offer: Offer): number {
    const key = `${reliabilityKeyOf(offer)}|${offer.hostId ?? ''}`;
    const known = this.ids.get(key);
    return known ?? this.add(offer, key);
  }

  private add(offer: Offer, key: string): number {
    const id = this.size;
    this.ids.set(key, id);
    const { providerKind, startupMs } = offer;
    const levels = healthKeysOf(offer);
    const wide = `${providerKind}|${startupMs}|${levels[WIDE_LEVELS - 1] ?? ''}`;
    const wideId = this.wideIds.get(wide) ?? this.wideIds.size;
    this.wideIds.set(wide, wideId);
    this.wide = grown(this.wide, id + 1);
    this.wide[id] = wideId;
    for (const level of levels.slice(WIDE_LEVELS)) append(this.atLevel, level, id);
    if (offer.hostId !== null) append(this.atHost, suspensionKey('host', offer), id);
    return id;
  }

  /** The numbers of the offers of a host, under the key by which it is suspended. */
  ofHost(key: string): readonly number[] {
    return this.atHost.get(key) ?? [];
  }

  /** The classes of the first so many numbers under some measurements; worked out once for each snapshot and so many numbers. */
  classes(health: HealthSnapshot, upTo: number): SupplyClasses {
    const known = this.known.get(health) ?? { upTo: -1, classes: null, memo: new Map() };
    if (known.classes !== null && known.upTo === upTo) return known.classes;
    const classes = this.split(health, upTo, known.memo);
    this.known.set(health, { upTo, classes, memo: known.memo });
    return classes;
  }

  /** Begins with the wide classes and takes out of them what each narrower level is about. */
  private split(health: HealthSnapshot, upTo: number, memo: Memo): SupplyClasses {
    let of = this.wide;
    const names = [...this.wideIds.keys()];
    for (const level of Object.keys(health)) {
      const ids = this.atLevel.get(level);
      if (ids === undefined) continue;
      if (of === this.wide) of = this.wide.slice();
      const taken = new Map<number, number>();
      for (const id of ids) {
        const before = of[id] ?? 0;
        const after = taken.get(before) ?? names.push(`${names[before] ?? ''} ${level}`) - 1;
        taken.set(before, after);
        of[id] = after;
      }
    }
    const byClass: (MeasuredReliability | undefined)[] = [];
    const remembered = (id: number, offer: Offer): MeasuredReliability => {
      const name = id < upTo ? names[of[id] ?? 0] : undefined;
      if (name === undefined) return reliabilityOf(offer, health);
      const reliability = memo.get(name) ?? reliabilityOf(offer, health);
      memo.set(name, reliability);
      return reliability;
    };
    return {
      of,
      size: names.length,
      edition: (this.editions += 1),
      isWide: of === this.wide,
      reliabilityOf: (offer, number) => {
        if (number === undefined) return remembered(this.encode(offer), offer);
        return (byClass[of[number] ?? 0] ??= remembered(number, offer));
      },
    };
  }
}

function append(lists: Map<string, number[]>, key: string, id: number): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [id]);
  else list.push(id);
}

/** Reliability by the name of the class: what it depends on, in words. */
type Memo = Map<string, MeasuredReliability>;

interface Known {
  readonly upTo: number;
  readonly classes: SupplyClasses | null;
  readonly memo: Memo;
}
