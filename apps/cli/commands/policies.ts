import { InvalidArgumentError } from 'commander';
import type { AddCommand } from '../command';
import { exitCodes } from '../exit-codes';
import { readFileDocument } from '../read-file';
import { renderProblems } from '../render/failure';
import { renderPolicies, renderPolicyVersion } from '../render/policies';

/** What takes a policy out of force. */
const NO_VERSION = 'none';

/** Policies: list, check, save, put in force. */
export const addPolicies: AddCommand = (program, run) => {
  const policies = program
    .command('policies')
    .description('list, check, save and activate policies');
  policies
    .command('ls', { isDefault: true })
    .description('list every version of every policy')
    .action(() =>
      run(async ({ api, io, paint, show }) => {
        const list = await api.policies();
        show(list, () => renderPolicies(list.items, io.nowMs(), paint));
      }),
    );
  policies
    .command('check')
    .description('check a policy without saving it')
    .argument('<file>', 'the policy as YAML or JSON; - for standard input')
    .action((file: string) =>
      run(async ({ api, io, paint, show }) => {
        const problems = await api.checkPolicy(await readFileDocument(io, file));
        show({ problems }, () =>
          problems.length === 0
            ? `${paint.good('✓')} ${file} has no problems`
            : `${paint.bad('✗')} ${file} has problems\n${renderProblems(problems, paint)}`,
        );
        return exitCodes[problems.length === 0 ? 'ok' : 'refused'].code;
      }),
    );
  policies
    .command('apply')
    .description('save a policy as a new version, which is not in force yet')
    .argument('<file>', 'the policy as YAML or JSON; - for standard input')
    .action((file: string) =>
      run(async ({ api, io, paint, show }) => {
        const saved = await api.savePolicy(await readFileDocument(io, file));
        show(saved, () => renderPolicyVersion(saved, paint));
      }),
    );
  policies
    .command('activate')
    .description('put a version of a policy in force')
    .argument('<name>', 'name of the policy')
    .argument('<version>', `its version; ${NO_VERSION} takes the policy out of force`, readVersion)
    .action((name: string, version: number | null) =>
      run(async ({ api, show }) => {
        await api.activatePolicy(name, version);
        show({ name, version }, () =>
          version === null ? `${name} is out of force` : `${name} version ${version} is in force`,
        );
      }),
    );
};

function readVersion(text: string): number | null {
  if (text === NO_VERSION) return null;
  const version = Number(text);
  if (Number.isSafeInteger(version) && version >= 1) return version;
  throw new InvalidArgumentError(`write a version number, or ${NO_VERSION}.`);
}
