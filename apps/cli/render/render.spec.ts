import { execFileSync } from 'node:child_process';
import {
  eventCatalogue,
  routes,
  type CalibrationView,
  type CommitmentView,
  type EventView,
  type PlanView,
  type WhyView,
} from '#libs/contracts';
import { Failure } from '../failure';
import { fairlead, NOW } from '../testing/terminal';
import { counted, dollars, duration, relative, share } from './amounts';
import { renderCalibration, renderCommitments } from './commitments';
import { renderCosts } from './costs';
import { failureDocument, renderFailure } from './failure';
import { createPaint } from './paint';
import { renderPlan } from './plan';
import { renderEvent, meanings } from './progress';
import { printable, table } from './table';
import { renderWhy } from './why';

const plain = createPaint(false);
const nowMs = Date.parse(NOW);

/** The example that the contract shows for an operation, which its own tests hold to the schema. */
function example<T>(operation: string): T {
  const route = routes.find(({ id }) => id === operation);
  return route?.answers[0]?.content[0]?.example as T;
}
const lines = (text: string): readonly string[] => text.split('\n');

describe('amounts for people', () => {
  it.each([
    [0, '$0.00'],
    [1_250_000, '$1.25'],
    [1_234_567_890, '$1,234.57'],
    [812_000, '$0.81'],
    [54_000, '$0.054'],
    [3_100, '$0.0031'],
    [40, '<$0.0001'],
    [-2_500_000, '-$2.50'],
    [null, '–'],
  ])('%p micro-dollars is %s', (amount, text) => expect(dollars(amount)).toBe(text));

  it.each([
    [0, '0s'],
    [999, '0s'],
    [45_000, '45s'],
    [3_600_000, '1h'],
    [5_430_000, '1h 30m'],
    [90_061_000, '1d 1h'],
  ])('%p ms is %s', (ms, text) => expect(duration(ms)).toBe(text));

  it.each([
    ['2026-11-21T09:55:00.000Z', '5m ago'],
    ['2026-11-21T12:00:00.000Z', 'in 2h'],
    [NOW, 'just now'],
  ])('%s is %s', (at, text) => expect(relative(at, nowMs)).toBe(text));

  it('counts in words', () => {
    expect([counted(1, 'offer'), counted(2_000, 'offer')]).toEqual(['1 offer', '2,000 offers']);
    expect([share(1, 3), share(1, 0)]).toEqual(['33 %', '']);
  });
});

describe('tables', () => {
  it('align columns, end without blanks, and keep a row on one line', () => {
    const columns = [{ title: 'NAME' }, { title: 'COST', align: 'right' }, { title: '' }] as const;
    const rows = [
      ['a\nb', '$1.00', ''],
      ['long name', '$12.00', 'x'],
    ];
    expect(lines(table(columns, rows))).toEqual([
      'NAME         COST',
      'a b         $1.00',
      'long name  $12.00  x',
    ]);
  });

  it('let no control sequence of others reach the terminal', () => {
    const colour = createPaint(true).good('ok');
    expect(printable(`${colour}\u001b[2J\u001b]0;title\u0007\rnew`)).toBe(
      `${colour}[2J]0;titlenew`,
    );
  });
});

describe('a plan', () => {
  const plan = example<PlanView>('planJob');

  it('shows every offer with its cost or its reasons, and what is saved', () => {
    expect(lines(renderPlan(plan, plain, { all: false }))).toEqual([
      '   OFFER                          IN    PRICE  EXPECTED  JOB-HOUR  CONSISTS OF',
      '✓  aws/us-east-1/p5.4xlarge/spot  US  $2.50/h    $11.23     $2.75  run $10.00 + interruption $0.81 + waiting $0.21 + egress $0.09 + start-up $0.0625 + provider-failure $0.054',
      '',
      'refused: 1 (gpu-mismatch 1)',
      '✗  aws/us-east-1/g6.xlarge/spot  $0.40/h  needs H100:1, has L4:1',
      '   → list more GPU alternatives in resources.gpus',
      '',
      'expected cost  $11.23 at aws/us-east-1/p5.4xlarge/spot',
      'baseline       $6.88/h at aws/us-east-1/p5.4xlarge/on-demand, saving $4.38/h (64 %)',
      'policy builtin@1, offer book 42',
    ]);
  });

  it('compares expected costs where the baseline is ranked as well', () => {
    const [best] = plan.ranked;
    if (best === undefined) throw new Error('the example ranks nothing');
    const id = plan.baseline?.offerId ?? '';
    const second = {
      ...best,
      rank: 2,
      offer: { ...best.offer, id },
      expectedCostMicroUsd: 22_457_000,
    };
    const text = renderPlan({ ...plan, ranked: [best, second], rankedCount: 12 }, plain, {
      all: false,
    });
    expect(text).toContain(`baseline       $22.46 at ${id}, saving $11.23 (50 %)`);
    expect(text).toContain('   and 10 offers more, dearer');
  });

  it('says that no offer can serve', () => {
    const none = { ...plan, ranked: [], rankedCount: 0, baseline: null };
    expect(lines(renderPlan(none, plain, { all: false }))[0]).toBe(
      'no offer can serve this job now',
    );
  });
});

it('a reason answers engineer, finance and ops', () => {
  const why = example<WhyView>('explainJob');
  expect(lines(renderWhy(why, nowMs, plain))).toEqual([
    'job-019aa5c2f3b07e31 running',
    '',
    'It runs at aws/us-east-1/p5.4xlarge/spot, the best of 1 offer that may serve it.',
    '',
    'where     aws/us-east-1/p5.4xlarge/spot in US, attempt 1 running for 30m, $2.50/h',
    'chosen    aws/us-east-1/p5.4xlarge/spot, rank 1, decided 30m ago',
    'expected  $11.23 = run $10.00 + interruption $0.81 + waiting $0.21 + egress $0.09 + start-up $0.0625 + provider-failure $0.054',
    'job-hour  $2.75',
    'decision  dec-019aa5c2f4e17a02 under policy builtin@1',
    'cost      $1.25 of at most $25.00',
    '',
    'REFUSED FOR   OFFERS  REMEDY',
    'gpu-mismatch       1  list more GPU alternatives',
    '',
    'ATTEMPT  OFFER                          OUTCOME      EXIT   COST',
    '      1  aws/us-east-1/p5.4xlarge/spot  in progress        $1.25',
  ]);
});

it('commitments show what is gone of them', () => {
  const [one] = example<{ items: CommitmentView[] }>('listCommitments').items;
  if (one === undefined) throw new Error('the example has none');
  const hours = { ...one, name: 'prepaid', gpu: null, region: null, machines: null, hours: 825 };
  expect(lines(renderCommitments([one, hours], plain))).toEqual([
    'COMMITMENT     FOR                 FROM        UNTIL       STATE       QUANTITY     USED        LEASES',
    'h100-reserved  aws/us-east-1 H100  2026-11-01  2027-11-01  in-force  8 machines  412.5 h             3',
    'prepaid        aws                 2026-11-01  2027-11-01  in-force       825 h  412.5 h  50 %       3',
  ]);
});

it('calibration shows each ratio beside what is made of it', () => {
  expect(
    lines(
      renderCalibration(example<{ items: CalibrationView[] }>('reportCalibration').items, plain),
    ),
  ).toEqual([
    'PROVIDER  MARKET  ATTEMPTS  CHARGE  INTERRUPTION         START-UP         WAITING         IN 90 %  JOBS',
    'aws       spot          42    1.06          1.30  ×1.21      0.90  ×0.92     1.10  ×1.08     88 %    31',
    'realised over predicted; × is what predictions are multiplied by since',
  ]);
});

it('a cost report ends in its total', () => {
  expect(lines(renderCosts(example('reportCosts'), plain))).toEqual([
    '2026-11-01 to 2026-11-21',
    'PROJECT  BILLED  BASELINE  SAVING        LEASED  JOBS',
    'vision    $1.25     $3.44   $2.19  64 %     30m     1',
    'total     $1.25     $3.44   $2.19  64 %',
  ]);
});

describe('progress', () => {
  const event = (type: string, data: EventView['data']): EventView => ({
    sequence: 1,
    at: '2026-11-21T10:01:05.000Z',
    type,
    jobId: 'job-1',
    attemptId: null,
    data,
  });

  it.each(eventCatalogue.map(({ type }) => type))('has words for %s', (type) => {
    expect(meanings[type]).toBeDefined();
  });

  it.each([
    [
      'job.placed',
      { offer: 'akash/x', number: 2, expectedCost: 11_228_500 },
      'placed at akash/x (attempt 2), expected $11.23',
    ],
    ['job.waiting', { awaited: 2 }, 'waiting for capacity: 2 offers would serve'],
    [
      'attempt.lease-refused',
      { offer: 'akash/x', errorKind: 'no-capacity' },
      'refused by akash/x (no-capacity)',
    ],
    ['attempt.something-new', {}, 'attempt.something-new'],
    ['job.cancel-requested', { by: 'x\u001b[2J' }, 'cancel requested by x[2J'],
  ])('%s is told in words', (type, data, text) => {
    expect(renderEvent(event(type, data), nowMs, plain)).toBe(`  +1m 5s  ${text}`);
  });
});

it('a failure says what to do, to people and to programs', () => {
  const failure = new Failure('auth', 'A valid API key is needed', { remedy: 'set a key' });
  expect(renderFailure(failure, plain)).toBe('error: A valid API key is needed\n  → set a key');
  expect(failureDocument(failure)).toEqual({
    error: {
      kind: 'auth',
      exitCode: 5,
      message: 'A valid API key is needed',
      remedy: 'set a key',
      problems: [],
    },
  });
});

describe('colour', () => {
  it('marks text only where it is wanted', () => {
    expect(createPaint(true).bad('x')).toBe('\u001b[31mx\u001b[39m');
    expect(plain.bad('x')).toBe('x');
  });
});

describe('completion in bash', () => {
  const complete = async (...words: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await fairlead(['completion', 'bash']);
    const asked = `COMP_WORDS=(fairlead ${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length}
_fairlead
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = execFileSync('bash', ['-c', `${stdout}\n${asked}`], { encoding: 'utf8' });
    return out.trim().split('\n');
  };

  it.each([
    [['pol'], ['policies']],
    [
      ['policies', ''],
      [
        'ls',
        'check',
        'draft',
        'what-if',
        'apply',
        'diff',
        'export',
        'history',
        'submit',
        'approve',
        'reject',
        'withdraw',
        'activate',
        'schedule',
        'rollback',
        'settings',
        '--url',
        '--key',
        '--json',
        '--no-color',
      ],
    ],
    [
      ['--json', 'policies', 'a'],
      ['apply', 'approve', 'activate'],
    ],
    [['submit', '--f'], ['--follow']],
    [['completion', 'z'], ['zsh']],
  ])('%j becomes one of %j', async (words, expected) => {
    expect(await complete(...words)).toEqual(expected);
  });
});

it.each(['zsh', 'fish'])('completion for %s names every command', async (shell) => {
  const { stdout } = await fairlead(['completion', shell]);
  for (const command of ['plan', 'submit', 'policies', 'activate', 'keys', 'idempotency-key'])
    expect(stdout).toContain(command);
});
