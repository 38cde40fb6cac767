import { parseJobSpec } from '#libs/contracts';
import { asJobId, lineKey, type Job, type JobSpec } from '#libs/domain';

/** A job of ordinary size, as people write it. */
export const sampleBody = {
  name: 'nightly-forecast',
  project: 'supply',
  costCentre: 'CC-1042',
  labels: { team: 'planning', stage: 'nightly' },
  image: 'registry.example/forecast:24.11',
  command: ['python', 'forecast.py', '--horizon', '28'],
  env: { BATCH: '64', MODEL: 'v3' },
  resources: { cpus: '2+', memory: '4GB+' },
  interruptible: true,
  durationEstimate: '10m',
  sla: { maxDuration: '2h' },
} as const;

export const sampleSpec: JobSpec = specOf(sampleBody);

function specOf(body: unknown): JobSpec {
  const parsed = parseJobSpec(body);
  if (parsed.ok) return parsed.spec;
  throw new Error(
    parsed.problems.map(({ pointer, message }) => `${pointer} ${message}`).join('; '),
  );
}

/** The sample as the gateway would hand it to the store. */
export function sampleJob(id: string, nowMs: number): Job {
  return {
    id: asJobId(id),
    spec: sampleSpec,
    submittedAtMs: nowMs,
    submittedBy: 'bench-0',
    state: 'queued',
    outcome: null,
    endedAtMs: null,
    cancelRequestedAtMs: null,
    decisionId: null,
    lineKey: lineKey(nowMs, sampleSpec.priority),
    baseline: null,
    outlook: null,
    revision: 0,
    dueAtMs: nowMs,
  };
}
