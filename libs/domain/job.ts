import type { DecisionId, JobId, OfferId } from './ids';
import type { MicroUsd } from './money';
import type { Reconsideration } from './outlook';

export const workloadClasses = [
  'inference',
  'batch-inference',
  'fine-tuning',
  'training',
  'rendering',
  'prototyping',
  'real-time',
  'confidential',
  'general',
] as const;
export type WorkloadClass = (typeof workloadClasses)[number];

export const dataClasses = [
  'public',
  'internal',
  'personal',
  'health',
  'payment',
  'government',
] as const;
export type DataClass = (typeof dataClasses)[number];

export const complianceRegimes = [
  'hipaa',
  'fedramp-moderate',
  'fedramp-high',
  'gdpr',
  'soc2',
  'iso27001',
  'pci-dss',
] as const;
export type ComplianceRegime = (typeof complianceRegimes)[number];

export const interconnects = ['any', 'nvlink', 'infiniband'] as const;
export type Interconnect = (typeof interconnects)[number];

/** Why a job may be tried again. `interruption`: the provider took the lease back; `start-failure`: it never ran; `error`: non-zero exit. */
export const retryCauses = ['interruption', 'start-failure', 'error'] as const;
export type RetryCause = (typeof retryCauses)[number];

/** An inclusive range; `max: null` is open. */
export interface Range {
  readonly min: number;
  readonly max: number | null;
}

/** One acceptable GPU shape. Empty list of alternatives on a job means that it needs no GPU. */
export interface GpuAlternative {
  /** Canonical model such as `H100` or `A100-80GB`; null accepts any model within the memory range. */
  readonly model: string | null;
  readonly count: number;
  /** Memory of each GPU in GiB. */
  readonly memoryGib: Range;
}

export interface DataSource {
  /** Relative to the working directory. */
  readonly path: string;
  /** `https:`, or `data:` for bytes small enough to travel inside the job. */
  readonly uri: string;
  readonly sizeGb: number;
  readonly dataClass: DataClass;
  /** Where the bytes lie: `provider/region`, a country, or a region by name. Absent and null: nobody said. */
  readonly location?: string | null;
}

export interface DataSink {
  readonly path: string;
  readonly sizeGb: number;
  readonly dataClass: DataClass;
  /** Where they are delivered to, in the same words. Absent and null: away from the provider. */
  readonly location?: string | null;
}

export interface Checkpoint {
  readonly path: string;
  /** How often the workload saves; with `auto`, where nothing better is known. */
  readonly intervalMs: number;
  readonly sizeGb: number;
  /** The router sets the interval for each offer (Young and Daly). Absent: it is as the job says. */
  readonly auto?: boolean;
}

/** Whether a job in a hurry is started in two places at once. `auto`: when its deadline leaves little slack for a failed start. */
export const hedgedStarts = ['never', 'auto', 'always'] as const;
export type HedgedStart = (typeof hedgedStarts)[number];

/** How many copies of a service run. */
export interface Replicas {
  /** Copies that are wanted ready at all times. */
  readonly target: number;
  /** Kept on top on interruptible supply, so that losses are made good before they are felt. */
  readonly extra: number;
}

/** What was asked for, normalised; it never changes after submission. Absent wishes are null, never missing. */
export interface JobSpec {
  readonly version: 'fairlead/v1';
  readonly name: string;
  readonly project: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly costCentre: string | null;
  readonly purchaseOrder: string | null;
  readonly image: string;
  /** Entry point and arguments, one argv; empty keeps the image's own. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Environment name to the name of a secret that the router holds; values never enter a spec. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly workingDirectory: string | null;
  readonly inputs: readonly DataSource[];
  readonly outputs: readonly DataSink[];
  readonly resources: {
    readonly gpus: readonly GpuAlternative[];
    readonly cpus: Range;
    readonly memoryGib: Range;
    readonly diskGb: number;
    readonly interconnect: Interconnect;
  };
  readonly workload: WorkloadClass;
  readonly dataClass: DataClass;
  readonly compliance: readonly ComplianceRegime[];
  /** ISO 3166-1 alpha-2 countries, blocs already expanded; empty means anywhere. */
  readonly residency: readonly string[];
  readonly confidential: boolean;
  readonly interruptible: boolean;
  readonly checkpoint: Checkpoint | null;
  readonly sla: {
    /** From submission; null means no deadline. */
    readonly deadlineMs: number | null;
    readonly queueTimeoutMs: number;
    /** Of one attempt's run. */
    readonly maxDurationMs: number;
    /** Contractual availability wanted, in basis points (9990 = 99.9 %). */
    readonly availabilityBps: number | null;
    readonly hedgedStart: HedgedStart;
  };
  /** Machines that run together, all or none, in one place; 1 for most jobs. */
  readonly nodes: number;
  /** For a service: it runs until it is cancelled or its longest run is over. Null for work that ends by itself. */
  readonly replicas: Replicas | null;
  /** How long the work takes on an acceptable offer when nothing goes wrong. */
  readonly durationEstimateMs: number;
  readonly budget: { readonly maxPricePerHour: MicroUsd | null; readonly maxCost: MicroUsd | null };
  /** 0 to 100; higher goes first. */
  readonly priority: number;
  readonly retry: { readonly on: readonly RetryCause[]; readonly limit: number };
  /** Globs over `provider/region`, for example `aws/us-*`; an empty include list means everything. */
  readonly infra: { readonly include: readonly string[]; readonly exclude: readonly string[] };
}

export const jobStates = [
  'queued',
  'starting',
  'running',
  'recovering',
  'stopping',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export type JobState = (typeof jobStates)[number];

/** Why a job ended as it did; `completed` is the only success. */
export const jobOutcomes = [
  'completed',
  'workload-failed',
  'retries-exhausted',
  'queue-timeout',
  'deadline-passed',
  'budget-exhausted',
  'unsupported',
  'cancelled',
] as const;
export type JobOutcome = (typeof jobOutcomes)[number];

/** The price terms of the offer that a cautious buyer would have taken. */
export interface Baseline {
  readonly offerId: OfferId;
  readonly pricePerHour: MicroUsd;
  readonly billing: { readonly incrementMs: number; readonly minimumMs: number };
}

/** A job as stored: the spec plus what has become of it. */
export interface Job {
  readonly id: JobId;
  readonly spec: JobSpec;
  readonly submittedAtMs: number;
  readonly submittedBy: string;
  readonly state: JobState;
  readonly outcome: JobOutcome | null;
  readonly endedAtMs: number | null;
  readonly cancelRequestedAtMs: number | null;
  /** The decision that placements are taken from; null asks for a new one. */
  readonly decisionId: DecisionId | null;
  /** The place in the line for scarce offers: lower goes first (see `lineKey`). */
  readonly lineKey: number;
  /** The cheapest compliant hyperscaler on-demand offer, fixed at the first decision that had one; what savings are measured against. */
  readonly baseline: Baseline | null;
  /** What the last reconsideration said; null before the first. */
  readonly outlook: Reconsideration | null;
  readonly revision: number;
  /** When the job wants to be looked at next, running or waiting; null when somebody else will say so, or nothing is left to do. */
  readonly dueAtMs: number | null;
}

/** The moment by which the job must be finished, or null. */
export function deadlineAtMs(job: Pick<Job, 'spec' | 'submittedAtMs'>): number | null {
  return job.spec.sla.deadlineMs === null ? null : job.submittedAtMs + job.spec.sla.deadlineMs;
}

/** What a decision may know of the job. */
export interface JobFacts {
  readonly id: JobId;
  readonly spec: JobSpec;
  readonly deadlineAtMs: number | null;
  /** Already charged to the job by earlier attempts. */
  readonly spent: MicroUsd;
  /** Where its last checkpoint lies, as `provider/region`; absent and null before the first attempt. */
  readonly checkpointAt?: string | null;
  /** The baseline that was fixed at an earlier decision; absent and null before there is one. */
  readonly baseline?: Baseline | null;
}
