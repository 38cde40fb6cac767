import { Option } from 'commander';
import type { SuspensionRequest } from '#libs/contracts';
import type { AddCommand } from '../command';
import { Failure } from '../failure';
import { renderProviders, renderSuspensions } from '../render/providers';

interface TargetOptions {
  readonly region?: string;
  readonly host?: string;
  readonly offer?: string;
  readonly because: string;
}

/** The providers: how they have been doing, and keeping them out of placement for a time. */
export const addProviders: AddCommand = (program, run) => {
  const providers = program
    .command('providers')
    .description('list the providers, how they have been doing; suspend and resume them');
  providers
    .command('ls', { isDefault: true })
    .description('list the providers and how they have been doing')
    .action(() =>
      run(async ({ api, io, paint, show }) => {
        const list = await api.providers();
        show(list, () => renderProviders(list.items, io.nowMs(), paint));
      }),
    );
  providers
    .command('suspensions')
    .description('list what is kept out of placement')
    .option('--all', 'those that are over as well')
    .action(({ all }: { readonly all?: true }) =>
      run(async ({ api, io, paint, show }) => {
        const list = await api.suspensions(all === undefined ? {} : { ended: 'true' });
        show(list, () => renderSuspensions(list.items, io.nowMs(), paint));
      }),
    );
  const aimed = (name: 'suspend' | 'resume', description: string) =>
    providers
      .command(name)
      .description(description)
      .argument('<provider>', 'id of the provider')
      .addOption(new Option('--region <region>', 'only this region of it').conflicts('host'))
      .option('--host <host>', 'only this machine of it')
      .addOption(new Option('--offer <id>', 'only this offer').conflicts(['region', 'host']))
      .requiredOption('--because <why>', 'for whoever meets it');
  aimed('suspend', 'keep a provider, or a part of it, out of placement for a time')
    .requiredOption('--for <time>', 'how long, for example 6h')
    .action((provider: string, options: TargetOptions & { readonly for: string }) =>
      run(async ({ api, show }) => {
        const { because, for: time } = options;
        const what = targetOf(provider, options);
        const done = await api.changeSuspensions({ do: 'suspend', ...what, because, for: time });
        show(done, () => `${what.key} is kept out of placement for ${time}`);
      }),
    );
  aimed('resume', 'end early what keeps a provider, or a part of it, out of placement').action(
    (provider: string, options: TargetOptions) =>
      run(async ({ api, show }) => {
        const what = targetOf(provider, options);
        const done = await api.changeSuspensions({
          do: 'resume',
          ...what,
          because: options.because,
        });
        show(done, () =>
          done.changed === 0
            ? `nothing kept ${what.key} out of placement`
            : `${what.key} may be placed on again`,
        );
      }),
  );
};

function targetOf(
  provider: string,
  { region, host, offer }: TargetOptions,
): Pick<SuspensionRequest, 'scope' | 'key'> {
  if (offer !== undefined) {
    if (offer.startsWith(`${provider}/`)) return { scope: 'offer', key: offer };
    throw new Failure('usage', `${offer} is no offer of ${provider}`, {
      remedy: 'offers begin with their provider, see: fairlead offers',
    });
  }
  if (host !== undefined) return { scope: 'host', key: `${provider}/${host}` };
  if (region !== undefined) return { scope: 'provider-region', key: `${provider}/${region}` };
  return { scope: 'provider', key: provider };
}
