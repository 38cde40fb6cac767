import { definePlugin } from '#libs/provider-kit';
import { AwsAdapter } from './adapter';
import { configFromEnv, configSchema } from './config';
import { descriptor } from './descriptor';
import { priceListFeed } from './price-list';
import { spotHistoryFeed } from './spot-history';
import { startEmulator } from './testing/emulator';

/** AWS EC2, on demand and spot. */
export const aws = definePlugin({
  descriptor,
  configSchema,
  configFromEnv,
  create: (config) => new AwsAdapter(config),
  feeds: (config) => [priceListFeed(config), spotHistoryFeed(config)],
  startEmulator,
});
