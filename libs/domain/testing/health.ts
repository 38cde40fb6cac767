import fc from 'fast-check';
import { knowledgeOf, noKnowledge, type HealthCounters, type Knowledge } from '../health/knowledge';
import { noLifetimes, withStretch } from '../health/lifetimes';
import { noWaits, withWait } from '../health/waits';

const HOUR_MS = 3_600_000;
export const KNOWN_AT_MS = 1_800_000_000_000;

/** Knowledge made of plain counters, for tests that need no ages. */
export function counted(wanted: Partial<HealthCounters>): Knowledge {
  const none = { leaseMs: 0, interruptions: 0, starts: 0, startMsTotal: 0, startFailures: 0 };
  return knowledgeOf({ ...none, ...wanted }, KNOWN_AT_MS);
}

const spanMs = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1_000, max: 200 * HOUR_MS }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 876_000 * HOUR_MS }) },
);
const count = fc.integer({ min: 0, max: 1_000 });

const leases = fc
  .array(fc.record({ toAgeMs: spanMs, ended: fc.boolean(), aged: fc.boolean() }), { maxLength: 8 })
  .map((all) =>
    all.reduce((sum, each) => withStretch(sum, { fromAgeMs: 0, ...each }), noLifetimes()),
  );

const waits = fc
  .array(fc.record({ ms: fc.integer({ min: 0, max: 8 * HOUR_MS }), ended: fc.boolean() }), {
    maxLength: 8,
  })
  .map((all) =>
    all.reduce((sum, { ms, ended }) => withWait(sum, ms, ended ? 'ended' : 'given-up'), noWaits()),
  );

/** Any measurements, as of any of a few moments. */
export const knowledge: fc.Arbitrary<Knowledge> = fc.record({
  asOfMs: fc.integer({ min: 0, max: 60 * 24 }).map((hours) => KNOWN_AT_MS + hours * HOUR_MS),
  leases,
  starts: waits,
  recoveries: waits,
  startFailures: count,
  requests: count,
  refusals: count,
  checks: count,
  lies: count,
  notices: count,
  noticeMs: count,
  companions: count,
  fellTogether: count,
  calls: count,
  unanswered: count,
});

/** Nothing at all, as of when tests begin. */
export const unknown: Knowledge = noKnowledge(KNOWN_AT_MS);
