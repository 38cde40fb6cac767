import type { PolicyDocument } from '#libs/domain';

/** Where regulated data may be processed. Certifications are facts of offers; the rules only ask for them. */
export const regulatedData: PolicyDocument = {
  kind: 'RoutingPolicy',
  name: 'builtin-regulated-data',
  description: 'Health, government, payment and personal data stay where the law lets them be.',
  rules: [
    {
      id: 'health-data-needs-hipaa',
      when: '"health" in job.dataClasses || "hipaa" in job.compliance',
      require: '"hipaa" in offer.certifications',
      because: 'health data may be processed only under a HIPAA agreement',
    },
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
      require: '"iso27001" in offer.certifications && offer.slaAvailability > 0.0',
      because: 'government data needs a certified operator that is bound by a contract',
    },
    {
      id: 'payment-data-needs-pci-dss',
      when: '"payment" in job.dataClasses',
      require: '"pci-dss" in offer.certifications',
      because: 'payment data may be processed only in a PCI DSS environment',
    },
    {
      id: 'personal-data-needs-gdpr-or-residency',
      when: '"personal" in job.dataClasses',
      require:
        '"gdpr" in offer.certifications || (offer.country != "" && offer.country in job.residency)',
      because:
        'personal data needs a provider that commits to the GDPR, or countries named by the job',
    },
  ],
  preferences: {},
};
