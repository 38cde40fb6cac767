import type { DataSource, JobSpec, WorkloadClass } from '#libs/domain';
import type { WrittenJobSpec } from './job-spec';
import { jobSpecDefaults } from './job-spec-parts';
import { readDataUri } from './syntax/data-uri';
import { readDuration } from './syntax/duration';

const BYTES_PER_GB = 1e9;
const DEFAULT_INPUT_GB = 1;

/** Work that loses little when it is started again; everything else is interruptible only when it says so or checkpoints. */
const toleratesInterruption: { readonly [W in WorkloadClass]: boolean } = {
  general: true,
  'batch-inference': true,
  'fine-tuning': true,
  rendering: true,
  prototyping: true,
  training: false,
  inference: false,
  'real-time': false,
  confidential: false,
};

/** Fills in the defaults that depend on other fields: the domain's spec, complete and never changed again. */
export function normaliseJobSpec(job: WrittenJobSpec): JobSpec {
  return {
    version: job.version,
    name: job.name,
    project: job.project,
    labels: job.labels,
    costCentre: job.costCentre ?? null,
    purchaseOrder: job.purchaseOrder ?? null,
    image: job.image,
    command: [...argvOf(job.command), ...job.args],
    env: job.env,
    secrets: job.secrets,
    workingDirectory: job.workingDirectory ?? null,
    inputs: job.inputs.map((input) => sourceOf(input, job)),
    outputs: job.outputs.map(({ path, size, dataClass, location }) => ({
      path,
      sizeGb: size,
      dataClass: dataClass ?? job.dataClass,
      ...(location === undefined ? {} : { location }),
    })),
    resources: {
      gpus: job.resources.gpus,
      cpus: job.resources.cpus,
      memoryGib: job.resources.memory,
      diskGb: job.resources.disk,
      interconnect: job.resources.interconnect,
    },
    workload: job.workload,
    dataClass: job.dataClass,
    compliance: job.compliance,
    residency: job.residency,
    confidential: isConfidential(job),
    interruptible:
      job.interruptible ?? (job.checkpoint !== undefined || toleratesInterruption[job.workload]),
    checkpoint: checkpointOf(job),
    sla: {
      deadlineMs: job.sla.deadline ?? null,
      queueTimeoutMs: job.sla.queueTimeout,
      maxDurationMs: maxDurationMsOf(job),
      availabilityBps: job.sla.availability ?? null,
      hedgedStart: job.sla.hedgedStart,
    },
    nodes: job.nodes,
    replicas: job.replicas ?? null,
    durationEstimateMs: job.durationEstimate,
    budget: {
      maxPricePerHour: job.budget.maxPricePerHour ?? null,
      maxCost: job.budget.maxCost ?? null,
    },
    priority: job.priority,
    retry: job.retry,
    infra: job.infra,
  };
}

export function isConfidential({
  confidential,
  workload,
}: Pick<WrittenJobSpec, 'confidential' | 'workload'>): boolean {
  return confidential ?? workload === 'confidential';
}

/** A single text is a line for the shell. */
export function argvOf(command: WrittenJobSpec['command']): readonly string[] {
  return typeof command === 'string' ? ['sh', '-c', command] : command;
}

function checkpointOf({ checkpoint }: WrittenJobSpec): JobSpec['checkpoint'] {
  if (checkpoint === undefined) return null;
  const { path, interval, size } = checkpoint;
  if (interval !== 'auto') return { path, intervalMs: interval, sizeGb: size };
  const intervalMs = durationMs(jobSpecDefaults.checkpointInterval);
  return { path, intervalMs, sizeGb: size, auto: true };
}

/** The default grows with the estimate, so that a long job is not cut off by a limit that nobody set. */
function maxDurationMsOf({ sla, durationEstimate }: WrittenJobSpec): number {
  if (sla.maxDuration !== undefined) return sla.maxDuration;
  return Math.min(
    durationMs('365d'),
    Math.max(durationMs(jobSpecDefaults.maxDuration), 2 * durationEstimate),
  );
}

function durationMs(text: string): number {
  const reading = readDuration(text);
  if (!reading.ok) throw new Error(`the default ${text} is not a duration`);
  return reading.value;
}

function sourceOf(
  { path, uri, size, dataClass, location }: WrittenJobSpec['inputs'][number],
  job: WrittenJobSpec,
): DataSource {
  const inline = readDataUri(uri);
  const sizeGb = inline.ok ? inline.value.sizeBytes / BYTES_PER_GB : (size ?? DEFAULT_INPUT_GB);
  const source = { path, uri, sizeGb, dataClass: dataClass ?? job.dataClass };
  return location === undefined ? source : { ...source, location };
}
