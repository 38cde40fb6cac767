import type { Stores } from '../ports';
import { describeAttempts } from './attempts.suite';
import { describeBudgets } from './budgets.suite';
import { describeCommitments } from './commitments.suite';
import { describeHealth } from './health.suite';
import { describeJobs } from './jobs.suite';
import type { Open, WorkloadStores } from './open';
import { describePrices } from './prices.suite';
import { describePolicies } from './policies.suite';
import { describeRecords } from './records.suite';
import { describeWorkloadStores } from './workload.suite';

export type { Open, Opened, WorkloadStores } from './open';

/** Holds an implementation of the stores that the dispatch loop works on to the words of `ports.ts`. `open` gives empty ones. */
export function describePorts(name: string, open: Open<Stores>): void {
  describe(`${name}: jobs`, () => describeJobs(open));
  describe(`${name}: attempts`, () => describeAttempts(open));
  describe(`${name}: records`, () => describeRecords(open));
  describe(`${name}: commitments and calibration`, () => describeCommitments(open));
  describe(`${name}: health`, () => describeHealth(open));
  describe(`${name}: policies`, () => describePolicies(open));
  describe(`${name}: feeds and prices`, () => describePrices(open));
}

/** The same for budgets and the stores of `workload-ports.ts`. */
export function describeWorkloadPorts(name: string, open: Open<WorkloadStores>): void {
  describe(`${name}: budgets`, () => describeBudgets(open));
  describe(`${name}: workloads, keys and reports`, () => describeWorkloadStores(open));
}
