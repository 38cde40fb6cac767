import { exitCodes } from './exit-codes';
import { against } from './testing/against';
import { example, JOB } from './testing/examples';
import type { Replies } from './testing/stand-in';

describe('every command with --json', () => {
  const listed = (operation: string): Replies => ({
    [operation]: () => ({ document: example(operation) }),
  });
  it.each([
    ['ls', ['ls', '--state', 'running', '--label', 'team=vision'], 'listJobs'],
    ['why', ['why', JOB], 'explainJob'],
    ['cancel', ['cancel', JOB], 'cancelJob'],
    ['retry', ['retry', JOB], 'retryJob'],
    ['offers', ['offers', '--gpu', 'H100', '--available', '--max-price', '$3'], 'listOffers'],
    ['offers history', ['offers', 'history', 'aws/us-east-1/p5.4xlarge/spot'], 'listPrices'],
    ['offers sheet', ['offers', 'sheet'], 'listPriceSheets'],
    ['offers sheet show', ['offers', 'sheet', 'show', 'reserved-2027'], 'getPriceSheet'],
    ['feeds', ['feeds'], 'listFeeds'],
    ['policies', ['policies'], 'listPolicies'],
    ['policies draft', ['policies', 'draft', 'policy.json', '--comment', 'why'], 'createPolicy'],
    ['policies apply', ['policies', 'apply', '-f', 'policy.json', '--prune'], 'applyPolicies'],
    ['policies diff of files', ['policies', 'diff', '-f', 'policy.json'], 'applyPolicies'],
    ['policies diff', ['policies', 'diff', 'health-data', '--from', '1'], 'diffPolicy'],
    ['policies history', ['policies', 'history', 'health-data'], 'policyHistory'],
    [
      'policies what-if',
      ['policies', 'what-if', 'policy.json', '--last', '50', '--project', 'vision'],
      'whatIfPolicy',
    ],
    ['policies settings', ['policies', 'settings'], 'policySettings'],
    [
      'policies settings of a project',
      ['policies', 'settings', '--require-approval', 'yes', '--project', 'clinic'],
      'setPolicySettings',
    ],
    ['costs', ['costs', '--by', 'project,gpu', '--from', '2026-11-01'], 'reportCosts'],
    ['budgets', ['budgets', '--period', '2026-11'], 'listBudgets'],
    ['budgets set', ['budgets', 'set', 'vision', '--hard', '$500'], 'putBudget'],
    ['commitments', ['commitments'], 'listCommitments'],
    [
      'commitments set',
      ['commitments', 'set', 'year', '--provider', 'p', '--until', '2099-01-01', '--hours', '9'],
      'putCommitment',
    ],
    ['calibration', ['calibration'], 'reportCalibration'],
    ['providers', ['providers'], 'listProviders'],
    ['providers suspensions', ['providers', 'suspensions', '--all'], 'listSuspensions'],
    [
      'providers suspend',
      ['providers', 'suspend', 'akash', '--for', '6h', '--because', 'maintenance'],
      'changeSuspensions',
    ],
    ['keys', ['keys'], 'listApiKeys'],
    [
      'keys create',
      ['keys', 'create', 'ci', '--role', 'submitter', '--project', 'vision'],
      'createApiKey',
    ],
  ])('%s prints what the router said', async (_name, argv, operation) => {
    const { stdout, stderr, exitCode } = await against(listed(operation), [...argv, '--json']);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual(example(operation));
    const text = await against(listed(operation), argv);
    expect(text.exitCode).toBe(0);
    expect(text.stdout).not.toMatch(/undefined|NaN|\[object|null/);
  });

  it.each([['keys revoke', ['keys', 'revoke', 'key-1'], 'revokeApiKey', undefined]])(
    '%s says what was done',
    async (_name, argv, operation, body) => {
      const { stdout, heard, exitCode } = await against({ [operation]: () => 'empty' }, [
        ...argv,
        '--json',
      ]);
      expect(exitCode).toBe(0);
      expect(heard[0]?.body).toEqual(body);
      expect(typeof JSON.parse(stdout)).toBe('object');
    },
  );

  it.each<[readonly string[], string, object]>([
    [['activate', 'health-data', '2'], 'activatePolicy', { version: 2 }],
    [['activate', 'health-data', 'none'], 'activatePolicy', { version: null }],
    [
      ['schedule', 'health-data', '2', '--at', '2026-12-01T00:00+01:00'],
      'activatePolicy',
      { version: 2, at: '2026-11-30T23:00:00.000Z' },
    ],
    [
      ['submit', 'health-data', '2', '--at', '2026-12-01', '--comment', 'why'],
      'submitPolicy',
      { version: 2, at: '2026-12-01T00:00:00.000Z', comment: 'why' },
    ],
    [['approve', 'health-data', '2'], 'approvePolicy', { version: 2 }],
    [
      ['reject', 'health-data', '2', '--comment', 'no'],
      'rejectPolicy',
      { version: 2, comment: 'no' },
    ],
    [['withdraw', 'health-data', '2'], 'withdrawPolicy', { version: 2 }],
    [['rollback', 'health-data'], 'rollBackPolicy', {}],
    [['rollback', 'health-data', '--to', '1'], 'rollBackPolicy', { to: 1 }],
  ])('policies %j asks for exactly that step', async (argv, operation, body) => {
    const replies = listed(operation);
    const { stdout, heard, exitCode } = await against(replies, ['policies', ...argv, '--json']);
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, example(operation)]);
    expect([heard[0]?.path, heard[0]?.body]).toEqual([{ name: 'health-data' }, body]);
    expect((await against(replies, ['policies', ...argv])).stdout).toContain('health-data version');
  });

  it('finds the one version that awaits approval, and asks where there are several', async () => {
    const { versions, ...rest } = example('policyHistory') as { versions: readonly object[] };
    const awaiting = (...numbers: readonly number[]) => ({
      document: {
        ...rest,
        versions: [
          ...numbers.map((version) => ({ ...versions[0], version, state: 'awaiting-approval' })),
          ...versions,
        ],
      },
    });
    const approve = (...numbers: readonly number[]) =>
      against({ ...listed('approvePolicy'), policyHistory: () => awaiting(...numbers) }, [
        'policies',
        'approve',
        'health-data',
      ]);
    expect((await approve(7)).heard[1]?.body).toEqual({ version: 7 });
    expect(await approve(8, 7)).toMatchObject({
      exitCode: exitCodes.usage.code,
      stderr: expect.stringContaining('several await it: 8, 7'),
    });
    expect((await approve()).stderr).toContain('no version of health-data awaits approval');
  });

  it('prints the CSV of costs as it comes', async () => {
    const csv = 'provider,billed_usd\naws,1.25\n';
    const replies: Replies = { exportCosts: () => ({ text: csv, type: 'text/csv' }) };
    const { stdout } = await against(replies, ['costs', '--by', 'provider', '--csv']);
    expect(stdout).toBe(csv);
  });

  it('reads as many pages as were wished for and no more', async () => {
    const { items } = example('listJobs');
    const page = {
      items: Array.from({ length: 200 }, () => (items as readonly object[])[0]),
      next: 'c',
    };
    const { stdout, heard } = await against({ listJobs: () => ({ document: page }) }, [
      'ls',
      '-n',
      '350',
      '--json',
    ]);
    expect(heard.map(({ query }) => [query.get('limit'), query.get('cursor')])).toEqual([
      ['200', null],
      ['150', 'c'],
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ next: 'c' });
  });
});
