import { ManualClock } from './manual-clock';

describe('ManualClock', () => {
  it('runs timers in order of time, then of asking, each at its own moment', () => {
    const clock = new ManualClock(100);
    const seen: string[] = [];
    const note = (name: string) => () => void seen.push(`${name}@${clock.nowMs()}`);
    clock.after(20, note('late'));
    clock.after(10, note('first'));
    clock.after(10, note('second'));
    clock.advance(50);
    expect(seen).toEqual(['first@110', 'second@110', 'late@120']);
    expect(clock.nowMs()).toBe(150);
  });

  it('runs timers that timers set, as far as time has come', () => {
    const clock = new ManualClock();
    const ticks: number[] = [];
    const tick = (): void => {
      ticks.push(clock.nowMs());
      clock.after(10, tick);
    };
    clock.after(10, tick);
    clock.advance(35);
    expect(ticks).toEqual([10, 20, 30]);
    expect(clock.nextTimerAtMs()).toBe(40);
  });

  it('runs nothing that was cancelled or is not due', () => {
    const clock = new ManualClock();
    let ran = 0;
    const cancel = clock.after(5, () => (ran += 1));
    clock.after(11, () => (ran += 1));
    cancel();
    clock.advance(10);
    expect(ran).toBe(0);
    expect(clock.pendingTimers()).toBe(1);
  });

  it('never goes back', () => {
    const clock = new ManualClock(10);
    clock.advance(-5);
    expect(clock.nowMs()).toBe(10);
  });
});
