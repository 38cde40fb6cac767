import {
  calmHourBps,
  failureDomainOf,
  MICROS_PER_USD,
  MS_PER_HOUR,
  type Circumstances,
  type JobFacts,
  type MeasuredReliability,
  type Offer,
} from '#libs/domain';
import {
  jobFields,
  offerFields,
  weekdays,
  type healthFields,
  type nowFields,
  type providerFields,
  type Shape,
} from './policy-fields';

const MS_PER_SECOND = 1_000;
const MS_PER_MINUTE = 60_000;
const BPS_PER_PERCENT = 100;

type JobShape = Shape<typeof jobFields>;
type OfferShape = Shape<typeof offerFields>;
type ProviderShape = Shape<typeof providerFields>;
type HealthShape = Shape<typeof healthFields>;
type NowShape = Shape<typeof nowFields>;

/** A job as rules see it. Throws RangeError when a list is longer than rules may be shown. */
export class JobContext implements JobShape {
  readonly name: string;
  readonly project: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly costCentre: string;
  readonly image: string;
  readonly workload: string;
  readonly dataClass: string;
  readonly dataClasses: readonly string[];
  readonly compliance: readonly string[];
  readonly residency: readonly string[];
  readonly confidential: boolean;
  readonly interruptible: boolean;
  readonly hasCheckpoint: boolean;
  readonly hasDeadline: boolean;
  readonly gpuCount: number;
  readonly gpuModels: readonly string[];
  readonly durationHours: number;
  readonly deadlineHours: number;
  readonly slaAvailability: number;
  readonly priority: number;
  readonly outputGb: number;
  readonly inputGb: number;
  readonly checkpointMinutes: number;
  readonly interconnect: string;
  readonly nodes: number;
  readonly replicas: number;
  readonly maxPricePerHour: number;
  readonly maxCost: number;
  readonly purchaseOrder: string;

  constructor({ spec }: JobFacts) {
    const { inputs, outputs, sla } = spec;
    const { gpus } = spec.resources;
    this.name = spec.name;
    this.project = spec.project;
    this.labels = cappedMap(spec.labels, jobFields.labels.limit);
    this.costCentre = spec.costCentre ?? '';
    this.image = spec.image;
    this.workload = spec.workload;
    this.dataClass = spec.dataClass;
    this.dataClasses = [
      ...new Set([spec.dataClass, ...[...inputs, ...outputs].map(({ dataClass }) => dataClass)]),
    ].sort();
    this.compliance = capped(spec.compliance, jobFields.compliance.limit);
    this.residency = capped(spec.residency, jobFields.residency.limit);
    this.confidential = spec.confidential;
    this.interruptible = spec.interruptible;
    this.hasCheckpoint = spec.checkpoint !== null;
    this.hasDeadline = sla.deadlineMs !== null;
    this.gpuCount = gpus.reduce((most, { count }) => Math.max(most, count), 0);
    this.gpuModels = capped(
      gpus.flatMap(({ model }) => model ?? []),
      jobFields.gpuModels.limit,
    );
    this.durationHours = spec.durationEstimateMs / MS_PER_HOUR;
    this.deadlineHours = (sla.deadlineMs ?? 0) / MS_PER_HOUR;
    this.slaAvailability = (sla.availabilityBps ?? 0) / BPS_PER_PERCENT;
    this.priority = spec.priority;
    this.outputGb = outputs.reduce((total, { sizeGb }) => total + sizeGb, 0);
    this.inputGb = inputs.reduce((total, { sizeGb }) => total + sizeGb, 0);
    this.checkpointMinutes = (spec.checkpoint?.intervalMs ?? 0) / MS_PER_MINUTE;
    this.interconnect = spec.resources.interconnect;
    this.nodes = spec.nodes;
    this.replicas = spec.replicas?.target ?? 0;
    this.maxPricePerHour = (spec.budget.maxPricePerHour ?? 0) / MICROS_PER_USD;
    this.maxCost = (spec.budget.maxCost ?? 0) / MICROS_PER_USD;
    this.purchaseOrder = spec.purchaseOrder ?? '';
  }
}

/** An offer as rules see it. Throws RangeError when a list is longer than rules may be shown. */
export class OfferContext implements OfferShape {
  readonly id: string;
  readonly provider: string;
  readonly kind: string;
  readonly region: string;
  readonly country: string;
  readonly market: string;
  readonly instanceType: string;
  readonly gpuModel: string;
  readonly gpuCount: number;
  readonly gpuMemoryGib: number;
  readonly interconnect: string;
  readonly cpus: number;
  readonly memoryGib: number;
  readonly diskGb: number;
  readonly interruptible: boolean;
  readonly pricePerHour: number;
  readonly egressPerGb: number;
  readonly token: string;
  readonly startupSeconds: number;
  readonly minimumMinutes: number;
  readonly certifications: readonly string[];
  readonly slaAvailability: number;
  readonly confidential: boolean;
  readonly consumerHardware: boolean;
  readonly features: readonly string[];
  readonly hostedBy: string;
  readonly failureDomain: string;

  constructor(offer: Offer) {
    const { gpu } = offer;
    this.id = offer.id;
    this.provider = offer.providerId;
    this.kind = offer.providerKind;
    this.region = offer.region;
    this.country = offer.country ?? '';
    this.market = offer.market;
    this.instanceType = offer.instanceType;
    this.gpuModel = gpu?.model ?? '';
    this.gpuCount = gpu?.count ?? 0;
    this.gpuMemoryGib = gpu?.memoryGib ?? 0;
    this.interconnect = gpu?.interconnect ?? 'any';
    this.cpus = offer.cpus;
    this.memoryGib = offer.memoryGib;
    this.diskGb = offer.diskGb;
    this.interruptible = offer.interruptible;
    this.pricePerHour = offer.pricePerHour / MICROS_PER_USD;
    this.egressPerGb = offer.egressPerGb / MICROS_PER_USD;
    this.token = offer.settlementToken ?? '';
    this.startupSeconds = offer.startupMs / MS_PER_SECOND;
    this.minimumMinutes = offer.billing.minimumMs / MS_PER_MINUTE;
    this.certifications = capped(offer.certifications, offerFields.certifications.limit);
    this.slaAvailability = (offer.slaBps ?? 0) / BPS_PER_PERCENT;
    this.confidential = offer.confidential;
    this.consumerHardware = offer.consumerHardware;
    this.features = capped(offer.features, offerFields.features.limit);
    this.hostedBy = offer.hostedBy ?? '';
    this.failureDomain = failureDomainOf(offer);
  }
}

/** Health as rules see it. */
export class HealthContext implements HealthShape {
  readonly measured: boolean;
  readonly measuredHours: number;
  readonly measuredStarts: number;
  readonly interruptionsPerHour: number;
  readonly calmHour: number;
  readonly startFailureChance: number;
  readonly refusalChance: number;
  readonly lieChance: number;
  readonly startupSeconds: number;
  readonly startupSecondsP99: number;
  readonly recoveryWaitSeconds: number;

  constructor(known: MeasuredReliability) {
    this.measured = known.measured.hours > 0 || known.measured.starts > 0;
    this.measuredHours = known.measured.hours;
    this.measuredStarts = known.measured.starts;
    this.interruptionsPerHour = known.interruptionsPerHour;
    this.calmHour = calmHourBps(known) / BPS_PER_PERCENT;
    this.startFailureChance = known.startFailureChance;
    this.refusalChance = known.refusalChance;
    this.lieChance = known.lieChance;
    this.startupSeconds = known.startupMs / MS_PER_SECOND;
    this.startupSecondsP99 = (known.startupP99Ms ?? 0) / MS_PER_SECOND;
    this.recoveryWaitSeconds = known.recoveryWaitMs / MS_PER_SECOND;
  }
}

/** A moment as rules see it, in UTC. */
export class NowContext implements NowShape {
  readonly hour: number;
  readonly minute: number;
  readonly weekday: string;
  readonly day: number;
  readonly month: number;
  readonly year: number;
  readonly date: string;
  readonly timestamp: string;
  readonly epochHours: number;

  constructor(nowMs: number) {
    const at = new Date(nowMs);
    this.hour = at.getUTCHours();
    this.minute = at.getUTCMinutes();
    this.weekday = weekdays[at.getUTCDay()] ?? '';
    this.day = at.getUTCDate();
    this.month = at.getUTCMonth() + 1;
    this.year = at.getUTCFullYear();
    this.timestamp = at.toISOString();
    this.date = this.timestamp.slice(0, this.timestamp.indexOf('T'));
    this.epochHours = nowMs / MS_PER_HOUR;
  }
}

/** A provider as rules see it. */
export class ProviderContext implements ProviderShape {
  readonly id: string;
  readonly kind: string;

  constructor({ providerId, providerKind }: Offer) {
    this.id = providerId;
    this.kind = providerKind;
  }
}

/** The variables that an expression is asked with: those that it reads, at least. */
export interface RuleContext extends Record<string, unknown> {
  readonly job: JobContext;
  readonly offer?: OfferContext;
  readonly provider?: ProviderContext;
  readonly health?: HealthContext;
  readonly now?: NowContext;
}

/** Which of the variables that change from decision to decision an expression reads; the rest is kept with job and offer. */
export interface Volatile {
  readonly health: boolean;
  readonly now: boolean;
}

/** Contexts by the identity of the job and the offer, which never change: made once, dropped with the object. */
export class RuleContexts {
  private readonly jobs = new WeakMap<JobFacts, RuleContext & { readonly job: JobContext }>();
  private readonly offers = new WeakMap<Offer, Required<Pick<RuleContext, 'offer' | 'provider'>>>();
  private last: { readonly job: JobFacts; readonly offer: Offer; context: RuleContext } | null =
    null;
  private lastNow: { readonly nowMs: number; readonly now: NowContext } | null = null;
  private lastHealth: {
    readonly offer: Offer;
    readonly around: Circumstances;
    readonly context: HealthContext;
  } | null = null;

  ofJob(job: JobFacts): RuleContext {
    const known = this.jobs.get(job);
    if (known !== undefined) return known;
    const made = { job: new JobContext(job) };
    this.jobs.set(job, made);
    return made;
  }

  /** For what is asked of a job at a moment. */
  ofJobAt(job: JobFacts, nowMs: number): RuleContext {
    return { job: this.ofJob(job).job, now: this.at(nowMs) };
  }

  /** All rules are asked about one offer before the next, so the last pair is kept at hand. */
  of(job: JobFacts, offer: Offer): RuleContext {
    if (this.last !== null && this.last.offer === offer && this.last.job === job)
      return this.last.context;
    const { offer: offerContext, provider } = this.ofOffer(offer);
    const context = { job: this.ofJob(job).job, offer: offerContext, provider };
    this.last = { job, offer, context };
    return context;
  }

  /** As `of`, with what the expression reads of the moment. */
  around(job: JobFacts, offer: Offer, around: Circumstances, reads: Volatile): RuleContext {
    const context = this.of(job, offer);
    return {
      ...context,
      ...(reads.health ? { health: this.healthOf(offer, around) } : {}),
      ...(reads.now ? { now: this.at(around.nowMs) } : {}),
    };
  }

  private at(nowMs: number): NowContext {
    if (this.lastNow?.nowMs === nowMs) return this.lastNow.now;
    const now = new NowContext(nowMs);
    this.lastNow = { nowMs, now };
    return now;
  }

  private healthOf(offer: Offer, around: Circumstances): HealthContext {
    const last = this.lastHealth;
    if (last !== null && last.offer === offer && last.around === around) return last.context;
    const context = new HealthContext(around.reliabilityOf(offer));
    this.lastHealth = { offer, around, context };
    return context;
  }

  private ofOffer(offer: Offer): Required<Pick<RuleContext, 'offer' | 'provider'>> {
    const known = this.offers.get(offer);
    if (known !== undefined) return known;
    const made = { offer: new OfferContext(offer), provider: new ProviderContext(offer) };
    this.offers.set(offer, made);
    return made;
  }
}

function capped(values: readonly string[], limit: number): readonly string[] {
  if (values.length > limit) throw new RangeError(`a list of ${values.length} is above ${limit}`);
  return values;
}

function cappedMap(
  values: Readonly<Record<string, string>>,
  limit: number,
): Readonly<Record<string, string>> {
  capped(Object.keys(values), limit);
  return values;
}
