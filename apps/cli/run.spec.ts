import { type ProblemCode } from '#libs/contracts';
import { exitCodes } from './exit-codes';
import { against } from './testing/against';
import { example, JOB, noOffer, running } from './testing/examples';
import type { Replies } from './testing/stand-in';
import { fairlead } from './testing/terminal';

describe('exit codes', () => {
  const why = (code: ProblemCode): Replies => ({
    explainJob: () => ({ problem: code }),
  });
  const cases: readonly (readonly [
    reason: string,
    exit: keyof typeof exitCodes,
    argv: readonly string[],
    replies: Replies,
  ])[] = [
    ['an answer', 'ok', ['why', JOB], { explainJob: () => ({ document: example('explainJob') }) }],
    ['help', 'ok', ['--help'], {}],
    ['no command', 'usage', [], {}],
    ['an unknown command', 'usage', ['wy', JOB], {}],
    ['an unknown option', 'usage', ['ls', '--colour'], {}],
    ['a missing argument', 'usage', ['why'], {}],
    ['no such file', 'usage', ['plan', 'none.yaml'], {}],
    ['a strange number', 'usage', ['ls', '--limit', '0'], {}],
    ['a strange address', 'usage', ['ls', '--url', 'nowhere'], {}],
    ['a strange key', 'usage', ['ls', '--key', 'with blank'], {}],
    ['csv and json at once', 'usage', ['costs', '--csv', '--json'], {}],
    ['a file that is no YAML', 'refused', ['plan', 'broken.yaml'], {}],
    ['problems', 'refused', ['plan', 'job.yaml'], { planJob: () => ({ problem: 'invalid-job' }) }],
    ['too large', 'refused', ['plan', 'job.yaml'], { planJob: () => ({ problem: 'too-large' }) }],
    [
      'no offer',
      'no-offer',
      ['plan', 'job.yaml'],
      { planJob: () => ({ document: noOffer('gpu-mismatch') }) },
    ],
    [
      'no offer ever',
      'no-offer',
      ['submit', '-y', 'job.yaml'],
      { planJob: () => ({ document: noOffer('gpu-mismatch') }) },
    ],
    ['no key', 'auth', ['why', JOB], why('unauthenticated')],
    ['a key without the role', 'auth', ['why', JOB], why('forbidden')],
    ['no such job', 'not-found', ['why', JOB], why('not-found')],
    ['too many requests', 'unreachable', ['why', JOB], why('rate-limited')],
    ['a broken router', 'unreachable', ['why', JOB], why('internal')],
    ['a closed connection', 'unreachable', ['why', JOB], { explainJob: () => 'break' }],
    [
      'another server',
      'unreachable',
      ['why', JOB],
      { explainJob: () => ({ raw: '<h1>Hi', status: 200 }) },
    ],
    [
      'a proxy that fails',
      'unreachable',
      ['why', JOB],
      { explainJob: () => ({ raw: '<h1>Bad', status: 502 }) },
    ],
    [
      'no budget',
      'budget',
      ['submit', '-y', 'job.yaml'],
      {
        planJob: () => ({ document: example('planJob') }),
        submitJob: () => ({ problem: 'over-budget' }),
      },
    ],
    [
      'nobody to ask',
      'usage',
      ['submit', 'job.yaml'],
      { planJob: () => ({ document: example('planJob') }) },
    ],
    [
      'a policy with problems',
      'refused',
      ['policies', 'check', 'policy.json'],
      {
        checkPolicy: () => ({
          document: {
            problems: [{ pointer: '/rules', code: 'x', message: 'bad', remedy: 'mend it' }],
            warnings: [],
          },
        }),
      },
    ],
  ];
  it.each(cases)('%s: %s', async (_reason, exit, argv, replies) => {
    const { exitCode } = await against(replies, argv);
    expect(exitCode).toBe(exitCodes[exit].code);
  });

  it.each(cases.filter(([, exit]) => exit !== 'ok' && exit !== 'no-offer'))(
    'is told as one document with --json for %s: %s',
    async (_reason, exit, argv, replies) => {
      if (argv[0] === 'policies') return;
      const { stdout, exitCode } = await against(replies, [...argv, '--json']);
      const { code } = exitCodes[exit];
      expect(JSON.parse(stdout)).toMatchObject({ error: { kind: exit, exitCode: code } });
      expect(exitCode).toBe(code);
    },
  );

  it('are documented in the help', async () => {
    const { stdout } = await fairlead(['--help']);
    for (const { code, meaning } of Object.values(exitCodes))
      expect(stdout).toMatch(new RegExp(`^ +${code} +${meaning.slice(0, 30)}`, 'm'));
  });
});

describe('problems', () => {
  it('are printed all, each with its place and remedy', async () => {
    const problems = [
      { pointer: '/imgae', code: 'unknown-field', message: 'no field', remedy: 'did you mean it?' },
      { pointer: '', code: 'required', message: 'nothing there', remedy: 'write something' },
    ];
    const { stderr, stdout } = await against(
      { planJob: () => ({ problem: 'invalid-job', more: { problems } }) },
      ['plan', 'job.yaml'],
    );
    expect(stdout).toBe('');
    expect(stderr).toBe(
      [
        'error: The job has problems',
        '  /imgae: no field',
        '    → did you mean it?',
        '  (document): nothing there',
        '    → write something',
        '',
      ].join('\n'),
    );
  });

  it('never show the key', async () => {
    const key = 'fl_key-1_sehr-geheim';
    const { stderr, stdout, heard } = await against(
      { explainJob: () => ({ problem: 'unauthenticated' }) },
      ['why', JOB, '--key', key, '--json'],
    );
    expect(heard[0]?.headers.authorization).toBe(`Bearer ${key}`);
    expect(stdout + stderr).not.toContain('geheim');
  });

  it('suggest the command that was meant', async () => {
    const { stderr } = await fairlead(['cansel', JOB]);
    expect(stderr).toContain('cancel');
  });
});

describe('requests', () => {
  it('are repeated a bounded number of times when the connection breaks', async () => {
    let breaks = 3;
    const replies: Replies = {
      explainJob: () => ((breaks -= 1) >= 0 ? 'break' : { document: example('explainJob') }),
    };
    const { exitCode, heard, waitsMs } = await against(replies, ['why', JOB]);
    expect(exitCode).toBe(0);
    expect(heard).toHaveLength(4);
    expect(waitsMs).toEqual([200, 400, 800]);
    const lost = await against({ explainJob: () => 'break' }, ['why', JOB]);
    expect(lost.heard).toHaveLength(4);
  });

  it('that change something without a key are sent once', async () => {
    const { heard } = await against({ cancelJob: () => 'break' }, ['cancel', JOB]);
    expect(heard).toHaveLength(1);
  });

  it('to submit carry one idempotency key through a lost answer, and another one next time', async () => {
    let breaks = 1;
    const replies: Replies = {
      planJob: () => ({ document: example('planJob') }),
      submitJob: () => ((breaks -= 1) >= 0 ? 'break' : { document: running }),
    };
    const { exitCode, heard } = await against(replies, ['submit', '-y', 'job.yaml']);
    const keys = heard.slice(1).map(({ headers }) => headers['idempotency-key']);
    expect(exitCode).toBe(0);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toMatch(/^cli-[0-9a-f]{32}-/);
    expect(keys[1]).toBe(keys[0]);
  });

  it('do not follow a redirect with the key', async () => {
    const { exitCode } = await against({ explainJob: () => ({ raw: '', status: 302 }) }, [
      'why',
      JOB,
    ]);
    expect(exitCode).toBe(exitCodes.unreachable.code);
  });
});
