import type { AddCommand } from '../command';
import { readPolicyFiles, withFileNames, writePolicyFiles } from '../policy-folder';
import { renderApplied, renderDiff, renderExport } from '../render/policy-changes';
import type { Session } from '../session';
import { readMoment, readVersion } from './policy-options';

interface ApplyOptions {
  readonly file: string;
  readonly dryRun?: boolean;
  readonly prune?: boolean;
  readonly at?: string;
  readonly comment?: string;
}

interface DiffOptions {
  readonly file?: string;
  readonly prune?: boolean;
  readonly from?: number;
  readonly to?: number;
}

/** Policies as files: a folder is made what is in force, compared with it, or written from it. */
export const addPolicyFiles: AddCommand = (policies, run) => {
  policies
    .command('apply')
    .description('put the policies of a folder or file in force: checked together, all or nothing')
    .requiredOption('-f, --file <path>', 'a folder of policies as YAML or JSON, or one file')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--prune', 'end policies in force that are not there; shipped ones stay')
    .option('--at <time>', 'take effect then instead of now', readMoment)
    .option('--comment <text>', 'why; kept in the history')
    .action((options: ApplyOptions) => run((session) => apply(session, options)));
  policies
    .command('diff')
    .description('compare a folder with what is in force, or two versions of one policy')
    .argument('[name]', 'name of a policy, instead of a folder')
    .option('-f, --file <path>', 'a folder of policies as YAML or JSON, or one file')
    .option('--prune', 'with --file: count policies in force that are not there as ended')
    .option('--from <version>', 'version of the policy; the one in force by default', readVersion)
    .option('--to <version>', 'version of the policy; the newest by default', readVersion)
    .action((name: string | undefined, options: DiffOptions) =>
      run((session) => diff(session, name, options)),
    );
  policies
    .command('export')
    .description('write the policies in force into a folder; applying it changes nothing')
    .requiredOption('-o, --output <folder>', 'where to; files of their names are overwritten')
    .option('--all', 'also those that are shipped with the router')
    .action(({ output, all }: { readonly output: string; readonly all?: boolean }) =>
      run((session) => exportTo(session, output, all ?? false)),
    );
};

async function apply(session: Session, options: ApplyOptions): Promise<void> {
  const { api, io, paint, show } = session;
  const { file, dryRun = false, prune = false, at = null, comment = null } = options;
  const read = await readPolicyFiles(io, file);
  const documents = read.map(({ document }) => document);
  const body = { documents, prune, dryRun, at, comment };
  const applied = await withFileNames(read, api.applyPolicies(body));
  show(applied, () => renderApplied(applied, paint));
}

async function diff(
  session: Session,
  name: string | undefined,
  { file, prune = false, from, to }: DiffOptions,
): Promise<void> {
  const { api, paint, show } = session;
  if (name === undefined) return apply(session, { file: file ?? '.', prune, dryRun: true });
  const difference = await api.diffPolicy(name, { from, to });
  show(difference, () => renderDiff(difference, paint));
}

/** What ships with the router stays with it, unless somebody has put a text of their own in its place. */
const SHIPPED_BY = 'fairlead';

async function exportTo({ api, io, show }: Session, folder: string, isAll: boolean): Promise<void> {
  const { items } = await api.policies();
  const chosen = items
    .filter(({ active, createdBy }) => active && (isAll || createdBy !== SHIPPED_BY))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const written = await writePolicyFiles(io, folder, chosen);
  show({ files: written }, () => renderExport(written));
}
