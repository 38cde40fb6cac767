import type { AttemptId, JobId, MicroUsd, ProviderId } from '#libs/domain';
import type { BudgetState } from './ports';

/**
 * The stores of what workloads send, of who may ask, and of what finance reads. Same rules as in `ports.ts`: abstract
 * classes that are type and injection token at once, one suite for every implementation.
 */

/** The output of one attempt's workload, an append-only stream of bytes. */
export abstract class Logs {
  /**
   * Appends `bytes` as the stretch that begins at `offset` and returns the length afterwards, which is the offset expected
   * next. Bytes below the present length came before and are dropped; a chunk that would leave a gap is not stored. The
   * total of an attempt is bounded by `MAX_LOG_BYTES`: what exceeds it is counted in the length but not kept.
   */
  abstract append(
    attemptId: AttemptId,
    offset: number,
    bytes: Uint8Array,
    nowMs: number,
  ): Promise<number>;
  /** Up to `limit` bytes from `offset` on; empty at or past the end. */
  abstract read(attemptId: AttemptId, offset: number, limit: number): Promise<Uint8Array>;
}

/** How much of one attempt's output is kept. */
export const MAX_LOG_BYTES = 256 * 1024 * 1024;

export const artifactKinds = ['output', 'checkpoint'] as const;
export type ArtifactKind = (typeof artifactKinds)[number];

/** What names an artifact. It belongs to the job, so that the next attempt finds the checkpoint of the one before. */
export interface ArtifactRef {
  readonly jobId: JobId;
  readonly kind: ArtifactKind;
  /** The position in the job's `outputs`; 0 for the checkpoint. */
  readonly index: number;
}

export interface ArtifactMeta extends ArtifactRef {
  /** Who delivered it last. */
  readonly attemptId: AttemptId;
  /** `application/x-tar` for a directory. */
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly atMs: number;
}

export abstract class Artifacts {
  /** Stores or replaces the artifact as a whole: a reader sees the old bytes or the new ones. */
  abstract put(meta: Omit<ArtifactMeta, 'sizeBytes'>, bytes: Uint8Array): Promise<ArtifactMeta>;
  abstract get(
    ref: ArtifactRef,
  ): Promise<{ readonly meta: ArtifactMeta; readonly bytes: Uint8Array } | null>;
  /** Outputs by index, then the checkpoint. */
  abstract list(jobId: JobId): Promise<readonly ArtifactMeta[]>;
}

/** What is kept of an API key; the secret itself is shown once and stored nowhere. */
export interface ApiKey {
  /** `key-…`, the public half of the key. */
  readonly id: string;
  readonly name: string;
  /** From `roles` in the contracts; kept as text so that an unknown one merely grants nothing. */
  readonly roles: readonly string[];
  /** The only projects the key may see, or null for all. */
  readonly projects: readonly string[] | null;
  /** SHA-256 of the secret half in lower-case hex. */
  readonly secretDigest: string;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly revokedAtMs: number | null;
}

export abstract class ApiKeys {
  abstract create(key: ApiKey): Promise<void>;
  /** Also a revoked one: the caller decides what that means. */
  abstract get(id: string): Promise<ApiKey | null>;
  /** Newest first; all of them, since they are made by hand. */
  abstract list(): Promise<readonly ApiKey[]>;
  /** Repeatable; keeps the first time. False when there is no such key. */
  abstract revoke(id: string, nowMs: number): Promise<boolean>;
}

/** Limits of one project for every month; null is no limit. */
export interface BudgetLimits {
  readonly project: string;
  readonly softLimit: MicroUsd | null;
  readonly hardLimit: MicroUsd | null;
}

export abstract class Budgets {
  /** The project's budget in a period (`2026-11`), or null when the project has none. */
  abstract of(project: string, period: string): Promise<BudgetState | null>;
  /** Every project that has a budget, by name. */
  abstract list(period: string): Promise<readonly BudgetState[]>;
  /** Sets both limits from now on; two nulls leave a budget that only counts. */
  abstract put(limits: BudgetLimits, nowMs: number): Promise<void>;
}

export const costDimensions = [
  'project',
  'cost-centre',
  'provider',
  'gpu',
  'day',
  'kind',
  'commitment',
] as const;
export type CostDimension = (typeof costDimensions)[number];

/** Charges of the half-open interval, filtered and grouped. */
export interface CostQuery {
  readonly fromMs: number;
  readonly toMs: number;
  /** Only these projects; null is all. */
  readonly projects: readonly string[] | null;
  readonly providerId: ProviderId | null;
  /** In this order; empty asks for one total. */
  readonly groupBy: readonly CostDimension[];
}

export interface CostRow {
  /** One value for each dimension asked for, in its order; null where the charge has none. Days are `2026-11-21`, in UTC. */
  readonly group: readonly (string | null)[];
  readonly billed: MicroUsd;
  /** The same at list price: with what commitments have paid. */
  readonly listCost: MicroUsd;
  /** What the same work would have cost at the jobs' baselines, for the charges whose job has one; null when none has. */
  readonly baseline: MicroUsd | null;
  /** The part of `billed` that `baseline` is to be compared with; `baseline - comparable` is the saving. */
  readonly comparable: MicroUsd;
  readonly leaseMs: number;
  readonly jobs: number;
}

export abstract class Reports {
  /** Rows by group, at most `limit`; `more` tells that there were others. */
  abstract costs(
    query: CostQuery,
    limit: number,
  ): Promise<{ readonly rows: readonly CostRow[]; readonly more: boolean }>;
}

/** Says that there are new events, so that readers need not poll often. A ring may be lost: poll as well, seldom. */
export abstract class EventSignal {
  /** Calls `onRing` for each ring from any process until the returned function is called. */
  abstract listen(onRing: () => void): Promise<() => Promise<void>>;
}

/** What is older than this may go. Jobs, attempts and what they cost are kept for good. */
export interface RetentionCutoffs {
  readonly eventsBeforeMs: number;
  /** Decisions of jobs that ended before. */
  readonly decisionsBeforeMs: number;
  /** Offers that were replaced before, except those that a kept decision was made from. */
  readonly offersBeforeMs: number;
  /** Suspensions that ended before. */
  readonly suspensionsBeforeMs: number;
  readonly idempotencyKeysBeforeMs: number;
  /** Logs and artifacts of jobs that ended before. */
  readonly outputsBeforeMs: number;
}

export const prunedKinds = [
  'events',
  'decisions',
  'offerVersions',
  'bookVersions',
  'suspensions',
  'idempotencyKeys',
  'logChunks',
  'logStreams',
  'artifacts',
] as const;
export type PrunedCounts = { readonly [Kind in (typeof prunedKinds)[number]]: number };

export abstract class Retention {
  /** Deletes at most `limit` rows of each kind, the oldest first, and says how many. Repeatable, and safe beside every writer. */
  abstract prune(cutoffs: RetentionCutoffs, limit: number): Promise<PrunedCounts>;
}
