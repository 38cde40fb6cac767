import { createHash } from 'node:crypto';
import { catalogue } from '../catalogue';
import type { Region } from '../regions';
import type { PriceChange } from './machine';
import { spotPriceAtStart } from './spot-prices';

const ZONE_LETTERS = ['a', 'b', 'c'];
/** Zones other than the cheapest cost up to this much more. */
const MAX_ZONE_PREMIUM = 0.25;

/** The zones of a region, first to last. */
export function zonesOf(region: Region): readonly string[] {
  return ZONE_LETTERS.map((letter) => `${region}${letter}`);
}

/** A number in [0, 1) that depends on the seed and the name alone. */
export function fraction(seed: number, name: string): number {
  return createHash('sha256').update(`${seed}:${name}`).digest().readUInt32BE(0) / 2 ** 32;
}

/** Spot prices of every type and zone, with their history. */
export class SpotMarket {
  private readonly histories = new Map<string, readonly PriceChange[]>();

  constructor(
    private readonly seed: number,
    private readonly startedAtMs: number,
  ) {}

  /** Oldest first; empty where the type is not sold. */
  history(type: string, region: Region, zone: string): readonly PriceChange[] {
    return this.histories.get(`${type}/${zone}`) ?? this.firstPrice(type, region, zone);
  }

  price(type: string, region: Region, zone: string): number | null {
    return this.history(type, region, zone).at(-1)?.usdPerHour ?? null;
  }

  move(type: string, region: Region, usdPerHour: number, atMs: number): void {
    for (const zone of zonesOf(region)) {
      const history = [...this.history(type, region, zone), { atMs, usdPerHour }];
      this.histories.set(`${type}/${zone}`, history);
    }
  }

  /** The zones of a region, cheapest first. */
  zonesByPrice(type: string, region: Region): readonly string[] {
    const price = (zone: string): number => this.price(type, region, zone) ?? 0;
    return [...zonesOf(region)].sort((a, b) => price(a) - price(b));
  }

  private firstPrice(type: string, region: Region, zone: string): readonly PriceChange[] {
    const base = spotPriceAtStart(type, region);
    if (base === null || !catalogue.some((each) => each.type === type)) return [];
    const premium = zone === this.cheapestZone(type, region) ? 0 : this.premium(type, zone);
    const usdPerHour = Number((base * (1 + premium)).toFixed(4));
    return [{ atMs: this.startedAtMs, usdPerHour }];
  }

  private cheapestZone(type: string, region: Region): string {
    const zones = zonesOf(region);
    const index = Math.floor(fraction(this.seed, `${type}/${region}`) * zones.length);
    return zones[index] ?? `${region}a`;
  }

  private premium(type: string, zone: string): number {
    return fraction(this.seed, `${type}/${zone}`) * MAX_ZONE_PREMIUM;
  }
}
