import type { PolicyDocument } from '#libs/domain';

/** Health data: a business associate agreement, which a certification of the offer stands for. */
export const hipaa: PolicyDocument = {
  kind: 'RoutingPolicy',
  name: 'builtin-hipaa',
  description: 'Health data is processed only where the operator has signed a HIPAA agreement.',
  rules: [
    {
      id: 'health-data-needs-hipaa',
      when: '"health" in job.dataClasses || "hipaa" in job.compliance',
      require: '"hipaa" in offer.certifications',
      because: 'health data may be processed only under a HIPAA agreement',
    },
  ],
  preferences: {},
  tests: [
    {
      name: 'health data goes to a certified offer',
      given: { job: { dataClasses: ['health'] }, offer: { certifications: ['hipaa'] } },
      expect: 'allowed',
    },
    {
      name: 'health data does not go anywhere else, however certified',
      given: { job: { dataClass: 'health' }, offer: { certifications: ['soc2', 'iso27001'] } },
      expect: { refusedBy: ['health-data-needs-hipaa'] },
    },
    {
      name: 'one input of health data is enough',
      given: { job: { dataClass: 'internal', dataClasses: ['health'] }, offer: {} },
      expect: { refusedBy: ['health-data-needs-hipaa'] },
    },
    {
      name: 'the regime can be asked for by name',
      given: { job: { compliance: ['hipaa'] }, offer: {} },
      expect: { refusedBy: ['health-data-needs-hipaa'] },
    },
    {
      name: 'other data goes anywhere',
      given: { job: { dataClass: 'internal' }, offer: { kind: 'decentralised' } },
      expect: 'allowed',
    },
  ],
};
