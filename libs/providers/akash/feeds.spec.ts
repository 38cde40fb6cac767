import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guardFeed, type GuardedFeed } from '#libs/provider-kit';
import { ManualClock } from '#libs/testkit';
import { akash } from './index';
import { startAkashEmulator, type AkashEmulator } from './testing/emulator';

let root: string;
let clock: ManualClock;
let emulator: AkashEmulator;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairlead-akash-'));
  clock = new ManualClock(Date.UTC(2026, 10, 21));
  emulator = await startAkashEmulator({ rootDir: root, clock, delayFactor: 0, seed: 1 });
});

afterEach(async () => {
  await emulator.close();
  await rm(root, { recursive: true, force: true, maxRetries: 3 });
});

function feed(): GuardedFeed {
  const [first] = akash.feedsFrom(emulator.config);
  if (first === undefined) throw new Error('there is a feed');
  const timers = { nowMs: () => clock.nowMs(), setTimer: realTimer };
  return guardFeed(first, { timers, metrics: { observeCall: () => undefined } });
}

/** The guard of a request is real time: it has to end even if emulated time stands still. */
function realTimer(ms: number, action: () => void): () => void {
  const timer = setTimeout(action, ms);
  return () => clearTimeout(timer);
}

it('says what AKT is worth, as one source of several', async () => {
  expect(feed().terms).toMatchObject({ id: 'akash/market-data', kind: 'fx' });
  expect(await feed().readPage(null, clock.nowMs())).toEqual({
    kind: 'fx',
    items: [{ token: 'AKT', usd: 1.1 }],
    cursor: null,
    done: true,
  });
});

it('ends in an error of a kind when nobody answers', async () => {
  const guarded = feed();
  await emulator.close();
  await expect(guarded.readPage(null, clock.nowMs())).rejects.toMatchObject({
    kind: 'unavailable',
  });
});
