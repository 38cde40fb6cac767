import { definePlugin } from '#libs/provider-kit';
import type { AnyProviderPlugin } from '#libs/provider-kit';
import { FakeCloud } from './fake-cloud';
import { fakeDescriptor } from './fake-cloud-core';
import type { FakeCloudSettings } from './fake-cloud-core';
import { seededRng } from './rng';

const START_DELAY_MS = 30_000;

interface MemoryConfig {
  readonly cloud: FakeCloud;
}

/** The fake cloud as a provider. It keeps books but runs nothing, and there is no real one behind it. */
export function memoryPlugin(settings: Partial<FakeCloudSettings> = {}): AnyProviderPlugin {
  return definePlugin<MemoryConfig>({
    descriptor: settings.descriptor ?? fakeDescriptor,
    configSchema: { parse: parseConfig },
    configFromEnv: () => null,
    create: ({ cloud }) => cloud,
    startEmulator: ({ clock, delayFactor, seed }) =>
      Promise.resolve(
        new FakeCloud(clock, {
          startDelayMs: START_DELAY_MS * delayFactor,
          rng: seededRng(seed),
          ...settings,
        }),
      ),
  });
}

function parseConfig(input: unknown): MemoryConfig {
  if (typeof input === 'object' && input !== null && 'cloud' in input) {
    if (input.cloud instanceof FakeCloud) return { cloud: input.cloud };
  }
  throw new TypeError('the in-memory provider is configured with a running FakeCloud');
}
