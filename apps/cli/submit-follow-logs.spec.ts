import { exitCodes } from './exit-codes';
import { against } from './testing/against';
import {
  attempt,
  attemptWith,
  event,
  example,
  exitedWith,
  failed,
  JOB,
  noOffer,
  running,
  succeeded,
} from './testing/examples';
import { streamOf, type Replies } from './testing/stand-in';

describe('submit', () => {
  const replies: Replies = {
    planJob: () => ({ document: example('planJob') }),
    submitJob: () => ({ document: running }),
  };

  it('shows the plan, asks once, and submits what was read', async () => {
    const { exitCode, stdout, stderr, heard } = await against(replies, ['submit', 'job.yaml'], {
      typed: 'y\n',
    });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('✓');
    expect(stdout).toContain('expected cost');
    expect(stderr).toBe('Submit it? [y/N] ');
    expect(heard.map(({ operation }) => operation)).toEqual(['planJob', 'submitJob']);
    expect(heard[1]?.body).toEqual({ name: 'train', image: 'alpine', command: ['sh', 'run.sh'] });
  });

  it.each(['n\n', '\n', ''])('does nothing after the answer %j', async (typed) => {
    const { exitCode, heard } = await against(replies, ['submit', 'job.yaml'], { typed });
    expect(exitCode).toBe(exitCodes.stopped.code);
    expect(heard.map(({ operation }) => operation)).toEqual(['planJob']);
  });

  it('asks nobody with -y, and prints the job alone with --json', async () => {
    const { stdout } = await against(replies, ['submit', '-y', '--json', 'job.yaml']);
    expect(JSON.parse(stdout)).toEqual(running);
  });

  it('puts the bytes of local inputs into the job', async () => {
    const { heard } = await against(replies, ['submit', '-y', 'local.yaml']);
    const bytes = Buffer.from('echo hello\n').toString('base64');
    expect(heard[1]?.body).toMatchObject({
      inputs: [{ uri: `data:application/octet-stream;base64,${bytes}` }],
    });
  });

  it('reads standard input', async () => {
    const { heard } = await against(replies, ['submit', '-y', '-'], { piped: '{"name": "piped"}' });
    expect(heard[1]?.body).toEqual({ name: 'piped' });
  });

  it('lets a job wait for what is only sold out, and for anything with --wait', async () => {
    const soldOut = { ...replies, planJob: () => ({ document: noOffer('unavailable') }) };
    expect((await against(soldOut, ['submit', '-y', 'job.yaml'])).exitCode).toBe(0);
    const hopeless = { ...replies, planJob: () => ({ document: noOffer('gpu-mismatch') }) };
    expect((await against(hopeless, ['submit', '-y', '--wait', 'job.yaml'])).exitCode).toBe(0);
  });
});

describe('following a job', () => {
  const submitting: Replies = {
    planJob: () => ({ document: example('planJob') }),
    submitJob: () => ({ document: running }),
  };
  const stream = (text: string, more = {}) => ({ text, type: 'text/event-stream', ...more });
  const ended = event(9, 'job.ended', { outcome: 'completed', costMicroUsd: 1_250_000 });

  it.each([
    ['the code of the workload', failed, exitedWith(42), 42],
    ['1 where there is no such code', failed, attemptWith({ phase: 'released' }), 1],
    ['1 when the job failed although the workload did not', failed, exitedWith(0), 1],
    ['0 for success', succeeded, exitedWith(0), 0],
  ])('ends with %s', async (_what, job, attempts, expected) => {
    const replies: Replies = {
      ...submitting,
      getJob: () => ({ document: job }),
      listAttempts: () => ({ document: attempts }),
      listEvents: () => stream(streamOf([event(1, 'job.submitted'), ended])),
    };
    const { exitCode, stdout } = await against(replies, ['submit', '-y', '--follow', 'job.yaml']);
    expect(exitCode).toBe(expected);
    expect(stdout).toContain('ended: completed, $1.25');
  });

  it('goes on after a broken connection where it was, and tells nothing twice', async () => {
    const parts = [
      stream(streamOf([event(3, 'job.submitted', { project: 'vision' })]), { break: true }),
      stream(streamOf([event(3, 'job.submitted'), event(7, 'job.cancel-requested', { by: 'ci' })])),
      stream(streamOf([ended])),
    ];
    let asked = 0;
    const replies: Replies = {
      getJob: () => ({ document: asked < 3 ? running : succeeded }),
      listEvents: () => parts[(asked += 1) - 1] ?? 'break',
    };
    const { exitCode, stdout, heard } = await against(replies, ['follow', JOB]);
    const resumed = heard.filter(({ operation }) => operation === 'listEvents');
    expect(exitCode).toBe(0);
    expect(resumed.map(({ headers }) => headers['last-event-id'])).toEqual(['0', '3', '7']);
    expect(stdout.match(/submitted to/g)).toHaveLength(1);
    expect(stdout).toContain('cancel requested by ci');
  });

  it('gives up when the router stays away', async () => {
    const { exitCode, waitsMs } = await against(
      { getJob: () => ({ document: running }), listEvents: () => stream('') },
      ['follow', JOB],
    );
    expect(exitCode).toBe(exitCodes.unreachable.code);
    expect(waitsMs.filter((waitMs) => waitMs < 10_000)).toEqual([
      250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000,
    ]);
  });

  it('is left with Ctrl-C, which says how to come back and leaves the job alone', async () => {
    let interrupt = () => undefined as void;
    const replies: Replies = {
      getJob: () => ({ document: running }),
      listEvents: () => {
        setTimeout(interrupt, 20);
        return stream(streamOf([event(1, 'job.submitted')]), { open: true });
      },
    };
    const { exitCode, stderr, heard } = await against(replies, ['follow', JOB], {
      onListening: (listener) => (interrupt = listener),
    });
    expect(exitCode).toBe(exitCodes.stopped.code);
    expect(stderr).toContain(`fairlead follow ${JOB}`);
    expect(heard.some(({ operation }) => operation === 'cancelJob')).toBe(false);
  });

  it('prints one document with --json', async () => {
    const replies: Replies = {
      ...submitting,
      getJob: () => ({ document: failed }),
      listAttempts: () => ({ document: exitedWith(3) }),
      listEvents: () => stream(streamOf([ended])),
    };
    const { stdout, exitCode } = await against(replies, [
      'submit',
      '-y',
      '--follow',
      '--json',
      'job.yaml',
    ]);
    expect(JSON.parse(stdout)).toEqual({ ...failed, exitCode: 3 });
    expect(exitCode).toBe(3);
  });
});

describe('logs', () => {
  const plain = (text: string, more = {}) => ({ text, type: 'text/plain', ...more });

  it('prints what the workload printed', async () => {
    const { stdout } = await against({ readLogs: () => plain('epoch 1\nepoch 2\n') }, [
      'logs',
      JOB,
    ]);
    expect(stdout).toBe('epoch 1\nepoch 2\n');
  });

  it('follows through a broken connection, byte for byte, and on to the next attempt', async () => {
    const output = new Map([
      [1, 'früh\nspät\n'],
      [2, 'again\n'],
    ]);
    let isSecond = false;
    let breaks = 1;
    const replies: Replies = {
      getJob: () => ({ document: isSecond ? succeeded : running }),
      listAttempts: () => ({
        document: {
          items: [
            { ...attempt, number: 1, phase: breaks < 1 ? 'released' : 'running' },
            ...(isSecond ? [{ ...attempt, number: 2, phase: 'released' }] : []),
          ],
        },
      }),
      readLogs: ({ query }) => {
        const bytes = Buffer.from(output.get(Number(query.get('attempt'))) ?? '');
        const rest = bytes.subarray(Number(query.get('offset')));
        if ((breaks -= 1) >= 0) return plain(rest.subarray(0, 6).toString('utf8'), { break: true });
        isSecond = rest.byteLength === 0;
        return plain(rest.toString('utf8'));
      },
    };
    const { stdout, stderr, exitCode } = await against(replies, ['logs', JOB, '-f']);
    expect(exitCode).toBe(0);
    expect(stdout).toBe('früh\nspät\nagain\n');
    expect(stderr).toContain('--- attempt 2 at');
  });
});
