import type { ProviderDescriptor } from '../descriptor';
import { checkGroups, SkipCheck } from './check';
import { CHECK_BOUND_MS, conformanceChecks, performCheck, skipReason } from './conformance';
import type { MakeHarness } from './harness';

/** A check that hangs is failed by its own bound, and its harness closed, before Jest gives it up. */
const CLOSE_BOUND_MS = 30_000;

/** The conformance suite as Jest tests: one `describe` for the provider, one for each group of checks. */
export function describeAdapterConformance(
  descriptor: ProviderDescriptor,
  makeHarness: MakeHarness,
): void {
  describe(`${descriptor.id} conforms to the provider contract`, () => {
    for (const group of checkGroups) {
      describe(group, () => {
        for (const check of conformanceChecks.filter((each) => each.group === group)) {
          const skip = skipReason(check, descriptor, makeHarness);
          if (skip !== null) it.skip(`${check.name} (${skip})`, () => undefined);
          else
            it(
              check.name,
              () => performOrSkip(check, makeHarness),
              CHECK_BOUND_MS + CLOSE_BOUND_MS,
            );
        }
      });
    }
  });
}

/** A check that finds out while running that it cannot be asked here counts as passed for Jest; the command line shows the reason. */
async function performOrSkip(
  check: (typeof conformanceChecks)[number],
  makeHarness: MakeHarness,
): Promise<void> {
  try {
    await performCheck(check, makeHarness);
  } catch (error) {
    if (!(error instanceof SkipCheck)) throw error;
  }
}
