import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilePolicies } from '#apps/policy-engine/compile-policy';
import { builtinPolicies } from '#apps/policy-engine/builtin/builtin-policies';
import {
  canonicalJson,
  decide,
  formatUsd,
  renderDecisionTable,
  summarise,
  type CompiledPolicy,
  type Decision,
  type JobFacts,
} from '#libs/domain';
import { goldenCases, jobOf, type GoldenCase } from './golden-cases';
import { offerBook } from './offer-book';
import { workloadGuide, type GuideRow } from './workload-guide';

const folder = join(__dirname, 'decisions');
const MS_PER_HOUR = 3_600_000;
/** Rewrites the files instead of comparing with them; the difference is then read and committed like code. */
const isUpdate = process.env['UPDATE_GOLDEN'] === '1';

const policy = builtin();

function builtin(): CompiledPolicy {
  const result = compilePolicies(builtinPolicies);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 2));
  return result.policy;
}

const decisionFor = (job: JobFacts, offers = offerBook): Decision =>
  decide({ job, policy, offers, health: {}, suspensions: [], nowMs: 0 });

function render(golden: GoldenCase): string {
  const job = jobOf(golden);
  const guide: GuideRow = workloadGuide[golden.row];
  const decision = decisionFor(job);
  const all = decision.ranked.length + decision.rejected.length;
  const summary = summarise(decision, { ranked: all, nearestMisses: all, awaited: all });
  const { baseline } = decision;
  return [
    `${golden.name}: ${describeJob(job)}`,
    `guide: ${guide.workload} goes to ${[guide.platform, guide.networks.join(' or ')].filter(Boolean).join(': ')}; ${guide.reason}`,
    `policy: ${policy.version}`,
    `baseline: ${baseline === null ? 'none' : `${baseline.offerId} at ${formatUsd(baseline.pricePerHour)}/h`}`,
    '',
    renderDecisionTable(summary),
    '',
  ].join('\n');
}

function describeJob({ spec }: JobFacts): string {
  const wanted = spec.resources.gpus.map(
    ({ model, count, memoryGib }) => `${model ?? `${memoryGib.min} GiB GPU`} x${count}`,
  );
  const { checkpoint, sla } = spec;
  return [
    `${spec.workload} on ${wanted.join(' or ') || 'CPUs'}`,
    `${spec.durationEstimateMs / MS_PER_HOUR} h`,
    `${spec.dataClass} data`,
    spec.interruptible ? 'may be interrupted' : 'must not be interrupted',
    checkpoint === null
      ? 'no checkpoints'
      : `checkpoint every ${checkpoint.intervalMs / 60_000} min`,
    ...spec.compliance,
    ...(spec.residency.length > 0 ? [`stays in ${spec.residency.join(' ')}`] : []),
    ...(spec.confidential ? ['confidential'] : []),
    ...(sla.deadlineMs === null ? [] : [`done within ${sla.deadlineMs / MS_PER_HOUR} h`]),
    ...(sla.availabilityBps === null ? [] : [`availability ${sla.availabilityBps / 100} %`]),
  ].join(', ');
}

describe.each(goldenCases)('$name', (golden) => {
  const path = join(folder, `${golden.name}.txt`);

  it('is decided as the file says', () => {
    const rendered = render(golden);
    if (isUpdate) writeFileSync(path, rendered);
    expect(rendered).toBe(readFileSync(path, 'utf8'));
  });

  it('goes where the guide sends it', () => {
    const guide: GuideRow = workloadGuide[golden.row];
    const winner = decisionFor(jobOf(golden)).ranked[0]?.offer;
    expect(guide.kinds).toContain(winner?.providerKind);
    if (guide.networks.length > 0) expect(guide.networks).toContain(winner?.providerId);
  });

  it('is decided to the same bytes whatever the order of the book', () => {
    const job = jobOf(golden);
    expect(canonicalJson(decisionFor(job, [...offerBook].reverse()))).toBe(
      canonicalJson(decisionFor(job)),
    );
  });
});

it('has a case for every row of the guide, and a file for every case', () => {
  expect(new Set(goldenCases.map(({ row }) => row))).toEqual(new Set(Object.keys(workloadGuide)));
  expect(readdirSync(folder).sort()).toEqual(goldenCases.map(({ name }) => `${name}.txt`).sort());
});

it('holds every network that the guide names, and no offer twice', () => {
  const sellers = new Set<string>(offerBook.map(({ providerId }) => providerId));
  for (const { networks } of Object.values(workloadGuide))
    for (const name of networks) expect(sellers).toContain(name);
  expect(new Set(offerBook.map(({ id }) => id)).size).toBe(offerBook.length);
});
