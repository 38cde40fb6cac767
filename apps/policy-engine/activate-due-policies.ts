import { POLICY_SYSTEM_AUTHOR, policyRemedies } from '#libs/domain';
import type { Clock } from '#libs/runtime';
import type { Policies } from '#libs/storage';
import type { MovePolicy, MovedPolicy } from './move-policy';

/** What one run puts in force at most; the rest is due still when it is rung for again. */
const DUE_LIMIT = 100;

/** Put in force what was to take effect by now. Its rows say what is due, so that any number of runs do it once. */
export class ActivateDuePolicies {
  constructor(
    private readonly policies: Pick<Policies, 'due'>,
    private readonly move: Pick<MovePolicy, 'run'>,
    private readonly clock: Clock,
  ) {}

  async run(): Promise<void> {
    for (const { name, version } of await this.policies.due(this.clock.nowMs(), DUE_LIMIT))
      await this.activate(name, version);
  }

  /** What cannot take effect any more goes back to being a draft, which says why, instead of being tried for ever. */
  private async activate(name: string, version: number): Promise<void> {
    const wish = { do: 'activate', version, atMs: null } as const;
    const moved = await this.move.run(name, wish, { by: POLICY_SYSTEM_AUTHOR, comment: null });
    const obstacle = obstacleIn(moved);
    if (obstacle === null) return;
    const actor = { by: POLICY_SYSTEM_AUTHOR, comment: `not put in force: ${obstacle}` };
    await this.move.run(name, { do: 'withdraw', version }, actor);
  }
}

function obstacleIn(moved: MovedPolicy): string | null {
  switch (moved.kind) {
    case 'moved':
      return null;
    case 'refused':
      return `${moved.refusal}; ${policyRemedies[moved.refusal]}`;
    case 'invalid':
      return moved.problems.map(({ message }) => message).join('; ');
  }
}
