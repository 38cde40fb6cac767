import { asJobId, lineKey, usd, type Job, type JobSpec } from '#libs/domain';
import { aSpec, chance, integerBetween, type Rng } from '#libs/testkit';
import type { SimulatedWork } from './supervisors';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const QUEUE_TIMEOUT_MS = 2 * HOUR_MS;
/** The work of a service has no end. */
const FOR_GOOD_MS = 1_000_000_000_000;
/** Estimates in minutes: most jobs are short, some are long, few are very long. */
const SHORT = 20;
const LONG = 120;
const VERY_LONG = 360;

type Shape = Pick<JobSpec, 'nodes' | 'replicas'> & Pick<JobSpec['sla'], 'hedgedStart'>;

/** A job and the work behind it; in a calm play the work is never more than was estimated, and retries are not what it lacks. */
export function simulatedJob(
  rng: Rng,
  index: number,
  startMs: number,
  isCalm: boolean,
): { readonly job: Job; readonly work: SimulatedWork } {
  const submittedAtMs = startMs + integerBetween(rng, 0, 10 * MINUTE_MS);
  const spec = simulatedSpec(rng, index, isCalm);
  const share = isCalm ? 0.5 + rng() / 2 : 0.3 + rng() * 1.4;
  const work = {
    totalMs: spec.replicas === null ? Math.round(spec.durationEstimateMs * share) : FOR_GOOD_MS,
    checkpointMs: spec.checkpoint?.intervalMs ?? null,
    savedMs: 0,
  };
  const job: Job = {
    id: asJobId(`job-${index}`),
    spec,
    submittedAtMs,
    submittedBy: 'simulation',
    state: 'queued',
    outcome: null,
    endedAtMs: null,
    cancelRequestedAtMs: null,
    decisionId: null,
    lineKey: lineKey(submittedAtMs, spec.priority),
    baseline: null,
    outlook: null,
    revision: 0,
    dueAtMs: submittedAtMs,
  };
  return { job, work };
}

function simulatedSpec(rng: Rng, index: number, isCalm: boolean): JobSpec {
  const isLong = chance(rng, 0.3);
  const longestMinutes = isLong ? (chance(rng, 0.15) ? VERY_LONG : LONG) : SHORT;
  const durationEstimateMs = integerBetween(rng, 1, longestMinutes) * MINUTE_MS;
  const deadlineMs = Math.round(durationEstimateMs * (1 + rng() * 1.2)) + 12 * MINUTE_MS;
  const { nodes, replicas, hedgedStart } = shape(rng);
  const checkpoint = { path: 'ckpt', intervalMs: 5 * MINUTE_MS, sizeGb: 0.1 };
  return aSpec({
    name: `job-${index}`,
    interruptible: chance(rng, 0.75),
    dataClass: chance(rng, 0.25) ? 'personal' : 'public',
    workload: replicas === null ? 'general' : 'inference',
    checkpoint: chance(rng, 0.5) && replicas === null ? checkpoint : null,
    durationEstimateMs,
    budget: {
      maxPricePerHour: null,
      maxCost: chance(rng, 0.4) ? usd(integerBetween(rng, 1, 200) / 100) : null,
    },
    retry: {
      on: ['interruption', 'start-failure', ...(chance(rng, 0.3) ? (['error'] as const) : [])],
      limit: integerBetween(rng, 0, isCalm ? 20 : 4),
    },
    priority: chance(rng, 0.7) ? 50 : integerBetween(rng, 0, 100),
    sla: {
      deadlineMs: chance(rng, 0.4) ? deadlineMs : null,
      queueTimeoutMs: QUEUE_TIMEOUT_MS,
      maxDurationMs: isLong && replicas === null ? 9 * HOUR_MS : 40 * MINUTE_MS,
      availabilityBps: null,
      hedgedStart,
    },
    nodes,
    replicas,
  });
}

/** Most jobs need one machine at a time; the others are what slots and roles are about. */
function shape(rng: Rng): Shape {
  const plain = { nodes: 1, replicas: null, hedgedStart: 'never' } as const;
  const roll = rng();
  if (roll < 0.1) return { ...plain, hedgedStart: chance(rng, 0.7) ? 'always' : 'auto' };
  if (roll < 0.18) return { ...plain, nodes: integerBetween(rng, 2, 3) };
  if (roll >= 0.26) return plain;
  const target = integerBetween(rng, 1, 2);
  return { ...plain, replicas: { target, extra: integerBetween(rng, 0, 1) } };
}
