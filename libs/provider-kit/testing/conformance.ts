import type { ProviderDescriptor } from '../descriptor';
import { SkipCheck } from './check';
import type { Check, CheckGroup } from './check';
import { acquireChecks } from './checks/acquire';
import { declarationChecks } from './checks/declarations';
import { errorChecks } from './checks/errors';
import { listLeasesChecks } from './checks/list-leases';
import { mannersChecks } from './checks/manners';
import { observeChecks } from './checks/observe';
import { offerChecks } from './checks/offers';
import { releaseChecks } from './checks/release';
import type { MakeHarness } from './harness';

/** What every provider must do, whoever it is. Both runners, Jest's and the command line's, walk this list. */
export const conformanceChecks: readonly Check[] = [
  ...offerChecks,
  ...acquireChecks,
  ...observeChecks,
  ...releaseChecks,
  ...listLeasesChecks,
  ...errorChecks,
  ...mannersChecks,
  ...declarationChecks,
];

export type CheckStatus = 'passed' | 'failed' | 'skipped';

export interface CheckOutcome {
  readonly group: CheckGroup;
  readonly name: string;
  readonly status: CheckStatus;
  /** Why it failed or was skipped. */
  readonly reason: string | null;
}

/** Longer than any check takes; one that hangs is failed then. */
export const CHECK_BOUND_MS = 120_000;

/** Why a check cannot be asked of this provider in this place, or null when it can. */
export function skipReason(
  { needs, unless }: Check,
  descriptor: ProviderDescriptor,
  { withoutEmulator, unseenWorkloads }: MakeHarness,
): string | null {
  if (needs !== 'any' && withoutEmulator !== null) return withoutEmulator;
  if (needs === 'workload' && unseenWorkloads !== null) return unseenWorkloads;
  return unless?.(descriptor) ?? null;
}

/** Runs one check on a harness of its own, which is closed even if the check hangs, and throws what the check throws. */
export async function performCheck(
  check: Check,
  makeHarness: MakeHarness,
  boundMs: number = CHECK_BOUND_MS,
): Promise<void> {
  const harness = await makeHarness();
  try {
    await within(boundMs, check.run(harness));
  } finally {
    await harness.close();
  }
}

/** Runs one check and says what became of it; never throws. */
export async function tryCheck(
  check: Check,
  descriptor: ProviderDescriptor,
  makeHarness: MakeHarness,
  boundMs?: number,
): Promise<CheckOutcome> {
  const { group, name } = check;
  const skip = skipReason(check, descriptor, makeHarness);
  if (skip !== null) return { group, name, status: 'skipped', reason: skip };
  try {
    await performCheck(check, makeHarness, boundMs);
    return { group, name, status: 'passed', reason: null };
  } catch (error) {
    if (error instanceof SkipCheck) return { group, name, status: 'skipped', reason: error.reason };
    return { group, name, status: 'failed', reason: reasonOf(error) };
  }
}

async function within(boundMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not finished after ${boundMs} ms`)), boundMs);
  });
  try {
    await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/** On one line, as tables want it. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s+/g, ' ');
}
