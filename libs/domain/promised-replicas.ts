import type { Attempt, AttemptOutcome } from './attempt';
import type { RankedOffer } from './decision';
import type { Replicas } from './job';
import type { JobView } from './job-view';
import { MS_PER_HOUR } from './money';
import { failureDomainOf, type Offer } from './offer';
import {
  calmDomains,
  endsByDomain,
  isReady,
  isStaying,
  planReplicas,
  spread,
  surplus,
  type ReplicaPlan,
} from './replicas';
import { extraFor, planSupply, rateWithStart, type SupplyPlace } from './replica-supply';

/** How long interruptible supply is taken to last where the decision does not say what an hour of work costs there. */
const ASSUMED_LIFE_MS = 8 * MS_PER_HOUR;
/** How long a replica takes to start where none has been asked for yet. */
const ASSUMED_START_MS = 10 * 60_000;

/** Ends that took a replica away which was there. */
const takenAway: ReadonlySet<AttemptOutcome | null> = new Set<AttemptOutcome | null>([
  'interrupted',
  'went-silent',
]);

/** Ends that say that there was none to be had. */
const notGiven: ReadonlySet<AttemptOutcome | null> = new Set<AttemptOutcome | null>([
  'refused',
  'start-timeout',
]);

type ServiceView = Pick<JobView, 'job' | 'attempts' | 'nowMs'>;

/** What a service wants now: where an availability is promised, as much extra as its losses so far call for. */
export function wishNow({ job, attempts, nowMs }: ServiceView, wish: Replicas): Replicas {
  const { availabilityBps } = job.spec.sla;
  if (availabilityBps === null) return wish;
  const spot = attempts.filter(({ offer }) => offer.interruptible);
  const record = {
    lossesAtMs: spot
      .filter(({ outcome }) => takenAway.has(outcome))
      .map(({ phaseSinceMs }) => phaseSinceMs),
    sinceMs: Math.min(nowMs, ...spot.flatMap(({ report }) => report.startedAtMs ?? [])),
    nowMs,
    changeoverMs: spot.reduce((most, { offer }) => Math.max(most, offer.startupMs), 0),
  };
  const changeoverMs = record.changeoverMs || ASSUMED_START_MS;
  return { ...wish, extra: extraFor({ ...record, changeoverMs }, wish.extra, availabilityBps) };
}

/** Which replicas to add and to drop: by `planSupply` where an availability is promised, else by `planReplicas`. */
export function planService(
  view: ServiceView,
  wish: Replicas,
  open: readonly RankedOffer[],
): ReplicaPlan {
  const { job, attempts, nowMs } = view;
  return job.spec.sla.availabilityBps === null
    ? planReplicas(wish, attempts, open)
    : planPromised(wish, attempts, open, nowMs);
}

function planPromised(
  wish: Replicas,
  attempts: readonly Attempt[],
  open: readonly RankedOffer[],
  nowMs: number,
): ReplicaPlan {
  const live = attempts.filter(isStaying);
  const spot = live.filter(({ offer }) => offer.interruptible);
  const firm = live.filter(({ offer }) => !offer.interruptible);
  const firmOpen = open.filter(({ offer }) => !offer.interruptible);
  const places = placesOf(spot, attempts, open);
  const reliablePerHour = Math.min(Infinity, ...firmOpen.map(({ offer }) => offer.pricePerHour));
  const plan = planSupply(wish, places, reliablePerHour, nowMs);
  const cheaply = plan.add.flatMap((id) => open.find(({ offer }) => offer.id === id) ?? []);
  const lacking = Math.max(0, plan.reliable.atLeast - firm.length);
  const hosts = [...live.map(({ offer }) => offer), ...cheaply.map(({ offer }) => offer)];
  const firmly = spread(firmOpen, lacking, hosts, calmDomains(attempts, open));
  const drop = [
    ...named(
      spot.filter((one) => !isReady(one)),
      plan.dropStarting,
    ),
    ...named(spot.filter(isReady), plan.dropReady),
    ...surplus(firm, plan.reliable.atMost),
  ];
  return {
    place: [...firmly, ...cheaply],
    missing: lacking - firmly.length + (places.length > 0 ? plan.missing : 0),
    drop: drop.map(({ id }) => id),
  };
}

/** Every interruptible offer that is held or can be had. */
function placesOf(
  spot: readonly Attempt[],
  attempts: readonly Attempt[],
  open: readonly RankedOffer[],
): readonly SupplyPlace[] {
  const losses = endsByDomain(attempts, takenAway);
  const refusals = endsByDomain(attempts, notGiven);
  const openById = new Map(open.map((ranked) => [ranked.offer.id, ranked]));
  const offers = new Map<string, Offer>(spot.map(({ offer }) => [offer.id, offer]));
  for (const { offer } of open) if (offer.interruptible) offers.set(offer.id, offer);
  return [...offers.values()].map((offer) => {
    const held = spot.filter((one) => one.offer.id === offer.id);
    const ready = held.filter(isReady).length;
    const ranked = openById.get(offer.id);
    const perHour = offer.pricePerHour;
    return {
      id: offer.id,
      perHour,
      newPerHour:
        ranked?.effective?.perJobHour ?? rateWithStart(perHour, offer.startupMs, ASSUMED_LIFE_MS),
      room: ranked === undefined ? 0 : roomIn(offer, held.length),
      ready,
      starting: held.length - ready,
      lossesAtMs: losses.get(failureDomainOf(offer)) ?? [],
      refusedAtMs: refusals.get(failureDomainOf(offer))?.at(-1) ?? null,
    };
  });
}

/** A single machine hosts one. */
function roomIn({ hostId, quantity }: Offer, held: number): number {
  return hostId === null ? (quantity ?? Infinity) : Math.max(0, 1 - held);
}

/** The youngest on each of the offers that are named, one for each time. */
function named(live: readonly Attempt[], ids: readonly string[]): readonly Attempt[] {
  const left = [...live].sort((a, b) => b.number - a.number);
  return ids.flatMap((id) => {
    const at = left.findIndex(({ offer }) => offer.id === id);
    return at < 0 ? [] : left.splice(at, 1);
  });
}
