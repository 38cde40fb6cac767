import type { CheckOutcome } from '#libs/provider-kit/testing';
import { renderReports, reportOn } from './report';

const outcomes: readonly CheckOutcome[] = [
  { group: 'offers', name: 'have ids', status: 'passed', reason: null },
  { group: 'offers', name: 'have prices', status: 'failed', reason: 'price is 0' },
  { group: 'release', name: 'stops the workload', status: 'skipped', reason: 'nothing runs' },
];

describe('the conformance report', () => {
  it('counts by group and in all, and keeps why', () => {
    expect(reportOn('alpha', outcomes)).toEqual({
      name: 'alpha',
      passed: 1,
      failed: 1,
      skipped: 1,
      groups: {
        offers: { passed: 1, failed: 1, skipped: 0 },
        release: { passed: 0, failed: 0, skipped: 1 },
      },
      failures: [{ group: 'offers', name: 'have prices', reason: 'price is 0' }],
      skips: [{ group: 'release', name: 'stops the workload', reason: 'nothing runs' }],
    });
  });

  it('reads as a table, with reasons, and closes with the totals', () => {
    expect(renderReports([reportOn('alpha', outcomes)]).split('\n')).toEqual([
      'provider  group    passed  failed  skipped',
      'alpha     offers   1       1       0',
      'alpha     release  0       0       1',
      'alpha     all      1       1       1',
      '',
      'failed: alpha offers: have prices: price is 0',
      'skipped: alpha release: stops the workload: nothing runs',
      '',
      '1 passed, 1 failed, 1 skipped',
    ]);
  });
});
