import { fakeOffer } from '../testkit/fake-offers';
import { costTermNames, type RankedOffer, type Rejection } from './decision';
import { asDecisionId, asJobId } from './ids';
import { usd, ZERO_USD } from './money';
import type { Offer } from './offer';
import {
  MAX_WHAT_IF_ROWS,
  whatIfReport,
  whatIfRow,
  type WhatIfSide,
  type WhatIfSubject,
} from './what-if';

const cheap = fakeOffer({ instanceType: 'cheap' });
const dear = fakeOffer({ instanceType: 'dear' });
const noSpot: Rejection = { code: 'policy-forbids', ruleId: 'acme/no-spot', because: 'no' };

const NOTHING = Object.fromEntries(costTermNames.map((name) => [name, ZERO_USD]));
const ranked = (offer: Offer, cost: number, latenessBps = 0): RankedOffer => ({
  offer,
  terms: { ...(NOTHING as RankedOffer['terms']), run: usd(cost) },
  expectedCost: usd(cost),
  latenessBps,
  noReturnAtMs: null,
});
const decision = (
  places: readonly RankedOffer[],
  refused: readonly (readonly [Offer, Rejection])[] = [],
): WhatIfSide => ({
  best: places[0] ?? null,
  reasonsAgainst: (offerId) =>
    refused.flatMap(([offer, reason]) => (offer.id === offerId ? [reason] : [])),
});

let made = 0;
const subject = (over: Partial<WhatIfSubject> = {}): WhatIfSubject => ({
  decisionId: asDecisionId(`dec-${(made += 1)}`),
  jobId: asJobId(`job-${made}`),
  project: 'vision',
  atMs: made,
  hasDeadline: false,
  toleratedBps: 500,
  ...over,
});

const both = decision([ranked(cheap, 1), ranked(dear, 3)]);
const onlyDear = decision([ranked(dear, 3)], [[cheap, noSpot]]);
const none = decision(
  [],
  [
    [cheap, noSpot],
    [dear, { code: 'infra-excluded' }],
  ],
);

describe('what a draft would have changed about a decision', () => {
  it.each([
    ['same', both, both, []],
    ['moved', both, onlyDear, [{ what: 'acme/no-spot', does: 'refuses' }]],
    ['moved', onlyDear, both, [{ what: 'acme/no-spot', does: 'opens' }]],
    [
      'moved',
      both,
      decision([ranked(dear, 1), ranked(cheap, 2)]),
      [{ what: 'preferences', does: 'reprices' }],
    ],
    ['infeasible', both, none, [{ what: 'acme/no-spot', does: 'refuses' }]],
    ['feasible', none, onlyDear, [{ what: 'infra-excluded', does: 'opens' }]],
    ['unplaced', none, none, []],
  ] as const)('is %s', (kind, before, after, causes) => {
    expect(whatIfRow(subject(), before, after)).toMatchObject({ kind, causes });
  });

  it('shows where the draft takes more risk than is accepted now', () => {
    const risky = decision([ranked(cheap, 1, 900)]);
    expect(whatIfRow(subject(), both, risky).isOverTolerance).toBe(true);
    expect(whatIfRow(subject({ toleratedBps: 900 }), both, risky).isOverTolerance).toBe(false);
  });
});

describe('the report', () => {
  const jobId = asJobId('job-twice');
  const rows = [
    whatIfRow(subject({ jobId }), both, onlyDear),
    whatIfRow(subject({ jobId, hasDeadline: true }), both, decision([ranked(dear, 4, 301)])),
    whatIfRow(subject({ project: 'audio', hasDeadline: true }), both, none),
    whatIfRow(subject({ project: 'audio' }), none, onlyDear),
    whatIfRow(subject({ project: 'audio' }), both, both),
  ];
  const report = whatIfReport(rows, ['job-gone', 'offers-gone', 'job-gone']);

  it('adds up in total and by project, over what has a place both ways', () => {
    expect(report).toMatchObject({
      considered: 8,
      jobs: 4,
      jobsChanged: 3,
      total: {
        decisions: 5,
        same: 1,
        moved: 2,
        infeasible: 1,
        feasible: 1,
        unplaced: 0,
        expectedBefore: usd(3),
        expectedAfter: usd(8),
        billBefore: usd(3),
        billAfter: usd(8),
      },
      projects: [
        { project: 'audio', decisions: 3, moved: 0, expectedBefore: usd(1), expectedAfter: usd(1) },
        {
          project: 'vision',
          decisions: 2,
          moved: 2,
          expectedBefore: usd(2),
          expectedAfter: usd(7),
        },
      ],
      skipped: { 'job-gone': 2, 'offers-gone': 1 },
    });
  });

  it('tells the risk for deadlines', () => {
    expect(report.risk).toEqual({
      decisions: 1,
      latenessBpsBefore: 0,
      latenessBpsAfter: 301,
      overTolerance: 0,
      deadlinesUnserved: 1,
    });
  });

  it('lists what no offer serves any more first, and which rule caused what', () => {
    expect(report.changes.map(({ kind }) => kind)).toEqual([
      'infeasible',
      'feasible',
      'moved',
      'moved',
    ]);
    expect(report.causes[0]).toEqual({ what: 'acme/no-spot', does: 'refuses', decisions: 2 });
  });

  it('is the same whatever the order of the decisions, and bounded', () => {
    expect(whatIfReport([...rows].reverse(), ['offers-gone', 'job-gone', 'job-gone'])).toEqual(
      report,
    );
    const many = Array.from({ length: 300 }, () => whatIfRow(subject(), both, onlyDear));
    const long = whatIfReport(many, []);
    expect([long.changes.length, long.moreChanges, long.total.moved]).toEqual([
      MAX_WHAT_IF_ROWS,
      true,
      300,
    ]);
  });
});
