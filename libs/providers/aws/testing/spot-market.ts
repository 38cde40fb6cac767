import { createHash } from 'node:crypto';
import { catalogue } from '../catalogue';
import type { Region } from '../regions';
import type { PriceChange } from './machine';
import { spotPriceAtStart } from './spot-prices';

const ZONE_LETTERS = ['a', 'b', 'c'];
/** Zones other than the cheapest cost up to this much more. */
const MAX_ZONE_PREMIUM = 0.25;

/** How far back the made-up past goes; EC2 tells of ninety days. */
const PAST_DAYS = 30;
const DAY_MS = 86_400_000;
/** A spot price changes a few times a day, and by a few per cent. */
const CHANGES_PER_DAY = 3;
const MAX_STEP = 0.03;

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
    const known = this.histories.get(`${type}/${zone}`);
    if (known !== undefined) return known;
    const first = this.firstPrice(type, region, zone);
    this.histories.set(`${type}/${zone}`, first);
    return first;
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
    return [...this.past(`${type}/${zone}`, usdPerHour), { atMs: this.startedAtMs, usdPerHour }];
  }

  /** A walk that ends at today's price, oldest first: the same for the same seed. */
  private past(name: string, today: number): readonly PriceChange[] {
    const count = PAST_DAYS * CHANGES_PER_DAY;
    const spacingMs = DAY_MS / CHANGES_PER_DAY;
    const changes: PriceChange[] = [];
    let usdPerHour = today;
    for (let back = 1; back <= count; back += 1) {
      usdPerHour *= 1 + (fraction(this.seed, `${name}/${back}`) - 0.5) * 2 * MAX_STEP;
      const jitterMs = fraction(this.seed, `${name}@${back}`) * spacingMs * 0.9;
      const atMs = Math.round(this.startedAtMs - back * spacingMs + jitterMs);
      changes.push({ atMs, usdPerHour: Number(usdPerHour.toFixed(4)) });
    }
    return changes.reverse();
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
