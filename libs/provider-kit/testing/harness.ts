import type { AttemptId } from '#libs/domain';
import type { CallContext, LeaseWorkload, ProviderAdapter } from '../adapter';
import type { RunningEmulator } from '../emulator';

/**
 * What the conformance suite expects of an emulator beyond the types in `emulator.ts`:
 *
 * - Time is the `clock` it was given, which stands still between two calls: every boot, bid, lag and price uses `clock`, never the
 *   machine's timers. Workloads are real processes, and their end is noticed in real time.
 * - `inject` throws where the provider has no wire form for a combination of verb and kind (the check is then skipped and says so).
 *   `rate-limited`, `unavailable`, `credentials-rejected`, `unmapped` and `timeout` exist for every verb, and `no-capacity` and
 *   `request-rejected` for `acquire`: those are never skipped. A `rate-limited` fault tells the caller when to come back wherever
 *   the provider has words for it.
 * - A fault hits one call of a verb (not one request), and the call must fail: with `times: 2` two calls fail and the third works.
 * - Listings answer in pages of at most `LEASES_ON_ONE_PAGE`, so that paging is exercised by a dozen leases.
 * - `setReadLag` hides new leases (and news of old ones) from reads, never from the reply to `acquire` nor from idempotency by
 *   client token or name.
 */
export const LEASES_ON_ONE_PAGE = 10;

/** `ends`: writes `started`, then `finished`, and stops by itself. `stays`: writes `started` and runs until it is stopped. */
export type ProbeKind = 'ends' | 'stays';

/** A workload whose effects the suite can see from outside. */
export interface ProbeWorkload {
  readonly workload: LeaseWorkload;
  /** The words it has written so far, oldest first. */
  marks(): readonly string[];
}

/** One provider under test, with everything that a check may ask of it. Each check gets a harness of its own. */
export interface ConformanceHarness {
  readonly adapter: ProviderAdapter;
  /** Null when the provider is the real one. */
  readonly emulator: RunningEmulator | null;
  /** Texts that no error message may hold. */
  readonly secrets: readonly string[];
  /** Requests that have reached the provider so far; null where nobody counts. */
  readonly requests: (() => number) | null;
  nowMs(): number;
  /** A context whose signal aborts after a bound that is generous for any machine. */
  context(): CallContext;
  newLeaseKey(): AttemptId;
  workload(kind: ProbeKind): ProbeWorkload;
  /** Lets provider time pass. */
  pass(durationMs: number): Promise<void>;
  /** Asks `probe` again and again, for up to `boundMs` of provider time, until it answers something other than null. */
  settle<T>(probe: () => Promise<T | null>, boundMs: number): Promise<T | null>;
  /** Lets go of everything, workloads included. Repeatable. */
  close(): Promise<void>;
}

/**
 * Makes a fresh harness. `emulatedHarness(plugin)` is the usual one, which makes a provider's `conformance.spec.ts`:
 *
 *     import { describeAdapterConformance, emulatedHarness } from '#libs/provider-kit/testing';
 *     import { aws } from './index';
 *
 *     describeAdapterConformance(aws.descriptor, emulatedHarness(aws));
 */
export interface MakeHarness {
  (): Promise<ConformanceHarness>;
  /** Why there is no emulator, or null when there is one. */
  readonly withoutEmulator: string | null;
  /** Why the effects of a workload cannot be seen (nothing runs, or it runs far away), or null when `marks` shows them. */
  readonly unseenWorkloads: string | null;
}
