import { createLog, NestLog, type LogLevel } from './log';
import { Secret } from './secret';

interface Line {
  readonly [field: string]: unknown;
}

function written(level: LogLevel = 'trace') {
  const lines: Line[] = [];
  const destination = { write: (text: string) => void lines.push(JSON.parse(text) as Line) };
  return { log: createLog({ name: 'test', level, destination }), lines };
}

it('writes a sentence with ids as fields', () => {
  const { log, lines } = written();
  log.warn({ jobId: 'job-1', count: 2 }, 'It went wrong.');
  expect(lines[0]).toMatchObject({
    level: 'warn',
    name: 'test',
    jobId: 'job-1',
    count: 2,
    message: 'It went wrong.',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
  });
});

it('writes nothing below its level, and nothing at all when silent', () => {
  const quiet = written('silent');
  quiet.log.fatal('x');
  const warning = written('warn');
  warning.log.info('x');
  expect([...quiet.lines, ...warning.lines]).toEqual([]);
});

const cases: readonly (readonly [string, Record<string, unknown>])[] = [
  ['a header', { req: { headers: { authorization: 'Bearer hush', Cookie: 'hush' } } }],
  ['a token', { attempt: { token: 'hush', accessToken: 'hush' } }],
  ['a key', { apiKey: 'hush', 'x-api-key': 'hush', secretAccessKey: 'hush', private_key: 'hush' }],
  ['the environment of a workload', { spec: { env: { HF_TOKEN: 'hush', PLAIN: 'hush' } } }],
  ['a secret', { config: { databaseUrl: new Secret('hush') } }],
  ['an address', { url: 'postgresql://me:hush@db/x', redis: 'redis://:hush@r:1/0' }],
  ['an error', { err: new Error('cannot reach postgres://u:hush@db: Bearer hush') }],
  ['the cause of an error', { err: new Error('no', { cause: new Error('password=hush x') }) }],
  ['fields of an error', { err: Object.assign(new Error('no'), { config: { token: 'hush' } }) }],
  [
    'what an error of the database quotes',
    {
      err: Object.assign(new Error('violates a constraint'), {
        code: '23505',
        detail: 'Key (name)=(hush) already exists.',
        where: "unnamed portal parameter $1 = 'hush'",
        parameters: ['hush', { env: 1 }],
        internalQuery: "SELECT 'hush'",
        driverError: Object.assign(new Error('no'), { detail: 'Failing row contains (hush).' }),
      }),
    },
  ],
  ['an error in place of fields', new Error('token=hush') as unknown as Record<string, unknown>],
];
it.each(cases)('hides %s', (_what, fields) => {
  const { log, lines } = written();
  log.error(fields, 'with Bearer hush');
  expect(lines).toHaveLength(1);
  expect(JSON.stringify(lines)).not.toContain('hush');
});

it('keeps what is not secret although it sounds alike', () => {
  const { log, lines } = written();
  const fields = { leaseKey: 'att-1', tokenRisk: 3, idempotencyKey: 'k', provider: 'aws' };
  log.info(fields, 'x');
  expect(lines[0]).toMatchObject(fields);
});

it('tells of an error where and why', () => {
  const { log, lines } = written();
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  log.error({ err: new TypeError('no', { cause }) }, 'x');
  expect(lines[0]?.['err']).toMatchObject({
    type: 'TypeError',
    message: 'no',
    stack: expect.stringContaining('log.spec'),
    cause: { message: 'refused', code: 'ECONNREFUSED' },
  });
});

it('survives what refers to itself', () => {
  const { log, lines } = written();
  const loop: Record<string, unknown> = { big: 10n };
  loop['self'] = loop;
  log.info({ loop }, 'x');
  expect(lines[0]).toMatchObject({ loop: { big: '10' } });
});

it('lets Nest write to it, and keeps its start-up to those who want details', () => {
  const { log, lines } = written();
  const nest = new NestLog(log);
  nest.log('AppModule dependencies initialized', 'InstanceLoader');
  nest.log('something', 'Orders');
  nest.error(new Error('boom'), 'stack', 'Orders');
  expect(lines).toMatchObject([
    { level: 'debug', context: 'InstanceLoader' },
    { level: 'info', context: 'Orders', message: 'something' },
    { level: 'error', context: 'Orders', err: { message: 'boom' } },
  ]);
});
