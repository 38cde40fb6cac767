import type { PolicyDocument } from '#libs/domain';

/** Government data: authorised and at home in the United States, certified and under contract elsewhere. */
export const fedramp: PolicyDocument = {
  kind: 'RoutingPolicy',
  name: 'builtin-fedramp',
  description:
    'Government data needs a FedRAMP authorisation in the United States, and a certified operator under contract elsewhere.',
  rules: [
    {
      id: 'government-data-needs-fedramp',
      when: '"government" in job.dataClasses && (job.residency.size() == 0 || "US" in job.residency)',
      require:
        '"fedramp-moderate" in offer.certifications || "fedramp-high" in offer.certifications',
      because: 'government data needs a FedRAMP authorisation',
    },
    {
      id: 'government-data-stays-home',
      when: '"government" in job.dataClasses && job.residency.size() == 0',
      require: 'offer.country == "US"',
      because: 'government data stays in the United States unless the job names its own country',
    },
    {
      id: 'other-government-data-needs-iso27001',
      when: '"government" in job.dataClasses && job.residency.size() > 0 && !("US" in job.residency)',
      require: ['"iso27001" in offer.certifications', 'offer.slaAvailability > 0.0'],
      because: 'government data needs a certified operator that is bound by a contract',
    },
  ],
  preferences: {},
  tests: [
    {
      name: 'authorised and at home',
      given: {
        job: { dataClass: 'government' },
        offer: { country: 'US', certifications: ['fedramp-high'] },
      },
      expect: 'allowed',
    },
    {
      name: 'at home without an authorisation',
      given: { job: { dataClass: 'government' }, offer: { country: 'US' } },
      expect: { refusedBy: ['government-data-needs-fedramp'] },
    },
    {
      name: 'authorised but abroad',
      given: {
        job: { dataClass: 'government' },
        offer: { country: 'DE', certifications: ['fedramp-moderate'] },
      },
      expect: { refusedBy: ['government-data-stays-home'] },
    },
    {
      name: 'another government names its country',
      given: {
        job: { dataClass: 'government', residency: ['DE'] },
        offer: { country: 'DE', certifications: ['iso27001'], slaAvailability: 99.9 },
      },
      expect: 'allowed',
    },
    {
      name: 'another government is promised nothing',
      given: {
        job: { dataClass: 'government', residency: ['DE'] },
        offer: { country: 'DE', certifications: ['iso27001'] },
      },
      expect: { refusedBy: ['other-government-data-needs-iso27001'] },
    },
  ],
};
