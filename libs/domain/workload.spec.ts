import { NO_REPORT, workloadExitReasons, type Attempt } from './attempt';
import { attemptOf, NOW_MS, runningSince } from './testing/attempts';
import { onExit, onHeartbeat, onStart } from './workload';

const ours = 'boot-1';
const other = 'boot-2';
const running = { phase: 'running', report: runningSince(NOW_MS - 60_000) } as const;
const exit = { code: 0, reason: 'exited', atMs: NOW_MS - 1_000 } as const;
const exited = { ...running, report: { ...running.report, exit } };

interface Row {
  readonly reason: string;
  readonly attempt: Partial<Attempt>;
  readonly boot?: string;
}
/** States in which an attempt must not run anything any more. */
const over: readonly Row[] = [
  { reason: 'its workload has exited', attempt: exited },
  { reason: 'it is being given up', attempt: { ...running, abandonAs: 'cancelled' } },
  { reason: 'it is being released', attempt: { ...running, phase: 'releasing' } },
  { reason: 'it is released', attempt: { ...running, phase: 'released' } },
];

describe('a boot that asks to start', () => {
  it.each<Row>([
    { reason: 'the lease was just granted', attempt: { phase: 'starting' } },
    { reason: 'it was faster than the reply to acquire', attempt: { phase: 'acquiring' } },
    { reason: 'the refusal was none after all', attempt: { phase: 'confirming' } },
  ])('may run when it is the first and $reason', ({ attempt }) => {
    const { answer, report, lost } = onStart(attemptOf(attempt), ours, NOW_MS);
    expect({ answer, lost }).toEqual({ answer: 'run', lost: false });
    expect(report).toEqual(runningSince(NOW_MS));
  });

  it('hears the same again when the answer was lost, and nothing is begun anew', () => {
    expect(onStart(attemptOf(running), ours, NOW_MS)).toEqual({
      answer: 'run',
      report: null,
      lost: false,
    });
  });

  it('may not run what another boot has run: that is lost', () => {
    expect(onStart(attemptOf(running), other, NOW_MS)).toEqual({
      answer: 'over',
      report: null,
      lost: true,
    });
  });

  it.each(over)('may not run when $reason, and nothing is lost by that', ({ attempt }) => {
    for (const boot of [ours, other])
      expect(onStart(attemptOf(attempt), boot, NOW_MS)).toEqual({
        answer: 'over',
        report: null,
        lost: false,
      });
  });
});

describe('a heartbeat', () => {
  it.each<Row & { readonly answer: string }>([
    { reason: 'all is well', attempt: running, answer: 'go' },
    {
      reason: 'the provider will take the lease back',
      attempt: { ...running, noticeAtMs: NOW_MS - 1 },
      answer: 'checkpoint',
    },
  ])('is noted and answered $answer when $reason', ({ attempt, answer }) => {
    expect(onHeartbeat(attemptOf(attempt), ours, NOW_MS)).toEqual({
      answer,
      report: { ...running.report, heartbeatAtMs: NOW_MS },
      lost: false,
    });
  });

  it.each<Row>([
    ...over,
    { reason: 'it comes from another boot', attempt: running, boot: other },
    { reason: 'nobody has started', attempt: { phase: 'starting', report: NO_REPORT } },
    {
      reason: 'there was a notice, but it is over',
      attempt: { ...exited, noticeAtMs: NOW_MS - 1 },
    },
  ])('is answered stop and not noted when $reason', ({ attempt, boot = ours }) => {
    expect(onHeartbeat(attemptOf(attempt), boot, NOW_MS)).toEqual({
      answer: 'stop',
      report: null,
      lost: false,
    });
  });
});

describe('an exit', () => {
  it.each(workloadExitReasons)('is noted as it was told: %s', (reason) => {
    const { report, lost } = onExit(attemptOf(running), { bootId: ours, code: 7, reason }, NOW_MS);
    expect(lost).toBe(false);
    expect(report).toEqual({ ...running.report, exit: { code: 7, reason, atMs: NOW_MS } });
  });

  it('counts from a boot that never got to start, and makes it the owner', () => {
    const told = { bootId: ours, code: 1, reason: 'start-failed' } as const;
    const { report } = onExit(attemptOf({ phase: 'starting' }), told, NOW_MS);
    expect(report).toMatchObject({ bootId: ours, startedAtMs: null, exit: { code: 1 } });
  });

  it.each<Row>([
    { reason: 'another was told before', attempt: exited, boot: ours },
    { reason: 'it comes from another boot', attempt: running, boot: other },
  ])('changes nothing when $reason', ({ attempt, boot = ours }) => {
    const told = { bootId: boot, code: 1, reason: 'exited' } as const;
    expect(onExit(attemptOf(attempt), told, NOW_MS)).toEqual({
      answer: 'noted',
      report: null,
      lost: false,
    });
  });
});
