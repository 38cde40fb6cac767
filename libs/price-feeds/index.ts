import type { PriceFeed } from '#libs/provider-kit';
import { coinbase } from './coinbase';
import { coingecko } from './coingecko';
import { ecb } from './ecb';
import { fxFeed, type FxSource } from './fx-source';
import { kraken } from './kraken';
import { startFxEmulator, type FxEmulator } from './testing/fx-emulator';

/** Every public source of rates; a further one is a line here and a file beside it. */
export const fxSources: readonly FxSource[] = [coinbase, kraken, coingecko, ecb];

/** Names of the sources to ask, from `FAIRLEAD_FX_SOURCES`: a list with commas, `none`, or all where it is not set. */
export function fxSourcesFromEnv(
  env: Readonly<Record<string, string | undefined>>,
): readonly FxSource[] {
  const wanted = env['FAIRLEAD_FX_SOURCES']?.trim();
  if (wanted === undefined || wanted === '') return fxSources;
  if (wanted === 'none') return [];
  return wanted.split(',').map((word) => {
    const found = fxSources.find(({ name }) => name === word.trim());
    if (found !== undefined) return found;
    const known = fxSources.map(({ name }) => name).join(', ');
    throw new Error(`FAIRLEAD_FX_SOURCES: there is no source ${word.trim()}, only ${known}`);
  });
}

/** The sources as feeds, at their own addresses or all at one. */
export function fxFeeds(
  sources: readonly FxSource[],
  baseUrl: string | null = null,
): readonly PriceFeed[] {
  return sources.map((source) => fxFeed(source, baseUrl ?? source.baseUrl));
}

/** All of this as a process opens it: the wanted sources at their own addresses, or their stand-ins on this machine. */
export const rateSources = {
  live: (env: Readonly<Record<string, string | undefined>>): readonly PriceFeed[] =>
    fxFeeds(fxSourcesFromEnv(env)),
  emulated: async (env: Readonly<Record<string, string | undefined>>) => {
    const sources = fxSourcesFromEnv(env);
    const emulator = await startFxEmulator();
    return { feeds: fxFeeds(sources, emulator.baseUrl), close: () => emulator.close() };
  },
};

export { startFxEmulator, type FxEmulator, type FxSource };
