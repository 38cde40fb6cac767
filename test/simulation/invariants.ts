/** What must always hold. The numbers are cited by tests and documents. */
export const invariants = {
  I1: 'at most one live lease per job, or per slot and role where a job has several',
  I2: 'nothing is left running at the end',
  I3: 'every job ends',
  I4: 'no use case fails: no illegal transition, no broken assumption',
  I5: 'no lease that policy forbids',
  I6: 'spend never exceeds the job’s maximum by more than one billing increment of each lease',
  I7: 'every charge has a cost entry that covers it',
  I8: 'an older job never waits behind a younger one of equal priority for the same offer',
  I9: 'a workload runs at most once per attempt',
  I10: 'a job that free capacity could serve for an hour does not time out waiting',
  I11: 'no point of no return passes unseen',
  I12: 'no job is moved in a loop',
  I13: 'where reliable supply is free and nothing else fails, a job that can save its work keeps its deadline',
  I14: 'of a job one workload runs at a time, but for the nodes of a gang and the replicas of a service',
  I15: 'no node of a gang begins before all of them are up',
  I16: 'where reliable supply is free, a service lacks ready replicas for minutes only',
} as const;
export type InvariantId = keyof typeof invariants;

export interface Breach {
  readonly invariant: InvariantId;
  readonly detail: string;
}
