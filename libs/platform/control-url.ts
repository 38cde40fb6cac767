import { ConfigError, type BaseConfig } from '#libs/runtime';
import type { OpenProvider } from './open-providers';

/** How workloads reach the gateway: emulated ones are on this machine, real ones must be told. Throws ConfigError. */
export function controlUrlOf(
  { publicUrl, port }: Pick<BaseConfig, 'publicUrl' | 'port'>,
  providers: readonly OpenProvider[],
): string {
  if (publicUrl !== undefined) return publicUrl;
  const real = providers
    .filter(({ mode }) => mode === 'live')
    .map(({ descriptor }) => descriptor.id);
  if (real.length > 0) {
    throw new ConfigError([
      `FAIRLEAD_PUBLIC_URL: is needed, for workloads at ${real.join(', ')} have to reach this installation`,
    ]);
  }
  if (port === 0) throw new ConfigError(['FAIRLEAD_PUBLIC_URL: is needed where PORT is 0']);
  return `http://127.0.0.1:${port}`;
}
