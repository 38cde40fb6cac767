import { placedIn } from '#libs/contracts';
import type { AddCommand } from '../command';
import { exitCodes } from '../exit-codes';
import { readFileDocument, readTextAndDocument } from '../read-file';
import { renderProblems } from '../render/failure';
import { renderPolicies, renderPolicyVersion } from '../render/policies';
import { addPolicyFiles } from './policy-files';
import { addPolicyLife } from './policy-life';
import { addWhatIf } from './what-if';

/** Policies: what they say, what they would do, their life, and folders of them. */
export const addPolicies: AddCommand = (program, run) => {
  const policies = program
    .command('policies')
    .description('list, check, try out, apply, approve and roll back policies');
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
        const { text, document } = await readTextAndDocument(io, file);
        const found = await api.checkPolicy(document);
        const problems = placedIn(text, found.problems);
        const warnings = placedIn(text, found.warnings ?? []);
        show({ problems, warnings }, () =>
          [
            problems.length === 0
              ? `${paint.good('✓')} ${file} has no problems`
              : `${paint.bad('✗')} ${file} has problems\n${renderProblems(problems, paint)}`,
            ...(warnings.length === 0 ? [] : [`worth a look:\n${renderProblems(warnings, paint)}`]),
          ].join('\n'),
        );
        return exitCodes[problems.length === 0 ? 'ok' : 'refused'].code;
      }),
    );
  policies
    .command('draft')
    .description('save a policy as a new version, which is not in force yet')
    .argument('<file>', 'the policy as YAML or JSON; - for standard input')
    .option('--comment <text>', 'why; kept in the history')
    .action((file: string, { comment }: { readonly comment?: string }) =>
      run(async ({ api, io, paint, show }) => {
        const saved = await api.savePolicy(await readFileDocument(io, file), comment);
        show(saved, () => renderPolicyVersion(saved, paint));
      }),
    );
  addWhatIf(policies, run);
  addPolicyFiles(policies, run);
  addPolicyLife(policies, run);
};
