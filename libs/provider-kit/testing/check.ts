import type { ProviderDescriptor } from '../descriptor';
import type { ConformanceHarness } from './harness';

export const checkGroups = [
  'offers',
  'acquire',
  'observe',
  'release',
  'listLeases',
  'errors',
  'manners',
  'declarations',
] as const;
export type CheckGroup = (typeof checkGroups)[number];

/** One statement about every provider. `run` throws when it does not hold, and `SkipCheck` when it cannot be asked here. */
export interface Check {
  readonly group: CheckGroup;
  readonly name: string;
  /**
   * `emulator`: needs faults, books or a hand on the clock, so it cannot run against the real provider. `workload`: needs an
   * emulator that really runs the workload as well.
   */
  readonly needs: 'any' | 'emulator' | 'workload';
  /** Why it does not apply to providers that declare this, or null when it does. */
  readonly unless?: (descriptor: ProviderDescriptor) => string | null;
  readonly run: (harness: ConformanceHarness) => Promise<void>;
}

/** Says that a check cannot be asked here, and why. */
export class SkipCheck extends Error {
  constructor(readonly reason: string) {
    super(reason);
    this.name = 'SkipCheck';
  }
}

/** Skips for providers that find a repeated acquire only by reading: a hasty repeat is outside their contract. */
export function unlessRepeatsExactly({ idempotency }: ProviderDescriptor): string | null {
  return idempotency === 'client-token' || idempotency === 'deterministic-name'
    ? null
    : `idempotency is ${idempotency}: concurrent repeats are not promised`;
}
