import { Injectable } from '@nestjs/common';
import { Clock } from '#libs/runtime';
import { digestOfSecret } from './api-key';
import { Refusal } from './refusal';
import { GatewaySettings } from './settings';

const SIXTY_SECONDS_MS = 60_000;
/** How many callers of a kind are counted by themselves in a minute; all further ones share one count. */
const COUNTED_CALLERS = 50_000;
const EVERYONE_ELSE = 'everyone else';

/** Counts by name within the current minute. Nobody is forgotten before it ends, so that a crowd cannot wash away a count. */
export class MinuteCounts {
  private readonly counts = new Map<string, number>();
  private startedAtMs = -Infinity;

  constructor(
    private readonly limit: number,
    private readonly maxNames: number = COUNTED_CALLERS,
  ) {}

  /** How long until the next minute when the share of a name is used up, or null while it is not. */
  waitMs(name: string, nowMs: number): number | null {
    this.turn(nowMs);
    const count = this.counts.get(this.counted(name)) ?? 0;
    return count < this.limit ? null : this.startedAtMs + SIXTY_SECONDS_MS - nowMs;
  }

  /** A count that is taken back after its minute has ended takes nothing from the next one. */
  add(name: string, nowMs: number, requests: 1 | -1): void {
    this.turn(nowMs);
    const counted = this.counted(name);
    this.counts.set(counted, Math.max(0, (this.counts.get(counted) ?? 0) + requests));
  }

  private counted(name: string): string {
    return this.counts.has(name) || this.counts.size < this.maxNames ? name : EVERYONE_ELSE;
  }

  /** A clock that was set back begins a new minute too. */
  private turn(nowMs: number): void {
    const age = nowMs - this.startedAtMs;
    if (age >= 0 && age < SIXTY_SECONDS_MS) return;
    this.counts.clear();
    this.startedAtMs = nowMs;
  }
}

/**
 * The shares of callers. Until somebody is known their address pays; whoever has shown a key or token that is right pays by its
 * id alone. What a request claims to be counts for nothing, so that made-up keys spend the share of the address they come from,
 * and those who were let in before still are when a stranger behind the same address has spent it.
 */
@Injectable()
export class RateLimits {
  private readonly addresses: MinuteCounts;
  private readonly callers: MinuteCounts;
  /** Digests of tokens that were right when last used. Only such tokens come in here, so strangers push nobody out. */
  private readonly known = new Set<string>();

  constructor(
    { requestsPerMinute }: GatewaySettings,
    private readonly clock: Clock,
  ) {
    this.addresses = new MinuteCounts(requestsPerMinute);
    this.callers = new MinuteCounts(requestsPerMinute);
  }

  /** Before anything is checked: charges the address of a stranger, or refuses it. Says whether it was charged. */
  enter(address: string, token: string | null): boolean {
    if (token !== null && this.known.has(digestOfSecret(token))) return false;
    const nowMs = this.clock.nowMs();
    refuseIf(this.addresses.waitMs(address, nowMs));
    this.addresses.add(address, nowMs, 1);
    return true;
  }

  /** After a key or token was found right: charges its id in place of the address, or refuses it. */
  admit(caller: string, token: string, chargedAddress: string | null): void {
    const nowMs = this.clock.nowMs();
    if (chargedAddress !== null) this.addresses.add(chargedAddress, nowMs, -1);
    this.remember(digestOfSecret(token));
    refuseIf(this.callers.waitMs(caller, nowMs));
    this.callers.add(caller, nowMs, 1);
  }

  /** A token that was right once and is so no more, such as a revoked key. */
  forget(token: string): void {
    this.known.delete(digestOfSecret(token));
  }

  private remember(digest: string): void {
    this.known.delete(digest);
    const [oldest] = this.known;
    if (oldest !== undefined && this.known.size >= COUNTED_CALLERS) this.known.delete(oldest);
    this.known.add(digest);
  }
}

function refuseIf(waitMs: number | null): void {
  if (waitMs !== null) throw new Refusal('rate-limited', { retryAfterMs: waitMs });
}
