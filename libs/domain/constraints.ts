import type { Rejection } from './decision';
import type { JobFacts, GpuAlternative, Interconnect, Range } from './job';
import type { Offer, OfferGpu } from './offer';
import type { CompiledRule, Preferences } from './policy';
import type { SuspensionIndex } from './suspension';

/** What the constraints of one decision share, prepared once. */
export interface ConstraintInput {
  readonly job: JobFacts;
  readonly suspensions: SuspensionIndex;
  /** Only the rules whose `when` holds for this job. */
  readonly rules: readonly CompiledRule[];
  readonly infra: {
    readonly include: readonly PlaceMatcher[];
    readonly exclude: readonly PlaceMatcher[];
  };
  readonly preferences: Preferences;
}

/** Returns why an offer cannot serve, or null. Each sees one offer at a time, so removing an offer changes nothing for the rest. */
export type Constraint = (offer: Offer, input: ConstraintInput) => Rejection | null;

const interconnectRank: { readonly [I in Interconnect]: number } = {
  any: 0,
  nvlink: 1,
  infiniband: 2,
};

export const constraints: readonly Constraint[] = [
  (offer) => (offer.available ? null : { code: 'unavailable' }),
  (offer, { suspensions }) => {
    const hit = suspensions.find(offer);
    return hit === null
      ? null
      : { code: 'suspended', scope: hit.scope, untilMs: hit.untilMs, reason: hit.reason };
  },
  (offer, { infra }) => (infraAllows(offer, infra) ? null : { code: 'infra-excluded' }),
  (offer, { job }) => gpuRejection(offer.gpu, job.spec.resources.gpus),
  (offer, { job }) => {
    const want = job.spec.resources.interconnect;
    const have = offer.gpu?.interconnect ?? 'any';
    return interconnectRank[have] >= interconnectRank[want]
      ? null
      : { code: 'interconnect-too-slow', want, have };
  },
  (offer, { job }) => {
    const { min, max } = job.spec.resources.cpus;
    return within(offer.cpus, { min, max })
      ? null
      : { code: 'cpus-out-of-range', min, max, have: offer.cpus };
  },
  (offer, { job }) => {
    const { min: minGib, max: maxGib } = job.spec.resources.memoryGib;
    const haveGib = offer.memoryGib;
    return within(haveGib, { min: minGib, max: maxGib })
      ? null
      : { code: 'memory-out-of-range', minGib, maxGib, haveGib };
  },
  (offer, { job }) => {
    const wantGb = job.spec.resources.diskGb;
    return offer.diskGb >= wantGb ? null : { code: 'disk-too-small', wantGb, haveGb: offer.diskGb };
  },
  (offer, { job }) =>
    !offer.interruptible || job.spec.interruptible ? null : { code: 'interruption-not-tolerated' },
  (offer, { job }) => {
    const { compliance } = job.spec;
    if (compliance.every((regime) => offer.certifications.includes(regime))) return null;
    const regimes = compliance.filter((regime) => !offer.certifications.includes(regime));
    return { code: 'certification-missing', regimes };
  },
  (offer, { job }) => {
    const allowed = job.spec.residency;
    if (allowed.length === 0) return null;
    const inside = offer.country !== null && allowed.includes(offer.country);
    return inside ? null : { code: 'residency-violated', allowed, have: offer.country };
  },
  (offer, { job }) =>
    !job.spec.confidential || offer.confidential
      ? null
      : { code: 'confidential-computing-missing' },
  (offer, { job }) => {
    const wantBps = job.spec.sla.availabilityBps;
    if (wantBps === null || (offer.slaBps ?? 0) >= wantBps) return null;
    return { code: 'sla-too-weak', wantBps, haveBps: offer.slaBps };
  },
  (offer, { job }) => {
    const maxPerHour = job.spec.budget.maxPricePerHour;
    if (maxPerHour === null || offer.pricePerHour <= maxPerHour) return null;
    return { code: 'price-too-high', maxPerHour, havePerHour: offer.pricePerHour };
  },
];

/** Everything that keeps an offer from serving: constraints in their order, then rules in the order of their ids. */
export function refusals(offer: Offer, input: ConstraintInput): Rejection[] {
  const reasons: Rejection[] = [];
  for (const constraint of constraints) {
    const reason = constraint(offer, input);
    if (reason !== null) reasons.push(reason);
  }
  for (const rule of input.rules) {
    if (rule.holds(input.job, offer) === (rule.effect === 'require')) continue;
    const code = rule.effect === 'require' ? 'policy-requires' : 'policy-forbids';
    reasons.push({ code, ruleId: rule.id, because: rule.because });
  }
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
  { providerId, region }: Offer,
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
