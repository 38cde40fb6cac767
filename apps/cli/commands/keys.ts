import { Option } from 'commander';
import { roles, type Role } from '#libs/contracts';
import type { AddCommand } from '../command';
import { renderCreatedKey, renderKeys } from '../render/keys';

interface KeyOptions {
  readonly role: readonly Role[];
  readonly project?: readonly string[];
}

/** API keys: make, list, revoke. */
export const addKeys: AddCommand = (program, run) => {
  const keys = program.command('keys').description('make, list and revoke API keys');
  keys
    .command('ls', { isDefault: true })
    .description('list the API keys; their secrets are not kept')
    .action(() =>
      run(async ({ api, io, paint, show }) => {
        const list = await api.keys();
        show(list, () => renderKeys(list.items, io.nowMs(), paint));
      }),
    );
  keys
    .command('create')
    .description('make an API key; it is shown this once')
    .argument('<name>', 'what it is for')
    .addOption(
      new Option('--role <roles...>', 'what it may do').choices([...roles]).makeOptionMandatory(),
    )
    .option('--project <projects...>', 'the only projects it sees; all of them by default')
    .action((name: string, { role, project }: KeyOptions) =>
      run(async ({ api, paint, show }) => {
        const projects = project === undefined ? null : [...project];
        const key = await api.createKey({ name, roles: [...role], projects });
        show(key, () => renderCreatedKey(key, paint));
      }),
    );
  keys
    .command('revoke')
    .description('make an API key stop to work; repeatable')
    .argument('<id>', 'id of the key')
    .action((id: string) =>
      run(async ({ api, show }) => {
        await api.revokeKey(id);
        show({ id, revoked: true }, () => `${id} no longer works`);
      }),
    );
};
