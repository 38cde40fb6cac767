import { canonicalJson } from '#libs/domain';
import type { Clock } from '#libs/runtime';
import type { Policies, PolicyVersion } from '#libs/storage';
import { builtinPolicies } from './builtin/builtin-policies';

const SHIPPED = 'fairlead';

/**
 * Puts the shipped policies in force at start. A shipped text that has changed becomes a new version, which takes over only
 * where the one before it was in force: who has switched a built-in policy off, or replaced it, keeps it that way.
 */
export class SeedBuiltinPolicies {
  constructor(
    private readonly policies: Policies,
    private readonly clock: Clock,
  ) {}

  async run(): Promise<void> {
    const stored = await this.policies.list();
    for (const { document } of builtinPolicies) {
      const versions = stored.filter((known) => known.document.name === document.name);
      const latestShipped = versions.find(({ createdBy }) => createdBy === SHIPPED);
      if (
        latestShipped !== undefined &&
        canonicalJson(latestShipped.document) === canonicalJson(document)
      )
        continue;
      const created = await this.policies.create(document, SHIPPED, this.clock.nowMs());
      if (takesOver(versions, latestShipped)) {
        await this.policies.activate(document.name, created.version, this.clock.nowMs());
      }
    }
  }
}

function takesOver(
  versions: readonly PolicyVersion[],
  latestShipped: PolicyVersion | undefined,
): boolean {
  return versions.length === 0 || latestShipped?.active === true;
}
