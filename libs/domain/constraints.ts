import type { Rejection } from './decision';
import type { StalenessIndex } from './freshness';
import type { JobFacts, GpuAlternative, Interconnect, Range } from './job';
import type { Offer, OfferGpu } from './offer';
import type { CompiledRule, Preferences } from './policy';
import { limitRefusals, type LimitInput } from './policy-limits';
import type { SuspensionIndex } from './suspension';

/** What the constraints of one decision share, prepared once. */
export interface ConstraintInput extends LimitInput {
  readonly job: JobFacts;
  readonly suspensions: SuspensionIndex;
  readonly staleness: StalenessIndex;
  /** Only the rules whose `when` holds for this job. */
  readonly rules: readonly CompiledRule[];
  readonly infra: {
    readonly include: readonly PlaceMatcher[];
    readonly exclude: readonly PlaceMatcher[];
  };
  readonly preferences: Preferences;
}

/**
 * Says why an offer cannot serve, or null. Each sees one offer at a time, so removing an offer changes nothing for the rest. The
 * answer depends on the fields in `reads` and on nothing else of the offer, so that offers alike in them are asked once. One
 * that reads the price reads nothing else, and refuses every price above one that it refuses.
 */
export interface Constraint {
  readonly reads: readonly (keyof Offer)[];
  readonly refuse: (offer: Offer, input: ConstraintInput) => Rejection | null;
  /** False where it refuses nothing at all for this decision, so that nobody need ask. */
  readonly speaks: (input: ConstraintInput) => boolean;
}

/** The type keeps a constraint from looking at fields that it does not declare. */
function constraint<const Reads extends readonly (keyof Offer)[]>(
  reads: Reads,
  refuse: (offer: Pick<Offer, Reads[number]>, input: ConstraintInput) => Rejection | null,
  speaks: (input: ConstraintInput) => boolean = () => true,
): Constraint {
  return { reads, refuse, speaks };
}

const interconnectRank: { readonly [I in Interconnect]: number } = {
  any: 0,
  nvlink: 1,
  infiniband: 2,
};

export const constraints: readonly Constraint[] = [
  constraint(['available'], ({ available }) => (available ? null : { code: 'unavailable' })),
  constraint(
    ['id', 'providerId', 'region', 'hostId'],
    (offer, { suspensions }) => {
      const hit = suspensions.find(offer);
      return hit === null
        ? null
        : { code: 'suspended', scope: hit.scope, untilMs: hit.untilMs, reason: hit.reason };
    },
    ({ suspensions }) => suspensions.inForce.length > 0,
  ),
  constraint(['source', 'providerId'], (offer, { staleness }) => {
    const stale = staleness.find(offer);
    return stale === null ? null : { code: 'price-stale', ...stale };
  }),
  constraint(
    ['providerId', 'region'],
    (offer, { infra }) => (infraAllows(offer, infra) ? null : { code: 'infra-excluded' }),
    ({ infra: { include, exclude } }) => include.length > 0 || exclude.length > 0,
  ),
  constraint(
    ['gpu'],
    ({ gpu }, { job }) => gpuRejection(gpu, job.spec.resources.gpus),
    ({ job }) => job.spec.resources.gpus.length > 0,
  ),
  constraint(
    ['gpu'],
    ({ gpu }, { job }) => {
      const want = job.spec.resources.interconnect;
      const have = gpu?.interconnect ?? 'any';
      return interconnectRank[have] >= interconnectRank[want]
        ? null
        : { code: 'interconnect-too-slow', want, have };
    },
    ({ job }) => job.spec.resources.interconnect !== 'any',
  ),
  constraint(['cpus'], ({ cpus }, { job }) => {
    const { min, max } = job.spec.resources.cpus;
    return within(cpus, { min, max }) ? null : { code: 'cpus-out-of-range', min, max, have: cpus };
  }),
  constraint(['memoryGib'], ({ memoryGib: haveGib }, { job }) => {
    const { min: minGib, max: maxGib } = job.spec.resources.memoryGib;
    return within(haveGib, { min: minGib, max: maxGib })
      ? null
      : { code: 'memory-out-of-range', minGib, maxGib, haveGib };
  }),
  constraint(['diskGb'], ({ diskGb: haveGb }, { job }) => {
    const wantGb = job.spec.resources.diskGb;
    return haveGb >= wantGb ? null : { code: 'disk-too-small', wantGb, haveGb };
  }),
  constraint(['interruptible'], ({ interruptible }, { job }) =>
    !interruptible || job.spec.interruptible ? null : { code: 'interruption-not-tolerated' },
  ),
  constraint(['certifications'], ({ certifications }, { job }) => {
    const { compliance } = job.spec;
    if (compliance.every((regime) => certifications.includes(regime))) return null;
    const regimes = compliance.filter((regime) => !certifications.includes(regime));
    return { code: 'certification-missing', regimes };
  }),
  constraint(
    ['country'],
    ({ country }, { job }) => {
      const allowed = job.spec.residency;
      if (allowed.length === 0) return null;
      const inside = country !== null && allowed.includes(country);
      return inside ? null : { code: 'residency-violated', allowed, have: country };
    },
    ({ job }) => job.spec.residency.length > 0,
  ),
  constraint(['confidential'], ({ confidential }, { job }) =>
    !job.spec.confidential || confidential ? null : { code: 'confidential-computing-missing' },
  ),
  constraint(['slaBps'], ({ slaBps }, { job }) => {
    const wantBps = job.spec.sla.availabilityBps;
    if (wantBps === null || (slaBps ?? 0) >= wantBps) return null;
    return { code: 'sla-too-weak', wantBps, haveBps: slaBps };
  }),
  constraint(
    ['pricePerHour'],
    ({ pricePerHour }, { job }) => {
      const maxPerHour = job.spec.budget.maxPricePerHour;
      if (maxPerHour === null || pricePerHour <= maxPerHour) return null;
      return { code: 'price-too-high', maxPerHour, havePerHour: pricePerHour };
    },
    ({ job }) => job.spec.budget.maxPricePerHour !== null,
  ),
];

/** Everything that keeps an offer from serving: constraints in their order, rules and limits in the order of their ids, profiles. */
export function refusals(offer: Offer, input: ConstraintInput): Rejection[] {
  const reasons: Rejection[] = [];
  for (const { refuse } of constraints) {
    const reason = refuse(offer, input);
    if (reason !== null) reasons.push(reason);
  }
  for (const rule of input.rules) {
    if (rule.holds(input.job, offer, input.around) === (rule.effect === 'require')) continue;
    const code = rule.effect === 'require' ? 'policy-requires' : 'policy-forbids';
    reasons.push({ code, ruleId: rule.id, because: rule.because });
  }
  reasons.push(...limitRefusals(offer, input));
  return reasons;
}

/** Whether a `provider/region` is meant. */
export type PlaceMatcher = (place: string) => boolean;

/** `aws/us-*` as a matcher of `provider/region`; a bare provider means all of its regions. Linear in the place, however many stars. */
export function placeMatcher(glob: string): PlaceMatcher {
  const [head = '', ...rest] = (glob.includes('/') ? glob : `${glob}/*`).split('*');
  const tail = rest.pop();
  if (tail === undefined) return (place) => place === head;
  return (place) => {
    if (!place.startsWith(head) || !place.endsWith(tail)) return false;
    let from = head.length;
    for (const part of rest) {
      const at = place.indexOf(part, from);
      if (at < 0) return false;
      from = at + part.length;
    }
    return from <= place.length - tail.length;
  };
}

function infraAllows(
  { providerId, region }: Pick<Offer, 'providerId' | 'region'>,
  { include, exclude }: ConstraintInput['infra'],
): boolean {
  if (include.length === 0 && exclude.length === 0) return true;
  const place = `${providerId}/${region}`;
  if (exclude.some((matches) => matches(place))) return false;
  return include.length === 0 || include.some((matches) => matches(place));
}

function gpuRejection(have: OfferGpu | null, wanted: readonly GpuAlternative[]): Rejection | null {
  if (wanted.length === 0 || (have !== null && wanted.some((want) => gpuServes(have, want))))
    return null;
  return {
    code: 'gpu-mismatch',
    want: wanted.map(gpuText).join(' or '),
    have: have === null ? 'none' : `${have.model}:${have.count}`,
  };
}

function gpuServes(have: OfferGpu, want: GpuAlternative): boolean {
  const modelFits = want.model === null || modelMatches(have.model, want.model);
  return modelFits && have.count >= want.count && within(have.memoryGib, want.memoryGib);
}

/** `A100` accepts every A100; `A100-80GB` only that one. */
function modelMatches(have: string, want: string): boolean {
  return have === want || have.startsWith(`${want}-`);
}

function gpuText({ model, count, memoryGib }: GpuAlternative): string {
  const range =
    memoryGib.max === null ? `${memoryGib.min}GB..` : `${memoryGib.min}GB..${memoryGib.max}GB`;
  return `${model ?? range}:${count}`;
}

function within(value: number, { min, max }: Range): boolean {
  return value >= min && (max === null || value <= max);
}
