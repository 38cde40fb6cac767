import fc from 'fast-check';
import type { PolicyFacts } from '#libs/domain';
import { HealthContext, JobContext, NowContext, OfferContext } from './policy-context';
import { healthFields, jobFields, offerFields, type FieldDeclaration } from './policy-fields';
import { subjectOf } from './policy-test-facts';

/** Fields that others settle, and fields that may say less than was given. */
const settled: ReadonlySet<string> = new Set([
  'offer.failureDomain',
  'job.hasCheckpoint',
  'job.hasDeadline',
  'job.dataClasses',
  'job.gpuCount',
  'health.calmHour',
  'health.measured',
]);

const word = fc.constantFrom('a', 'b-1', 'US');
const valueOf = ({ type, values }: FieldDeclaration): fc.Arbitrary<PolicyFacts[string]> => {
  const text = values === undefined ? word : fc.constantFrom(...values);
  switch (type) {
    case 'string':
      return text;
    case 'bool':
      return fc.boolean();
    case 'double':
      return fc.integer({ min: 1, max: 90 });
    case 'list<string>':
      return fc.uniqueArray(text, { maxLength: 3 });
    case 'map<string, string>':
      return fc.dictionary(word, word, { maxKeys: 2 });
  }
};

const factsOf = (
  variable: string,
  fields: Readonly<Record<string, FieldDeclaration>>,
): fc.Arbitrary<PolicyFacts> =>
  fc.record(
    Object.fromEntries(
      Object.entries(fields)
        .filter(([name]) => !settled.has(`${variable}.${name}`))
        .map(([name, field]) => [name, valueOf(field)]),
    ),
    { requiredKeys: [] },
  ) as fc.Arbitrary<PolicyFacts>;

describe('what a test is given', () => {
  it('is what its expressions see, every field of it', () => {
    fc.assert(
      fc.property(
        factsOf('job', jobFields),
        factsOf('offer', offerFields),
        factsOf('health', healthFields),
        (job, offer, health) => {
          const subject = subjectOf({ job, offer, health });
          expect(new JobContext(subject.job)).toMatchObject(job);
          expect(new OfferContext(subject.offer)).toMatchObject(offer);
          const known = subject.around.reliabilityOf(subject.offer);
          expect(new HealthContext(known)).toMatchObject(health);
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each<[PolicyFacts, PolicyFacts]>([
    [{ hasCheckpoint: true }, { hasCheckpoint: true, checkpointMinutes: 60 }],
    [
      { hasCheckpoint: false, checkpointMinutes: 5 },
      { hasCheckpoint: false, checkpointMinutes: 0 },
    ],
    [{ hasDeadline: true }, { hasDeadline: true, deadlineHours: 24 }],
    [{ gpuCount: 4 }, { gpuCount: 4, gpuModels: [] }],
    [
      { gpuCount: 2, gpuModels: ['H100'] },
      { gpuCount: 2, gpuModels: ['H100'] },
    ],
    [{ dataClasses: ['health'] }, { dataClass: 'health', dataClasses: ['health'] }],
    [
      { dataClass: 'internal', dataClasses: ['health'] },
      { dataClass: 'internal', dataClasses: ['health', 'internal'] },
    ],
  ])('%j shows as %j', (job, shown) => {
    expect(new JobContext(subjectOf({ job }).job)).toMatchObject(shown);
  });

  it('takes measurements from what it is given', () => {
    const { around, offer } = subjectOf({ health: { calmHour: 80, measuredHours: 3 } });
    const shown = new HealthContext(around.reliabilityOf(offer));
    expect(shown).toMatchObject({ measured: true, measuredHours: 3, calmHour: 80 });
  });

  it('is asked at the moment that it names', () => {
    const { around } = subjectOf({ now: '2027-02-28T23:59:00.000Z' });
    expect(new NowContext(around.nowMs)).toMatchObject({
      hour: 23,
      minute: 59,
      weekday: 'sunday',
      day: 28,
      month: 2,
      year: 2027,
      date: '2027-02-28',
    });
  });
});
