import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { renderBootstrap, type BootstrapOptions } from './render-bootstrap';
import { EC2_USER_DATA_LIMIT_BYTES, renderUserData } from './render-user-data';
import { shellQuote } from './shell-quote';
import { shells } from './testing/run-bootstrap';

const typical: BootstrapOptions = {
  attemptId: 'att_01J8ZK3V9QH2M4N6P8R0S2T4V6',
  controlUrl: 'https://fairlead.example.com',
  token: 'x'.repeat(64),
  command: ['python', 'train.py', '--epochs', '10'],
  env: { HF_TOKEN: 'hf_0123456789', MULTI: 'two\nlines' },
  workingDirectory: '/workspace',
  inputs: [{ path: 'data/in.csv', url: null }],
  outputs: [{ path: 'model.bin' }],
  checkpoint: { path: 'checkpoints', intervalMs: 300_000, signal: null },
  maxDurationMs: 4 * 3_600_000,
  onEnd: 'poweroff',
};
const docker = {
  image: 'pytorch/pytorch:2.9',
  gpus: true,
  entrypoint: null,
  ports: [],
  shmMib: 1024,
};

/** Text that is hard on shells, without NUL, which no process can be given. */
const nasty = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "'",
        '"',
        '\\',
        '\n',
        '\r',
        '$',
        '$$',
        '$(id)',
        '${x}',
        '`',
        '!',
        '*',
        ' ',
        '\t',
        '#',
        '-',
        '~',
      ),
      fc.string({ unit: 'grapheme' }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join('').replaceAll('\0', ''));

describe('shellQuote', () => {
  it.each(shells)(
    'gives $name back exactly the strings it was given',
    ({ argv: [program = 'sh', ...args] }) => {
      fc.assert(
        fc.property(fc.array(nasty, { minLength: 1, maxLength: 30 }), (texts) => {
          const script = `printf '%s\\0' ${texts.map(shellQuote).join(' ')}`;
          const { stdout } = spawnSync(program, [...args, '-c', script]);
          expect(stdout.toString()).toBe(texts.map((text) => `${text}\0`).join(''));
        }),
        { numRuns: 25 },
      );
    },
  );

  it('leaves nothing that Kubernetes would expand', () => {
    fc.assert(fc.property(nasty, (text) => expect(shellQuote(text)).not.toMatch(/\$[$(]/)));
  });

  it('refuses NUL', () => {
    expect(() => shellQuote('a\0b')).toThrow(RangeError);
  });
});

describe('renderBootstrap', () => {
  it('leaves a typical job most of the user data', () => {
    expect(Buffer.byteLength(renderBootstrap(typical).script)).toBeLessThan(9 * 1024);
    expect(renderUserData({ bootstrap: typical, dockerRun: docker }).bytes).toBeLessThan(
      EC2_USER_DATA_LIMIT_BYTES * 0.6,
    );
  });

  it('has no doubled dollar, which Kubernetes would halve', () => {
    expect(renderBootstrap(typical).script).not.toContain('$$');
  });

  it.each(shells)(
    'is accepted by $name whatever the values are',
    ({ argv: [program = 'sh', ...args] }) => {
      const values = fc.record({
        command: fc.tuple(
          nasty.filter((text) => text !== ''),
          nasty,
        ),
        env: fc.dictionary(fc.constantFrom('A', 'B', 'END'), nasty),
        path: nasty.map((text) => `a${text}`),
      });
      fc.assert(
        fc.property(values, ({ command, env, path }) => {
          const bootstrap = {
            ...typical,
            command,
            env,
            workingDirectory: path,
            outputs: [{ path }],
          };
          const input = renderUserData({ bootstrap, dockerRun: docker }).userData;
          expect(spawnSync(program, [...args, '-n'], { input }).status).toBe(0);
          const plain = renderBootstrap(bootstrap).script;
          expect(spawnSync(program, [...args, '-n'], { input: plain }).status).toBe(0);
        }),
        { numRuns: 25 },
      );
    },
  );

  it.each<{ readonly reason: string; readonly wrong: Partial<BootstrapOptions> }>([
    { reason: 'a token that would break a header', wrong: { token: 'a\nb' } },
    { reason: 'no command', wrong: { command: [] } },
    { reason: 'a control URL that is no address', wrong: { controlUrl: 'fairlead' } },
    {
      reason: 'an input from a file URL',
      wrong: { inputs: [{ path: 'x', url: 'file:///etc/passwd' }] },
    },
    { reason: 'a variable that is no identifier', wrong: { env: { 'A-B': '1' } } },
    { reason: 'a duration of nothing', wrong: { maxDurationMs: 0 } },
    { reason: 'a NUL in an argument', wrong: { command: ['a\0'] } },
  ])('refuses $reason', ({ wrong }) => {
    expect(() => renderBootstrap({ ...typical, ...wrong })).toThrow(RangeError);
  });
});

describe('renderUserData', () => {
  it('keeps environment values out of the arguments of docker', () => {
    const { userData } = renderUserData({ bootstrap: typical, dockerRun: docker });
    const run = userData.split('\n').find((line) => line.includes('docker run')) ?? '';
    expect(run).toContain(`--env-file "$1/env" -e MULTI 'pytorch/pytorch:2.9' 'python'`);
    expect(run).not.toContain('hf_0123456789');
    expect(userData).toContain(`printf '%s\\n' 'HF_TOKEN=hf_0123456789' >>"$1/env"`);
  });

  it('powers the machine off by its own timer, after everything the supervisor may take', () => {
    const { userData } = renderUserData({ bootstrap: typical, dockerRun: docker });
    expect(userData.split('\n')[1]).toBe('shutdown -h +266 2>/dev/null');
  });

  it('mounts directories outside the working directory', () => {
    const checkpoint = { path: '/state', intervalMs: 1_000, signal: null };
    const outputs = [{ path: '/results/model.bin' }];
    const { userData } = renderUserData({
      bootstrap: { ...typical, checkpoint, outputs },
      dockerRun: docker,
    });
    expect(userData).toContain(`-v "$root"'/var/lib/fairlead/mounts/state':'/state'`);
    expect(userData).toContain(`-v "$root"'/var/lib/fairlead/mounts/results':'/results'`);
    expect(userData).toContain(`-v "$PWD":'/workspace'`);
  });
});
