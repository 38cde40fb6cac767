import { exampleDecision, exampleOffer, examplePolicyVersion } from './examples';
import type {
  AppliedView,
  PolicyDiffView,
  PolicyHistoryView,
  PolicySettingsView,
  WhatIfView,
} from './http-policies';

/** What the OpenAPI document shows of policies; each is checked against its schema by a test. */
const AT = '2026-11-21T09:30:00.000Z';

const change = {
  pointer: '/rules/certified/require',
  kind: 'changed',
  before: "provider.kind == 'hyperscaler'",
  after: "'hipaa' in offer.certifications",
} as const;

export const exampleHistory: PolicyHistoryView = {
  name: examplePolicyVersion.name,
  versions: [examplePolicyVersion],
  events: [
    {
      sequence: 12,
      at: AT,
      version: 2,
      type: 'activate',
      from: 'approved',
      to: 'active',
      by: 'bob',
      comment: 'agreed with legal',
    },
  ],
};

export const exampleDiff: PolicyDiffView = {
  name: examplePolicyVersion.name,
  from: 1,
  to: 2,
  changes: [change],
  more: false,
};

export const exampleApplied: AppliedView = {
  dryRun: false,
  policies: [
    {
      name: examplePolicyVersion.name,
      change: 'changed',
      version: 2,
      state: 'active',
      changes: [change],
      more: false,
    },
  ],
};

export const exampleSettings: PolicySettingsView = {
  requireApproval: false,
  projects: [{ project: 'clinic', setBy: 'root', setAt: AT }],
};

const totals = {
  decisions: 200,
  same: 180,
  moved: 17,
  infeasible: 3,
  feasible: 0,
  unplaced: 0,
  expectedBeforeMicroUsd: 812_000_000,
  expectedAfterMicroUsd: 841_500_000,
  differenceMicroUsd: 29_500_000,
  billBeforeMicroUsd: 780_000_000,
  billAfterMicroUsd: 806_000_000,
};

export const exampleWhatIf: WhatIfView = {
  name: examplePolicyVersion.name,
  replaces: 2,
  policyVersion: 'health-data@2',
  considered: 204,
  jobs: 151,
  jobsChanged: 18,
  total: totals,
  projects: [{ project: 'vision', ...totals }],
  risk: {
    decisions: 40,
    latenessBpsBefore: 120,
    latenessBpsAfter: 90,
    overTolerance: 0,
    deadlinesUnserved: 1,
  },
  causes: [{ what: 'health-data/certified', does: 'refuses', decisions: 20 }],
  changes: [
    {
      decisionId: exampleDecision.id,
      jobId: exampleDecision.jobId,
      project: 'vision',
      at: AT,
      kind: 'moved',
      from: {
        offerId: exampleDecision.rejected[0]?.offerId ?? '',
        expectedCostMicroUsd: 9_000_000,
        latenessBps: 0,
      },
      to: {
        offerId: exampleOffer.id,
        expectedCostMicroUsd: 11_228_500,
        latenessBps: 0,
      },
      causes: [{ what: 'health-data/certified', does: 'refuses' }],
    },
  ],
  moreChanges: true,
  skipped: { 'job-gone': 4 },
};
