import type { PolicyDocument } from '#libs/domain';

/** Opt-in: a team that buys only from audited operators says so with a label or a regime. */
export const soc2Only: PolicyDocument = {
  kind: 'RoutingPolicy',
  name: 'builtin-soc2-only',
  description:
    'Jobs with the label soc2-only=true, or with soc2 among their regimes, run at operators with a SOC 2 report.',
  rules: [
    {
      id: 'soc2-was-asked-for',
      when: '"soc2" in job.compliance || ("soc2-only" in job.labels && job.labels["soc2-only"] == "true")',
      require: '"soc2" in offer.certifications',
      because: 'the job asks for operators with a SOC 2 report',
    },
  ],
  preferences: {},
  tests: [
    {
      name: 'the label asks for it',
      given: { job: { labels: { 'soc2-only': 'true' } }, offer: { certifications: ['hipaa'] } },
      expect: { refusedBy: ['soc2-was-asked-for'] },
    },
    {
      name: 'an audited operator',
      given: { job: { labels: { 'soc2-only': 'true' } }, offer: { certifications: ['soc2'] } },
      expect: 'allowed',
    },
    {
      name: 'nobody asked',
      given: { job: { labels: { 'soc2-only': 'false' } }, offer: {} },
      expect: 'allowed',
    },
  ],
};
