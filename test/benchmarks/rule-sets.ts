import { usd, type PolicyDocument, type PolicyRule } from '#libs/domain';

const regimes = ['hipaa', 'soc2', 'gdpr', 'pci-dss', 'iso27001'] as const;
const countries = ['US', 'DE', 'FI', 'FR', 'GB', 'NL'] as const;
const models = ['H100', 'A100-80GB', 'RTX4090', 'L40S'] as const;
const workloads = ['training', 'inference', 'rendering', 'fine-tuning', 'batch-inference'] as const;

/** One of a list, again and again. */
function nth<T>(all: readonly T[], n: number): T {
  const one = all[n % all.length];
  if (one === undefined) throw new Error('there is nothing to choose from');
  return one;
}

/** How the rules of a company look, `n` being the how manieth of its kind: by project, class, data and place; most are about few jobs. */
const templates: readonly ((n: number) => Omit<PolicyRule, 'id' | 'because'>)[] = [
  (n) => ({
    when: `job.project == "project-${n}"`,
    require: `offer.country in ["${nth(countries, n)}", "${nth(countries, n + 1)}"]`,
  }),
  (n) => ({
    when: `"personal" in job.dataClasses && job.priority == ${n}.0`,
    require: `"${nth(regimes, n)}" in offer.certifications || offer.kind == "hyperscaler"`,
  }),
  (n) => ({
    when: `job.workload == "${nth(workloads, n)}"`,
    forbid: `offer.gpuModel == "${nth(models, n)}" && offer.consumerHardware && offer.memoryGib == ${n}.0`,
  }),
  (n) => ({ forbid: `provider.id == "blocked-${n}" && offer.interruptible` }),
  (n) => ({
    when: `job.hasDeadline && job.durationHours == ${n}.0`,
    require: 'offer.startupSeconds < 600.0 || offer.market == "on-demand"',
  }),
  (n) => ({
    when: `job.gpuCount >= 2.0 && job.name.startsWith("sweep-${n}-")`,
    require: 'offer.gpuCount < 2.0 || offer.interconnect in ["nvlink", "infiniband"]',
  }),
  (n) => ({
    when: `"team" in job.labels && job.labels["team"] == "team-${n}"`,
    forbid: 'offer.region.startsWith("us-gov")',
  }),
  (n) => ({
    when: 'job.dataClasses.exists(c, c in ["health", "payment"])',
    forbid: `offer.hostedBy == "host-${n}" || offer.failureDomain.endsWith("-${1_000 + n}")`,
  }),
  (n) => ({
    when: `job.costCentre == "CC-${n}"`,
    require: 'offer.slaAvailability >= 99.0 && !offer.interruptible && offer.token == ""',
  }),
  (n) => ({
    when: `job.workload in ["${nth(workloads, n)}", "${nth(workloads, n + 2)}"]`,
    forbid: `offer.diskGb == ${n}.0 || (offer.cpus == ${n}.0 && provider.kind == "decentralised")`,
  }),
];

/** A policy of so many rules, always the same. */
export function ruleSet(size: number): PolicyDocument {
  return {
    kind: 'RoutingPolicy',
    name: `company-${size}`,
    description: 'Rules as they gather in a company over the years.',
    rules: Array.from({ length: size }, (_, n) => ({
      id: `rule-${n}`,
      because: `rule ${n} of ${size}`,
      ...nth(templates, n)(1 + Math.floor(n / templates.length)),
    })),
    preferences: { training: { latenessCost: usd(900) } },
    limits: [
      {
        id: 'dear-machines',
        when: 'job.priority < 90.0',
        offers: 'offer.gpuCount > 0.0',
        maxPricePerHour: usd(120),
        because: 'anything dearer is agreed with finance first',
      },
    ],
  };
}
