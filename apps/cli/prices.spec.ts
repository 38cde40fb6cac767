import { exitCodes } from './exit-codes';
import { against } from './testing/against';
import { example } from './testing/examples';

describe('price sheets', () => {
  const put = { putPriceSheet: () => ({ document: example('putPriceSheet') }) };

  it('go as CSV as they are written, under the name of the file', async () => {
    const { heard, stdout, exitCode } = await against(put, [
      'offers',
      'sheet',
      'apply',
      'Reserved 2027.csv',
      '--valid-until',
      '2027-01-01',
    ]);
    expect(exitCode).toBe(0);
    expect(heard[0]).toMatchObject({
      path: { name: 'reserved-2027' },
      body: 'provider,region\nacme,north\n',
    });
    expect(heard[0]?.query.get('validUntil')).toBe('2027-01-01');
    expect(stdout).toContain('acme/north/h100-8/on-demand');
  });

  it('go as documents otherwise, under the name that is wished for', async () => {
    const { heard } = await against(put, [
      'offers',
      'sheet',
      'apply',
      'sheet.yaml',
      '--name',
      'q4',
    ]);
    expect(heard[0]).toMatchObject({
      path: { name: 'q4' },
      body: { rows: [{ provider: 'acme' }] },
    });
  });

  it('say all that is wrong with them', async () => {
    const problems = [
      { pointer: '/rows/0/pricePerHour', code: 'x', message: 'line 2: no', remedy: 'mend it' },
      { pointer: '/rows/1', code: 'y', message: 'line 3: no', remedy: 'mend that' },
    ];
    const refused = {
      putPriceSheet: () => ({ problem: 'invalid-price-sheet', more: { problems } }) as const,
    };
    const { stderr, exitCode } = await against(refused, ['offers', 'sheet', 'apply', 'sheet.yaml']);
    expect(exitCode).toBe(exitCodes.refused.code);
    for (const { message, remedy } of problems) {
      expect(stderr).toContain(message);
      expect(stderr).toContain(remedy);
    }
  });

  it('take a validity on the command line for CSV only', async () => {
    const { exitCode } = await against({}, [
      'offers',
      'sheet',
      'apply',
      'sheet.yaml',
      '--valid-from',
      '2027-01-01',
    ]);
    expect(exitCode).toBe(exitCodes.usage.code);
  });

  it('are removed', async () => {
    const { stdout } = await against({ removePriceSheet: () => 'empty' }, [
      'offers',
      'sheet',
      'rm',
      'q4',
    ]);
    expect(stdout).toBe('removed q4\n');
  });
});

describe('the history of an offer', () => {
  const OFFER = 'acme/north/h100-1/spot';
  const history = {
    ...example('listPrices'),
    from: '2026-11-01T00:00:00.000Z',
    to: '2026-11-04T00:00:00.000Z',
    changes: [
      { at: '2026-11-01T00:00:00.000Z', pricePerHourMicroUsd: 1_000_000 },
      { at: '2026-11-02T00:00:00.000Z', pricePerHourMicroUsd: 3_000_000 },
      { at: '2026-11-03T00:00:00.000Z', pricePerHourMicroUsd: null },
    ],
  };

  it('is a chart from the lowest to the highest price, empty where it was not sold', async () => {
    const { stdout, heard } = await against({ listPrices: () => ({ document: history }) }, [
      'offers',
      'history',
      OFFER,
    ]);
    expect(heard[0]?.path).toEqual({ offerId: OFFER });
    expect(stdout.split('\n')[1]).toBe(`${'▁'.repeat(20)}${'█'.repeat(20)}${' '.repeat(20)}`);
    expect(stdout).toMatch(/lowest +\$1\.00\/h/);
    expect(stdout).toMatch(/highest +\$3\.00\/h/);
  });

  it('may be asked for by day', async () => {
    const days = [
      { day: '2026-11-01T00:00:00.000Z', minMicroUsd: 1_000_000, medianMicroUsd: 2_000_000 },
      { day: '2026-11-02T00:00:00.000Z', minMicroUsd: 3_000_000, medianMicroUsd: 4_000_000 },
    ].map((day) => ({ ...day, maxMicroUsd: 9_000_000, closeMicroUsd: 2_000_000, changes: 3 }));
    const document = { ...history, resolution: 'day', changes: [], days };
    const { stdout, heard } = await against({ listPrices: () => ({ document }) }, [
      'offers',
      'history',
      OFFER,
      '--resolution',
      'day',
    ]);
    expect(heard[0]?.query.get('resolution')).toBe('day');
    expect(stdout).toMatch(/lowest +\$1\.00\/h/);
    expect(stdout).toMatch(/highest +\$9\.00\/h/);
  });
});

it('says of each source how old it is and what went wrong', async () => {
  const list = example('listFeeds');
  const [feed] = list['feeds'] as readonly object[];
  const error = { kind: 'rate-limited', text: 'too fast' };
  const broken = { ...feed, id: 'acme/other', stale: true, failures: 3, error };
  const never = { ...feed, id: 'fx/kraken', readAt: null };
  const document = { ...list, feeds: [feed, broken, never] };
  const { stdout } = await against({ listFeeds: () => ({ document }) }, ['feeds']);
  expect(stdout).toMatch(/acme\/price-list +prices +30m ago +3d +78 +ok/);
  expect(stdout).toMatch(/acme\/other .*rate-limited \(3\): too fast/);
  expect(stdout).toMatch(/fx\/kraken +prices +never/);
  expect(stdout).toMatch(/AKT +\$1\.10 +30m ago +5\.20 % +8\.93 % +fx\/coinbase, fx\/kraken/);
});
