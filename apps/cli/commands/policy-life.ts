import { Option, type Command } from 'commander';
import type { PolicyStep, SavedPolicy } from '../api-client';
import type { AddCommand, RunAction } from '../command';
import { Failure } from '../failure';
import { renderHistory, renderMoved, renderSettings } from '../render/policies';
import type { Session } from '../session';
import { readMoment, readVersion } from './policy-options';

/** What takes a policy out of force. */
const NO_VERSION = 'none';

interface Reason {
  readonly comment?: string;
}

/** The life of policies: approval, activation at a time, rolling back, history. */
export const addPolicyLife: AddCommand = (policies, run) => {
  addHistory(policies, run);
  commented(policies, 'submit', 'put a version up for approval by somebody else')
    .argument('<version>', 'its version', readVersion)
    .option(
      '--at <time>',
      'take effect then, once it is approved; by default when activated',
      readMoment,
    )
    .action((name: string, version: number, { at, comment }: Reason & { readonly at?: string }) =>
      run((session) => step(session, 'submitPolicy', name, { version, at, comment })),
    );
  for (const [word, operation, description] of verdicts)
    commented(policies, word, description)
      .argument('[version]', 'its version; the one that awaits it by default', readVersion)
      .action((name: string, version: number | undefined, { comment }: Reason) =>
        run(async (session) => {
          const about = version ?? (await awaiting(session, name));
          return step(session, operation, name, { version: about, comment });
        }),
      );
  commented(policies, 'withdraw', 'make a version that is on its way a draft again')
    .argument('<version>', 'its version', readVersion)
    .action((name: string, version: number, { comment }: Reason) =>
      run((session) => step(session, 'withdrawPolicy', name, { version, comment })),
    );
  commented(policies, 'activate', 'put a version of a policy in force')
    .argument('<version>', `its version; ${NO_VERSION} takes the policy out of force`, readTarget)
    .action((name: string, version: number | null, { comment }: Reason) =>
      run((session) => step(session, 'activatePolicy', name, { version, comment })),
    );
  commented(policies, 'schedule', 'put a version of a policy in force at a time')
    .argument('<version>', 'its version', readVersion)
    .requiredOption('--at <time>', 'when it takes effect', readMoment)
    .action((name: string, version: number, { at, comment }: Reason & { at: string }) =>
      run((session) => step(session, 'activatePolicy', name, { version, at, comment })),
    );
  commented(policies, 'rollback', 'go back to a version that was in force before, at once')
    .option('--to <version>', 'the version; the one before by default', readVersion)
    .action((name: string, { to, comment }: Reason & { to?: number }) =>
      run((session) => step(session, 'rollBackPolicy', name, { to, comment })),
    );
  addSettings(policies, run);
};

const verdicts: readonly (readonly [string, PolicyStep, string])[] = [
  ['approve', 'approvePolicy', 'agree to a version, or to the end of a policy'],
  ['reject', 'rejectPolicy', 'refuse a version, or the end of a policy'],
];

function commented(policies: Command, word: string, description: string): Command {
  return policies
    .command(word)
    .description(description)
    .argument('<name>', 'name of the policy')
    .option('--comment <text>', 'why; kept in the history');
}

async function step(
  { api, paint, show }: Session,
  operation: PolicyStep,
  name: string,
  body: unknown,
): Promise<void> {
  const moved = await api.movePolicy(operation, name, body);
  show(moved, () => renderMoved(name, moved, paint));
}

/** The one version that somebody has to agree to. */
async function awaiting({ api }: Session, name: string): Promise<number> {
  const { versions } = await api.policyHistory(name, { limit: 1 });
  const open = versions.filter(({ state }: SavedPolicy) => state.startsWith('awaiting-'));
  const [one] = open;
  if (one !== undefined && open.length === 1) return one.version;
  const found = open.map(({ version }) => version).join(', ');
  throw new Failure(
    'usage',
    open.length === 0 ? `no version of ${name} awaits approval` : `several await it: ${found}`,
    { remedy: `name the version; see \`fairlead policies history ${name}\`` },
  );
}

function addHistory(policies: Command, run: RunAction): void {
  policies
    .command('history')
    .description('show every version of a policy, and who did what and why')
    .argument('<name>', 'name of the policy')
    .option('-n, --limit <count>', 'how many events', readVersion, 50)
    .action((name: string, { limit }: { readonly limit: number }) =>
      run(async ({ api, io, paint, show }) => {
        const history = await api.policyHistory(name, { limit });
        show(history, () => renderHistory(history, io.nowMs(), paint));
      }),
    );
}

interface SettingsOptions {
  readonly requireApproval?: 'yes' | 'no';
  readonly project?: string;
}

function addSettings(policies: Command, run: RunAction): void {
  policies
    .command('settings')
    .description('show or set where changes of policies need a second person')
    .addOption(new Option('--require-approval <answer>', 'whether they do').choices(['yes', 'no']))
    .option('--project <project>', 'for policies that speak of this project only')
    .action(({ requireApproval, project }: SettingsOptions & { project?: string | null }) =>
      run(async ({ api, paint, show }) => {
        const settings =
          requireApproval === undefined
            ? await api.policySettings()
            : await api.setPolicySettings({ project, requireApproval: requireApproval === 'yes' });
        show(settings, () => renderSettings(settings, paint));
      }),
    );
}

function readTarget(text: string): number | null {
  return text === NO_VERSION ? null : readVersion(text);
}
