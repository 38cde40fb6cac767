import type { PolicyDocument } from '#libs/domain';

/** The European Economic Area. */
const EEA =
  '"AT","BE","BG","HR","CY","CZ","DK","EE","FI","FR","DE","GR","HU","IE","IT","LV","LT","LU","MT","NL","PL","PT","RO","SK","SI","ES","SE","IS","LI","NO"';
/** Countries that the Commission has found adequate as a whole (GDPR Article 45). */
const ADEQUATE = '"AD","AR","CA","CH","FO","GB","GG","IL","IM","JE","JP","KR","NZ","UY"';

/** Personal data: a commitment to the GDPR, or countries that the job names itself. */
export const gdpr: PolicyDocument = {
  kind: 'RoutingPolicy',
  name: 'builtin-gdpr',
  description:
    'Personal data needs a commitment to the GDPR or countries named by the job; under the GDPR it stays in Europe or where protection is adequate.',
  rules: [
    {
      id: 'personal-data-needs-gdpr-or-residency',
      when: '"personal" in job.dataClasses',
      require:
        '"gdpr" in offer.certifications || (offer.country != "" && offer.country in job.residency)',
      because:
        'personal data needs a provider that commits to the GDPR, or countries named by the job',
    },
    {
      id: 'gdpr-stays-where-protection-is-adequate',
      when: '"gdpr" in job.compliance && job.residency.size() == 0 && !("government" in job.dataClasses)',
      require: `offer.country in [${EEA},${ADEQUATE}]`,
      because:
        'work under the GDPR stays in the European Economic Area or a country of adequate protection, unless the job names its countries',
    },
  ],
  preferences: {},
  tests: [
    {
      name: 'a provider that commits to the GDPR',
      given: {
        job: { dataClass: 'personal' },
        offer: { country: 'US', certifications: ['gdpr'] },
      },
      expect: 'allowed',
    },
    {
      name: 'a country that the job names',
      given: { job: { dataClass: 'personal', residency: ['CH'] }, offer: { country: 'CH' } },
      expect: 'allowed',
    },
    {
      name: 'neither',
      given: { job: { dataClass: 'personal', residency: ['CH'] }, offer: { country: 'DE' } },
      expect: { refusedBy: ['personal-data-needs-gdpr-or-residency'] },
    },
    {
      name: 'an unknown country is no country',
      given: { job: { dataClass: 'personal' }, offer: {} },
      expect: { refusedBy: ['personal-data-needs-gdpr-or-residency'] },
    },
    {
      name: 'under the GDPR work stays in Europe',
      given: { job: { compliance: ['gdpr'] }, offer: { country: 'IE' } },
      expect: 'allowed',
    },
    {
      name: 'under the GDPR work does not go overseas unasked',
      given: { job: { compliance: ['gdpr'] }, offer: { country: 'US' } },
      expect: { refusedBy: ['gdpr-stays-where-protection-is-adequate'] },
    },
    {
      name: 'under the GDPR the job may name other countries',
      given: { job: { compliance: ['gdpr'], residency: ['US'] }, offer: { country: 'US' } },
      expect: 'allowed',
    },
  ],
};
