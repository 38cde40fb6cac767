import type { Attempt, AttemptOutcome } from './attempt';
import type { RankedOffer } from './decision';
import type { AttemptId } from './ids';
import type { Replicas } from './job';
import { failureDomainOf, type Offer } from './offer';

/** With fewer domains than this to choose from, those that took replicas back are asked again. */
const LEAST_DOMAINS = 2;

/** What is to be done so that a service has the replicas that it wants. */
export interface ReplicaPlan {
  /** Where to place new ones, in order of urgency; fewer than are missing where supply is short. */
  readonly place: readonly RankedOffer[];
  /** How many are missing for which there is no offer. */
  readonly missing: number;
  /** Those that are not needed any more. */
  readonly drop: readonly AttemptId[];
}

/**
 * How many replicas a service wants (SpotHedge, EuroSys'25): target and extra on interruptible supply, and as long as not all of
 * these are ready `min(target, target + extra - ready)` on supply that nobody takes back. Where nothing interruptible may
 * serve, the target alone.
 */
export function replicasWanted(
  { target, extra }: Replicas,
  ready: number,
  hasInterruptible: boolean,
): { readonly interruptible: number; readonly reliable: number } {
  if (!hasInterruptible) return { interruptible: 0, reliable: target };
  const reliable = Math.max(0, Math.min(target, target + extra - ready));
  return { interruptible: target + extra, reliable };
}

/**
 * Which replicas to add and to drop. `attempts` are all that the service ever had, oldest first; `open` are the offers that can
 * be asked for, by expected cost.
 */
export function planReplicas(
  wish: Replicas,
  attempts: readonly Attempt[],
  open: readonly RankedOffer[],
): ReplicaPlan {
  const live = attempts.filter(isStaying);
  const spot = live.filter(({ offer }) => offer.interruptible);
  const firm = live.filter(({ offer }) => !offer.interruptible);
  const mayUseSpot = spot.length > 0 || open.some(({ offer }) => offer.interruptible);
  const wanted = replicasWanted(wish, spot.filter(isReady).length, mayUseSpot);
  const drop = [...surplus(spot, wanted.interruptible), ...surplus(firm, wanted.reliable)].map(
    ({ id }) => id,
  );
  const hosts = live.map(({ offer }) => offer);
  const calm = calmDomains(attempts, open);
  const firmly = spread(
    open.filter(({ offer }) => !offer.interruptible),
    wanted.reliable - firm.length,
    hosts,
    calm,
  );
  const cheaply = spread(
    open.filter(({ offer }) => offer.interruptible),
    wanted.interruptible - spot.length,
    [...hosts, ...firmly.map(({ offer }) => offer)],
    calm,
  );
  const lacking =
    Math.max(0, wanted.reliable - firm.length) + Math.max(0, wanted.interruptible - spot.length);
  return {
    place: [...firmly, ...cheaply],
    missing: lacking - firmly.length - cheaply.length,
    drop,
  };
}

/** A replica that answers requests. */
export function isReady(attempt: Attempt): boolean {
  return isStaying(attempt) && attempt.report.startedAtMs !== null;
}

/** A replica that lives and is not on its way out. */
export function isStaying({ phase, abandonAs, report }: Attempt): boolean {
  const isGoing = phase === 'releasing' || phase === 'released';
  return !isGoing && abandonAs === null && report.exit === null;
}

/** Those beyond the number that is wanted: what is not ready goes first, then what came last. */
export function surplus(live: readonly Attempt[], wanted: number): readonly Attempt[] {
  const keeping = [...live].sort(
    (a, b) => Number(isReady(b)) - Number(isReady(a)) || a.number - b.number,
  );
  return keeping.slice(Math.max(0, wanted));
}

/** Each goes to the cheapest domain that hosts none and has been calm, else to the cheapest calm one, else to the cheapest. */
export function spread(
  offers: readonly RankedOffer[],
  count: number,
  hosts: readonly Offer[],
  calm: ReadonlySet<string>,
): readonly RankedOffer[] {
  const placed: RankedOffer[] = [];
  for (let index = 0; index < count; index += 1) {
    const added = placed.map(({ offer }) => offer);
    const taken = [...hosts, ...added];
    const usable = offers.filter(({ offer }) => hasRoom(offer, taken, added));
    const domains = new Set(taken.map(failureDomainOf));
    const isCalm = ({ offer }: RankedOffer): boolean => calm.has(failureDomainOf(offer));
    const next =
      usable.find((one) => isCalm(one) && !domains.has(failureDomainOf(one.offer))) ??
      usable.find(isCalm) ??
      usable[0];
    if (next === undefined) break;
    placed.push(next);
  }
  return placed;
}

/** A single machine that is offered hosts one; of other offers as many can be added as are free. */
function hasRoom(
  { id, hostId, quantity }: Offer,
  taken: readonly Offer[],
  added: readonly Offer[],
): boolean {
  if (hostId !== null) return taken.every((offer) => offer.id !== id);
  return added.filter((offer) => offer.id === id).length < (quantity ?? Infinity);
}

/** Ends that speak against the domain where they happened. */
const losses: ReadonlySet<AttemptOutcome | null> = new Set<AttemptOutcome | null>([
  'interrupted',
  'went-silent',
  'start-timeout',
  'refused',
]);

/**
 * The failure domains to prefer: a loss or a refusal moves a domain out, a replica that becomes ready moves it back in, and
 * whenever fewer than two are left all of them are back.
 */
export function calmDomains(
  attempts: readonly Attempt[],
  open: readonly RankedOffer[],
): ReadonlySet<string> {
  const all = new Set([
    ...attempts.map(({ offer }) => failureDomainOf(offer)),
    ...open.map(({ offer }) => failureDomainOf(offer)),
  ]);
  const news = attempts.flatMap(newsOf).sort((a, b) => a.atMs - b.atMs);
  let calm = new Set(all);
  for (const { domain, isGood } of news) {
    if (isGood) calm.add(domain);
    else calm.delete(domain);
    if (calm.size < LEAST_DOMAINS) calm = new Set(all);
  }
  return calm;
}

/** When attempts in each failure domain ended in one of these ways, oldest first. */
export function endsByDomain(
  attempts: readonly Attempt[],
  ways: ReadonlySet<AttemptOutcome | null>,
): ReadonlyMap<string, readonly number[]> {
  const ends = new Map<string, readonly number[]>();
  const ended = attempts.filter(({ outcome }) => ways.has(outcome));
  for (const { offer, phaseSinceMs } of [...ended].sort(
    (a, b) => a.phaseSinceMs - b.phaseSinceMs,
  )) {
    const domain = failureDomainOf(offer);
    ends.set(domain, [...(ends.get(domain) ?? []), phaseSinceMs]);
  }
  return ends;
}

interface DomainNews {
  readonly domain: string;
  readonly isGood: boolean;
  readonly atMs: number;
}

function newsOf({ offer, report, outcome, phaseSinceMs }: Attempt): readonly DomainNews[] {
  const domain = failureDomainOf(offer);
  const { startedAtMs } = report;
  return [
    ...(startedAtMs === null ? [] : [{ domain, isGood: true, atMs: startedAtMs }]),
    ...(losses.has(outcome) ? [{ domain, isGood: false, atMs: phaseSinceMs }] : []),
  ];
}

/**
 * The share of the time from `fromMs` to `toMs` in which at least `target` replicas were ready, in basis points; 10,000 for no
 * time at all.
 */
export function availabilityBps(
  attempts: readonly Attempt[],
  target: number,
  fromMs: number,
  toMs: number,
): number {
  if (toMs <= fromMs) return 10_000;
  const edges = attempts
    .flatMap((attempt) => readySpan(attempt, toMs))
    .flatMap(([sinceMs, untilMs]) => [
      { atMs: Math.max(fromMs, sinceMs), by: 1 },
      { atMs: Math.max(fromMs, untilMs), by: -1 },
    ])
    .sort((a, b) => a.atMs - b.atMs);
  let goodMs = 0;
  let ready = 0;
  let sinceMs = fromMs;
  for (const { atMs, by } of [...edges, { atMs: toMs, by: 0 }]) {
    if (ready >= target) goodMs += atMs - sinceMs;
    ready += by;
    sinceMs = atMs;
  }
  return Math.round((goodMs / (toMs - fromMs)) * 10_000);
}

/** From when to when a replica was ready; an end that nobody told of was at the last sign of life. */
function readySpan(
  { phase, phaseSinceMs, report }: Attempt,
  toMs: number,
): readonly (readonly [number, number])[] {
  const { startedAtMs, exit, heartbeatAtMs } = report;
  if (startedAtMs === null || startedAtMs >= toMs) return [];
  const isGoing = phase === 'releasing' || phase === 'released';
  const endMs =
    exit?.atMs ?? (isGoing ? Math.min(phaseSinceMs, heartbeatAtMs ?? phaseSinceMs) : toMs);
  return [[startedAtMs, Math.min(toMs, Math.max(startedAtMs, endMs))]];
}
