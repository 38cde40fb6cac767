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
    ['policies', ['policies'], 'listPolicies'],
    ['policies apply', ['policies', 'apply', 'policy.json'], 'createPolicy'],
    ['costs', ['costs', '--by', 'project,gpu', '--from', '2026-11-01'], 'reportCosts'],
    ['budgets', ['budgets', '--period', '2026-11'], 'listBudgets'],
    ['budgets set', ['budgets', 'set', 'vision', '--hard', '$500'], 'putBudget'],
    ['providers', ['providers'], 'listProviders'],
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

  it.each([
    [
      'policies activate',
      ['policies', 'activate', 'health-data', '2'],
      'activatePolicy',
      { version: 2 },
    ],
    [
      'policies activate none',
      ['policies', 'activate', 'health-data', 'none'],
      'activatePolicy',
      { version: null },
    ],
    ['keys revoke', ['keys', 'revoke', 'key-1'], 'revokeApiKey', undefined],
  ])('%s says what was done', async (_name, argv, operation, body) => {
    const { stdout, heard, exitCode } = await against({ [operation]: () => 'empty' }, [
      ...argv,
      '--json',
    ]);
    expect(exitCode).toBe(0);
    expect(heard[0]?.body).toEqual(body);
    expect(typeof JSON.parse(stdout)).toBe('object');
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
