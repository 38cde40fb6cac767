import type { VersionedPolicy } from '../compile-policy';
import { confidential } from './confidential';
import { consumerHardware } from './consumer-hardware';
import { fedramp } from './fedramp';
import { frontierTraining } from './frontier-training';
import { gdpr } from './gdpr';
import { hipaa } from './hipaa';
import { longTraining } from './long-training';
import { pciDss } from './pci-dss';
import { realTime } from './real-time';
import { soc2Only } from './soc2-only';
import { tokenExposure } from './token-exposure';
import { workloadPreferences } from './workload-preferences';

/** Raised whenever a built-in document changes, so that a decision names the text that it was made under. */
const BUILTIN_VERSION = 1;

/** The policies that are on by default. Their names mark them as shipped, so that the preferences of others overrule theirs. */
export const builtinPolicies: readonly VersionedPolicy[] = [
  confidential,
  consumerHardware,
  fedramp,
  frontierTraining,
  gdpr,
  hipaa,
  longTraining,
  pciDss,
  realTime,
  soc2Only,
  tokenExposure,
  workloadPreferences,
].map((document) => ({ document, version: BUILTIN_VERSION }));

/**
 * Shipped policies of earlier releases, and what they have become: each successor comes in force where its predecessor was, and
 * the predecessor ends.
 */
export const succeeded: Readonly<Record<string, readonly string[]>> = {
  'builtin-regulated-data': [hipaa, fedramp, gdpr, pciDss].map(({ name }) => name),
  'builtin-workload-placement': [confidential, consumerHardware, frontierTraining, realTime].map(
    ({ name }) => name,
  ),
};

/** The shipped policy that a document was part of in earlier releases, or null. */
export function predecessorOf(name: string): string | null {
  const found = Object.entries(succeeded).find(([, successors]) => successors.includes(name));
  return found?.[0] ?? null;
}
