import { asJobId, type Job } from '#libs/domain';
import { aJob } from '../../testkit/builders';
import type { NewEvent, Stores, Submission } from '../ports';
import type { Budgets, Reports, ApiKeys, Artifacts, Logs } from '../workload-ports';

/** Empty stores for one test, and what ends them. */
export interface Opened<T> {
  readonly stores: T;
  close(): Promise<void>;
}
export type Open<T> = () => Promise<Opened<T>>;

export type WorkloadStores = Stores & {
  readonly budgets: Budgets;
  readonly logs: Logs;
  readonly artifacts: Artifacts;
  readonly apiKeys: ApiKeys;
  readonly reports: Reports;
};

/** The stores of the running test; opened before and closed after each. */
export function eachTest<T>(open: Open<T>): () => T {
  let opened: Opened<T> | null = null;
  beforeEach(async () => {
    opened = await open();
  });
  afterEach(async () => {
    await opened?.close();
    opened = null;
  });
  return () => {
    if (opened === null) throw new Error('stores are open only within a test');
    return opened.stores;
  };
}

export function submissionOf(job: Job, wanted: Partial<Submission> = {}): Submission {
  return { job, idempotency: null, reservation: null, events: [], ...wanted };
}

/** Stores a built job and returns it as stored. */
export async function submitted(
  { jobs }: Pick<Stores, 'jobs'>,
  wanted: Parameters<typeof aJob>[0],
): Promise<Job> {
  const result = await jobs.submit(submissionOf(aJob(wanted)));
  if (result.kind !== 'created') throw new Error(`not created: ${result.kind}`);
  return result.job;
}

export function eventOf(jobId: string, type: string, atMs = 0): NewEvent {
  return { type, data: { of: type }, jobId: asJobId(jobId), attemptId: null, atMs };
}

/** How many of the calls succeeded, whatever became of the others. */
export async function countFulfilled(calls: readonly Promise<unknown>[]): Promise<number> {
  return (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled').length;
}
