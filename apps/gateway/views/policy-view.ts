import {
  formatPolicyDocument,
  type AppliedView,
  type MessageReply,
  type PolicyDiffView,
  type PolicyHistoryView,
  type PolicyMovedView,
  type PolicySettingsView,
  type PolicyVersionView,
  type WhatIfView,
} from '#libs/contracts';
import {
  diffDocuments,
  type DocumentDiff,
  type PolicyDocument,
  type WhatIfReport,
  type WhatIfRow,
  type WhatIfTotals,
} from '#libs/domain';
import { timeOf, timeOrNull } from './times';

type Version = MessageReply<'policy.list'>['versions'][number];
type History = MessageReply<'policy.history'>;

export function versionView(version: Version): PolicyVersionView {
  const { document, createdAtMs, activateAtMs, activatedAtMs, ...rest } = version;
  return {
    name: document.name,
    ...rest,
    createdAt: timeOf(createdAtMs),
    activateAt: timeOrNull(activateAtMs),
    activatedAt: timeOrNull(activatedAtMs),
    document: formatPolicyDocument(document),
  };
}

export function movedView(
  moved: Extract<MessageReply<'policy.move'>, { kind: 'moved' }>,
): PolicyMovedView {
  const { version, changed } = moved;
  return { changed, version: version === null ? null : versionView(version) };
}

export function historyView(name: string, { versions, events }: History): PolicyHistoryView {
  return {
    name,
    versions: versions.map(versionView),
    events: events.map(({ sequence, atMs, version, type, from, to, by, comment }) => ({
      sequence,
      at: timeOf(atMs),
      version,
      type,
      from,
      to,
      by,
      comment,
    })),
  };
}

/** The difference in the words in which people write policies. */
export function diffView(
  before: PolicyDocument | null,
  after: PolicyDocument | null,
): { changes: PolicyDiffView['changes']; more: boolean } {
  const written = (document: PolicyDocument | null): unknown =>
    document === null ? null : formatPolicyDocument(document);
  const { changes, more }: DocumentDiff = diffDocuments(written(before), written(after));
  return { changes: changes.map((change) => ({ ...change })), more };
}

export function appliedView(
  { policies }: Extract<MessageReply<'policy.apply'>, { kind: 'applied' }>,
  dryRun: boolean,
): AppliedView {
  return {
    dryRun,
    policies: policies.map(({ before, after, ...told }) => ({
      ...told,
      ...diffView(before, after),
    })),
  };
}

export function settingsView({ settings }: MessageReply<'policy.settings'>): PolicySettingsView {
  const installation = settings.find(({ project }) => project === null);
  return {
    requireApproval: installation?.requireApproval ?? false,
    projects: settings.flatMap(({ project, setBy, setAtMs }) =>
      project === null ? [] : [{ project, setBy, setAt: timeOf(setAtMs) }],
    ),
  };
}

export function whatIfView(
  name: string,
  answer: Extract<MessageReply<'policy.what-if'>, { kind: 'reported' }>,
): WhatIfView {
  const { report, replaces, policyVersion } = answer;
  return {
    name,
    replaces,
    policyVersion,
    considered: report.considered,
    jobs: report.jobs,
    jobsChanged: report.jobsChanged,
    total: totalsView(report.total),
    projects: report.projects.map(({ project, ...totals }) => ({
      project,
      ...totalsView(totals),
    })),
    risk: { ...report.risk },
    causes: report.causes.map((cause) => ({ ...cause })),
    changes: report.changes.map(changeView),
    moreChanges: report.moreChanges,
    skipped: { ...report.skipped },
  };
}

function totalsView(totals: WhatIfTotals): WhatIfView['total'] {
  const { expectedBefore, expectedAfter, billBefore, billAfter, ...counts } = totals;
  return {
    ...counts,
    expectedBeforeMicroUsd: expectedBefore,
    expectedAfterMicroUsd: expectedAfter,
    differenceMicroUsd: expectedAfter - expectedBefore,
    billBeforeMicroUsd: billBefore,
    billAfterMicroUsd: billAfter,
  };
}

function changeView(row: WhatIfReport['changes'][number]): WhatIfView['changes'][number] {
  return {
    decisionId: row.decisionId,
    jobId: row.jobId,
    project: row.project,
    at: timeOf(row.atMs),
    kind: row.kind,
    from: placementView(row.from),
    to: placementView(row.to),
    causes: row.causes.map((cause) => ({ ...cause })),
  };
}

function placementView(placement: WhatIfRow['from']): WhatIfView['changes'][number]['from'] {
  if (placement === null) return null;
  const { offerId, expectedCost, latenessBps } = placement;
  return { offerId, expectedCostMicroUsd: expectedCost, latenessBps };
}
