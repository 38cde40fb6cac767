import type { PolicyDocument } from '#libs/domain';

/** Payment data: a PCI DSS environment, on machines that belong to whoever was certified. */
export const pciDss: PolicyDocument = {
  kind: 'RoutingPolicy',
  name: 'builtin-pci-dss',
  description: 'Payment data is processed only in a PCI DSS environment.',
  rules: [
    {
      id: 'payment-data-needs-pci-dss',
      when: '"payment" in job.dataClasses || "pci-dss" in job.compliance',
      require: '"pci-dss" in offer.certifications',
      because: 'payment data may be processed only in a PCI DSS environment',
    },
  ],
  preferences: {},
  tests: [
    {
      name: 'a PCI DSS environment',
      given: { job: { dataClass: 'payment' }, offer: { certifications: ['pci-dss'] } },
      expect: 'allowed',
    },
    {
      name: 'any other environment',
      given: { job: { dataClasses: ['payment'] }, offer: { certifications: ['soc2'] } },
      expect: { refusedBy: ['payment-data-needs-pci-dss'] },
    },
  ],
};
