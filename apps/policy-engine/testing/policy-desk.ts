import type { PolicyDocument, PolicyWish } from '#libs/domain';
import { ActivateDuePolicies } from '../activate-due-policies';
import { ApplyPolicies, type PolicyApplication } from '../apply-policies';
import { MovePolicy } from '../move-policy';
import { PolicyBell } from '../policy-bell';
import { SavePolicy } from '../save-policy';
import { WhatIfPolicy } from '../what-if-policy';
import { Desk, noSpot } from './desk';

/** A desk at which policies are written, agreed to and tried out. */
export class PolicyDesk extends Desk {
  readonly save = new SavePolicy(this.stores.policies, this.clock);
  private readonly bell = new PolicyBell(this.stores.jobs, this.doorbell);
  readonly mover = new MovePolicy(this.stores.policies, this.bell, this.clock);
  readonly applier = new ApplyPolicies(this.stores.policies, this.save, this.bell, this.clock);
  readonly due = new ActivateDuePolicies(this.stores.policies, this.mover, this.clock);
  readonly whatIf = new WhatIfPolicy(this.stores, this.save, this.clock);

  move(wish: PolicyWish, by = 'ann', name = 'acme') {
    return this.mover.run(name, wish, { by, comment: `as ${by} wished` });
  }

  apply(documents: readonly PolicyDocument[], over: Partial<PolicyApplication> = {}) {
    const rest = { prune: false, dryRun: false, atMs: null, by: 'ann', comment: null };
    return this.applier.run({ ...rest, ...over, documents });
  }

  async asksForApproval(project: string | null = null, requireApproval = true): Promise<void> {
    const setAtMs = this.clock.nowMs();
    await this.stores.policies.put({ project, requireApproval, setBy: 'root', setAtMs });
  }

  /** Versions of a name with their states, oldest first. */
  async standing(name = 'acme'): Promise<readonly string[]> {
    const versions = await this.stores.policies.ofName(name);
    return [...versions].reverse().map(({ version, state }) => `${version} ${state}`);
  }
}

/** `noSpot` under other words, so that it is another document. */
export const worded = (description: string, name = 'acme'): PolicyDocument => ({
  ...noSpot(name),
  description,
});
