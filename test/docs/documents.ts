import { plugins } from '#libs/providers';
import { policiesPage } from './policies';
import { providerPage } from './provider-page';
import { stateMachines } from './state-machines';

/** Where the pages of providers are; nothing else may lie there. */
export const PROVIDER_PAGES = 'docs/providers';

/** Every generated file by its path from the top of the repository. */
export function documents(): ReadonlyMap<string, string> {
  return new Map(
    [
      ['docs/state-machines.md', stateMachines()] as const,
      ['docs/policies.md', policiesPage()] as const,
      ...plugins.map(
        ({ descriptor }) =>
          [`${PROVIDER_PAGES}/${descriptor.id}.md`, providerPage(descriptor)] as const,
      ),
    ].map(([path, text]) => [path, `${text}\n`]),
  );
}
