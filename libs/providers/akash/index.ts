import { definePlugin } from '#libs/provider-kit';
import { createAkashAdapter } from './adapter';
import { akashConfigFromEnv, akashConfigSchema } from './config';
import { descriptor } from './descriptor';
import { aktRateFeed } from './feeds';
import { startAkashEmulator } from './testing/emulator';

/** Akash Network through the Console API: a managed wallet, paid in dollars, on a market of independent providers. */
export const akash = definePlugin({
  descriptor,
  configSchema: akashConfigSchema,
  configFromEnv: akashConfigFromEnv,
  create: createAkashAdapter,
  feeds: (config) => [aktRateFeed(config)],
  startEmulator: startAkashEmulator,
});
