import type { VersionedPolicy } from '../compile-policy';
import { regulatedData } from './regulated-data';
import { workloadPlacement } from './workload-placement';
import { workloadPreferences } from './workload-preferences';

/** Raised whenever a built-in document changes, so that a decision names the text that it was made under. */
const BUILTIN_VERSION = 1;

/** The policies that are on by default. Their names mark them as shipped, so that the preferences of others overrule theirs. */
export const builtinPolicies: readonly VersionedPolicy[] = [
  regulatedData,
  workloadPlacement,
  workloadPreferences,
].map((document) => ({ document, version: BUILTIN_VERSION }));
