import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asProviderId } from '#libs/domain';
import { guardedCall, type AnyProviderPlugin, type CallReport } from '#libs/provider-kit';
import { FakeCloud, fakeDescriptor, ManualClock, memoryPlugin } from '#libs/testkit';
import { platformSchema } from './config';
import { openProviders, type Emulation } from './open-providers';

const KEY = 'MEMORY_KEY';
const clock = new ManualClock(1_000);

/** A provider of this name with an account where the environment has a key; counts what of its emulators runs. */
function pluginOf(name: string) {
  const descriptor = { ...fakeDescriptor, id: asProviderId(name) };
  const emulated = memoryPlugin({ descriptor });
  const real = new FakeCloud(clock, { descriptor });
  const running = { count: 0 };
  const plugin: AnyProviderPlugin = {
    ...emulated,
    adapterFromEnv: (env) => (env[KEY] === undefined ? null : real),
    feedsFromEnv: () => [],
    feedsFrom: () => [],
    startEmulator: async (options) => {
      const emulator = (await emulated.startEmulator(options)) as FakeCloud;
      running.count += 1;
      emulator.close = async () => {
        running.count -= 1;
      };
      return emulator;
    },
  };
  return { plugin, real, running };
}

let emulatorDir = '';
beforeAll(async () => {
  emulatorDir = await mkdtemp(join(tmpdir(), 'fairlead-providers-'));
});
afterAll(() => rm(emulatorDir, { recursive: true }));

const calls: CallReport[] = [];
const opened = (
  plugins: readonly AnyProviderPlugin[],
  wanted: { readonly env?: Readonly<Record<string, string>>; readonly emulate?: Emulation } = {},
) =>
  openProviders(plugins, {
    env: {},
    emulate: 'auto',
    emulatorDir,
    delayFactor: 0,
    metrics: { observeCall: (report) => calls.push(report) },
    clock,
    ...wanted,
  });

describe('opening providers', () => {
  it.each<{ reason: string; env: Record<string, string>; emulate: Emulation; mode: string | null }>(
    [
      { reason: 'there are credentials', env: { [KEY]: 'k' }, emulate: 'auto', mode: 'live' },
      { reason: 'only real ones are wanted', env: { [KEY]: 'k' }, emulate: 'no', mode: 'live' },
      { reason: 'there are no credentials', env: {}, emulate: 'auto', mode: 'emulated' },
      { reason: 'there is neither', env: {}, emulate: 'no', mode: null },
    ],
  )('opens one as $mode when $reason', async ({ env, emulate, mode }) => {
    const { plugin, running } = pluginOf('memory');
    const providers = await opened([plugin], { env, emulate });
    expect(providers.providers.map((each) => each.mode)).toEqual(mode === null ? [] : [mode]);
    expect(providers.adapters.all()).toHaveLength(mode === null ? 0 : 1);
    expect(running.count).toBe(mode === 'emulated' ? 1 : 0);
    expect(
      providers.providers.every((each) => (each.emulator === null) === (mode === 'live')),
    ).toBe(true);
    await providers.close();
    expect(running.count).toBe(0);
  });

  describe('where one of two has credentials', () => {
    it.each<{ emulate: Emulation; modes: readonly string[]; reason: string }>([
      {
        emulate: 'auto',
        modes: ['live'],
        reason: 'emulators are for installations without accounts',
      },
      { emulate: 'yes', modes: ['live', 'emulated'], reason: 'both are asked for' },
      { emulate: 'no', modes: ['live'], reason: 'nothing may be emulated' },
    ])('opens $modes with $emulate, because $reason', async ({ emulate, modes }) => {
      const real = pluginOf('real');
      const other = pluginOf('other');
      const without: AnyProviderPlugin = { ...other.plugin, adapterFromEnv: () => null };
      const providers = await opened([real.plugin, without], { env: { [KEY]: 'k' }, emulate });
      expect(providers.providers.map((each) => each.mode)).toEqual(modes);
      expect(other.running.count).toBe(modes.length - 1);
      await providers.close();
      expect(other.running.count).toBe(0);
    });
  });

  it.each([
    { word: undefined, emulate: 'auto' },
    { word: 'auto', emulate: 'auto' },
    { word: 'yes', emulate: 'yes' },
    { word: 'no', emulate: 'no' },
  ])('reads the setting $word', ({ word, emulate }) => {
    expect(platformSchema.parse({ emulate: word }).emulate).toBe(emulate);
  });

  it('guards what it opens: calls are counted, and only ProviderErrors come through', async () => {
    const { plugin, real } = pluginOf('memory');
    const { adapters } = await opened([plugin], { env: { [KEY]: 'k' } });
    const adapter = adapters.for(plugin.descriptor.id);
    calls.length = 0;
    await adapter.listOffers(guardedCall(clock.nowMs()));
    real.listOffers = () => Promise.reject(new TypeError('oops'));
    await expect(adapter.listOffers(guardedCall(clock.nowMs()))).rejects.toMatchObject({
      name: 'ProviderError',
      kind: 'unmapped',
    });
    expect(calls.map(({ verb, errorKind }) => [verb, errorKind])).toEqual([
      ['listOffers', null],
      ['listOffers', 'unmapped'],
    ]);
  });

  it('gives every emulator a folder of its own', async () => {
    const providers = await opened([pluginOf('one').plugin, pluginOf('two').plugin]);
    expect(await readdir(emulatorDir)).toEqual(expect.arrayContaining(['one', 'two']));
    await providers.close();
  });

  it('stops the emulators of the others when one cannot be opened', async () => {
    const good = pluginOf('good');
    const bad = {
      ...pluginOf('bad').plugin,
      startEmulator: () => Promise.reject(new Error('the port is taken')),
    };
    await expect(opened([good.plugin, bad])).rejects.toThrow('the port is taken');
    expect(good.running.count).toBe(0);
  });

  it('stops all emulators even when one fails to stop, and says so', async () => {
    const good = pluginOf('good');
    const bad = pluginOf('bad').plugin;
    const stubborn: AnyProviderPlugin = {
      ...bad,
      startEmulator: async (options) => {
        const emulator = (await bad.startEmulator(options)) as FakeCloud;
        emulator.close = () => Promise.reject(new Error('it does not stop'));
        return emulator;
      },
    };
    const providers = await opened([stubborn, good.plugin]);
    await expect(providers.close()).rejects.toThrow('it does not stop');
    expect(good.running.count).toBe(0);
  });
});
