export { platformSchema, type PlatformConfig } from './config';
export { controlUrlOf } from './control-url';
export type { JobSecrets } from './job-secrets';
export { messagesOver } from './messages';
export { openPlatform, type Platform, type PlatformNeeds } from './open-platform';
export { openProviders, type OpenProvider, type OpenProviders } from './open-providers';
export { addressOf, answering, askingSchema } from './message-addresses';
