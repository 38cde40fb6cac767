import type { FieldsRead, JobFacts, Offer, Vocabulary } from '#libs/domain';
import type { RuleContexts } from './policy-context';
import { jobFields, nowFields, offerFields, providerFields } from './policy-fields';

/** What `OfferContext` and `ProviderContext` make each of their fields from. */
const madeFrom: {
  readonly offer: { readonly [F in keyof typeof offerFields]: readonly (keyof Offer)[] };
  readonly provider: { readonly [F in keyof typeof providerFields]: readonly (keyof Offer)[] };
} = {
  offer: {
    id: ['id'],
    provider: ['providerId'],
    kind: ['providerKind'],
    region: ['region'],
    country: ['country'],
    market: ['market'],
    instanceType: ['instanceType'],
    gpuModel: ['gpu'],
    gpuCount: ['gpu'],
    gpuMemoryGib: ['gpu'],
    interconnect: ['gpu'],
    cpus: ['cpus'],
    memoryGib: ['memoryGib'],
    diskGb: ['diskGb'],
    interruptible: ['interruptible'],
    pricePerHour: ['pricePerHour'],
    egressPerGb: ['egressPerGb'],
    token: ['settlementToken'],
    startupSeconds: ['startupMs'],
    minimumMinutes: ['billing'],
    certifications: ['certifications'],
    slaAvailability: ['slaBps'],
    confidential: ['confidential'],
    consumerHardware: ['consumerHardware'],
    features: ['features'],
    hostedBy: ['hostedBy'],
    failureDomain: ['hostedBy', 'providerId', 'region'],
  },
  provider: { id: ['providerId'], kind: ['providerKind'] },
};

/**
 * A list that is longer than rules may be shown fails every rule that is asked about the offer, whatever it reads; so every
 * answer depends on these.
 */
const mayFail: readonly (keyof Offer)[] = ['certifications', 'features'];

/** What expressions read, in terms of offers, jobs and moments. */
export class RuleVocabulary implements Vocabulary {
  private readonly offerFieldsOf = new WeakMap<FieldsRead, readonly (keyof Offer)[] | null>();
  private readonly subjectsOf = new WeakMap<FieldsRead, Subject>();

  constructor(private readonly contexts: RuleContexts) {}

  offerFields(reads: FieldsRead): readonly (keyof Offer)[] | null {
    const known = this.offerFieldsOf.get(reads);
    if (known !== undefined) return known;
    const fields = offerFieldsIn(reads);
    this.offerFieldsOf.set(reads, fields);
    return fields;
  }

  /** Null for a job of which rules can be shown nothing: whatever asks about it fails. */
  subjectKey(reads: FieldsRead, job: JobFacts, nowMs: number): string | null {
    const known = this.subjectsOf.get(reads) ?? subjectIn(reads);
    this.subjectsOf.set(reads, known);
    if (!known.isKnown) return null;
    try {
      const { job: shown, now } = this.contexts.ofJobAt(job, nowMs);
      const ofJob = known.job.map((field) => shown[field]);
      return JSON.stringify(
        known.now.length === 0 ? ofJob : [...ofJob, ...known.now.map((field) => now?.[field])],
      );
    } catch {
      return null;
    }
  }
}

interface Subject {
  readonly isKnown: boolean;
  readonly job: readonly (keyof typeof jobFields)[];
  readonly now: readonly (keyof typeof nowFields)[];
}

function offerFieldsIn(reads: FieldsRead): readonly (keyof Offer)[] | null {
  const fields = new Set<keyof Offer>(mayFail);
  for (const name of reads) {
    const [variable = '', field = ''] = name.split('.');
    if (variable !== 'offer' && variable !== 'provider') continue;
    const from = sourcesOf(madeFrom[variable], field);
    if (from === undefined) return null;
    for (const one of from) fields.add(one);
  }
  return [...fields];
}

function sourcesOf(
  table: Readonly<Record<string, readonly (keyof Offer)[]>>,
  field: string,
): readonly (keyof Offer)[] | undefined {
  return Object.hasOwn(table, field) ? table[field] : undefined;
}

function subjectIn(reads: FieldsRead): Subject {
  const job: (keyof typeof jobFields)[] = [];
  const now: (keyof typeof nowFields)[] = [];
  let isKnown = true;
  for (const name of reads) {
    const [variable = '', field = ''] = name.split('.');
    if (variable === 'job') {
      if (isFieldOf(jobFields, field)) job.push(field);
      else isKnown = false;
    } else if (variable === 'now') {
      if (isFieldOf(nowFields, field)) now.push(field);
      else isKnown = false;
    }
  }
  return { isKnown, job: job.sort(), now: now.sort() };
}

function isFieldOf<T extends object>(fields: T, name: string): name is string & keyof T {
  return Object.hasOwn(fields, name);
}
