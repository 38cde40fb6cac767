import type { Attempt } from '../attempt';
import type { SuspensionScope } from '../failover';
import { MS_PER_HOUR } from '../money';
import type { Offer } from '../offer';
import { suspensionKey, type Suspension } from '../suspension';
import {
  decayed,
  healthKeysOf,
  lessonOf,
  wasLost,
  type HealthSnapshot,
  type Knowledge,
} from './knowledge';
import { totalsOf } from './lifetimes';
import { endedWaits } from './waits';

/** How bad supply may be measured to be before it rests. What is too little to tell never breaks a floor. */
interface Floor {
  /** The suspension's reason. */
  readonly reason: 'lied' | 'starts-fail' | 'losses-too-often';
  /** Whether an attempt is a reason to look: what has just gone well must not be punished for the past. */
  readonly isShownBy: (attempt: Attempt) => boolean;
  /** How often it was measured, and the share or hourly rate that it comes to. */
  readonly measured: (known: Knowledge) => { readonly times: number; readonly level: number };
  /** From these on it rests, for so long: the one machine where it is named, and its whole provider. */
  readonly host: FloorOf;
  readonly provider: FloorOf;
}

interface FloorOf {
  readonly times: number;
  readonly level: number;
  readonly restMs: number;
}

/**
 * One lie is enough for a machine, since it was promised by name; a provider has many. Starts that fail more often than not cost
 * more than they bring. More than one loss an hour is worse than the worst spot supply in published traces; a provider as a
 * whole is given twice that before all of it rests. Evidence fades from the moment it comes, so that the third counts from two
 * and a half on.
 */
const floors: readonly Floor[] = [
  {
    reason: 'lied',
    isShownBy: (attempt) => (lessonOf(attempt)?.lies ?? 0) > 0,
    measured: ({ lies, checks }) => ({ times: lies, level: shareOf(lies, checks) }),
    host: { times: 0.5, level: 0, restMs: 24 * MS_PER_HOUR },
    provider: { times: 2.5, level: 0.1, restMs: 6 * MS_PER_HOUR },
  },
  {
    reason: 'starts-fail',
    isShownBy: (attempt) => (lessonOf(attempt)?.startFailures ?? 0) > 0,
    measured: ({ startFailures, starts }) => ({
      times: startFailures,
      level: shareOf(startFailures, startFailures + endedWaits(starts)),
    }),
    host: { times: 2.5, level: 0.6, restMs: 6 * MS_PER_HOUR },
    provider: { times: 9.5, level: 0.6, restMs: MS_PER_HOUR },
  },
  {
    reason: 'losses-too-often',
    isShownBy: wasLost,
    measured: ({ leases }) => {
      const { exposureMs, events } = totalsOf(leases);
      return { times: events, level: exposureMs > 0 ? (events / exposureMs) * MS_PER_HOUR : 0 };
    },
    host: { times: 2.5, level: 1, restMs: 6 * MS_PER_HOUR },
    provider: { times: 9.5, level: 2, restMs: MS_PER_HOUR },
  },
];

/** What rests from `nowMs` on because of what an attempt has just shown, given all that is known with it. */
export function suspensionsBelowFloors(
  attempt: Attempt,
  health: HealthSnapshot,
  nowMs: number,
): readonly Suspension[] {
  const { offer } = attempt;
  const [provider = ''] = healthKeysOf(offer);
  const host = offer.hostId === null ? null : (healthKeysOf(offer).at(-1) ?? null);
  return floors
    .filter((floor) => floor.isShownBy(attempt))
    .flatMap((floor) => [
      ...(host === null ? [] : below(floor, 'host', health[host], offer, nowMs)),
      ...below(floor, 'provider', health[provider], offer, nowMs),
    ]);
}

function below(
  floor: Floor,
  scope: Extract<SuspensionScope, 'host' | 'provider'>,
  known: Knowledge | undefined,
  offer: Offer,
  nowMs: number,
): readonly Suspension[] {
  if (known === undefined) return [];
  const { times, level } = floor.measured(decayed(known, nowMs));
  const { times: atTimes, level: atLevel, restMs } = floor[scope];
  if (times < atTimes || level < atLevel) return [];
  const key = suspensionKey(scope, offer);
  const untilMs = nowMs + restMs;
  return [{ scope, key, jobId: null, fromMs: nowMs, untilMs, reason: floor.reason }];
}

function shareOf(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
