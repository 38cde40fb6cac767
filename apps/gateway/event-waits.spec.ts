import { EventSignal } from '#libs/storage';
import { EventWaits } from './event-waits';

/** A bell that the test rings. */
class HandBell extends EventSignal {
  ring: () => void = () => undefined;

  async listen(onRing: () => void): Promise<() => Promise<void>> {
    this.ring = onRing;
    return async () => undefined;
  }
}

const LONG_MS = 60_000;
let bell: HandBell;
let waits: EventWaits;
let awake: number;

beforeEach(async () => {
  jest.useFakeTimers();
  bell = new HandBell();
  waits = new EventWaits(bell);
  awake = 0;
  await waits.onApplicationBootstrap();
});
afterEach(async () => {
  await waits.beforeApplicationShutdown();
  jest.useRealTimers();
});

function sleep(count: number, limitMs: number): void {
  for (let index = 0; index < count; index += 1) void waits.next(limitMs).then(() => (awake += 1));
}

it('wakes few at once, and a crowd a part at a time however often it rings', async () => {
  sleep(1_000, LONG_MS);
  for (let rings = 0; rings < 100; rings += 1) bell.ring();
  await jest.advanceTimersByTimeAsync(0);
  expect(awake).toBe(50);
  await jest.advanceTimersByTimeAsync(100);
  expect(awake).toBe(150);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(awake).toBe(1_000);
});

it('rings again for those who came back to sleep', async () => {
  sleep(2, LONG_MS);
  bell.ring();
  await jest.advanceTimersByTimeAsync(60);
  sleep(2, LONG_MS);
  bell.ring();
  await jest.advanceTimersByTimeAsync(0);
  expect(awake).toBe(4);
});

it('lets few look often by themselves, and a crowd less often', async () => {
  sleep(10, 500);
  await jest.advanceTimersByTimeAsync(500);
  expect(awake).toBe(10);
  sleep(1_000, 500);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(awake).toBeLessThanOrEqual(10 + 200);
  await jest.advanceTimersByTimeAsync(4_000);
  expect(awake).toBe(1_010);
});

it('wakes everybody at once when the process stops', async () => {
  sleep(1_000, LONG_MS);
  await waits.beforeApplicationShutdown();
  await jest.advanceTimersByTimeAsync(0);
  expect(awake).toBe(1_000);
});
