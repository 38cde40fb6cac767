import { reliabilityOf, type HealthSnapshot, type MeasuredReliability } from './health';
import type { JobFacts, WorkloadClass } from './job';
import type { MicroUsd } from './money';
import { usd, ZERO_USD } from './money';
import type { Offer } from './offer';

/** Exchange rates and tolerances by which wishes are weighed; all money, never weights. */
export interface Preferences {
  /** What an hour of waiting for the result is worth. */
  readonly waitingCostPerHour: MicroUsd;
  /** What being late costs, on top of the waiting, times the chance of it. */
  readonly latenessCost: MicroUsd;
  /** An offer is refused when the chance of missing the deadline exceeds this, in basis points. */
  readonly latenessToleranceBps: number;
  /** Safety margin on prices settled in a token, in basis points. */
  readonly tokenRiskBps: number;
  /** Cost of checking work done on hardware that cannot be proved, in basis points of the run. */
  readonly verificationBps: number;
  /** What each percentage point that the contractual availability falls short of 100 % costs per hour of work. */
  readonly availabilityPointPerHour: MicroUsd;
}

export const DEFAULT_PREFERENCES: Preferences = {
  waitingCostPerHour: usd(0.05),
  latenessCost: usd(50),
  latenessToleranceBps: 500,
  tokenRiskBps: 1300,
  verificationBps: 0,
  availabilityPointPerHour: ZERO_USD,
};

/**
 * A rule as written: CEL over `job`, `offer`, `provider`, `health` and `now`. At least one of `require` and `forbid` is set;
 * of several requirements all must hold, of several things forbidden none may.
 */
export interface PolicyRule {
  readonly id: string;
  /** Which jobs it is about, over `job` and `now`; absent means every job. */
  readonly when?: string | undefined;
  readonly require?: string | readonly string[] | undefined;
  readonly forbid?: string | readonly string[] | undefined;
  /** Shown to users whose offers it refuses. */
  readonly because: string;
}

/** For which projects a policy speaks. Globs in which `*` stands for any text. */
export interface PolicyScope {
  readonly projects: readonly string[];
}

/** When a policy speaks: instants in ISO 8601, UTC; the first belongs to the period, the second does not. Null is open. */
export interface PolicyPeriod {
  readonly from: string | null;
  readonly until: string | null;
}

/** Money per hour of work for the offers that a CEL expression holds for. */
export interface OfferCharge {
  readonly offers: string;
  readonly perHour: MicroUsd;
}

/** Exchange rates under a condition. */
export interface PolicyPreference {
  readonly id: string;
  /** For which jobs and at what times, over `job` and `now`; absent means always. */
  readonly when?: string | undefined;
  readonly rates?: Readonly<Partial<Preferences>> | undefined;
  /** Matching offers count as dearer by this. */
  readonly premium?: OfferCharge | undefined;
  /** Matching offers count as cheaper by this than all others: the others are charged it, so that no term is negative. */
  readonly discount?: OfferCharge | undefined;
}

/** Measures of what a project has leased at a moment, as far as a limit covers it. */
export interface LimitUsage {
  readonly jobs: number;
  readonly gpus: number;
  /** Sum of the hourly prices of all leases of the project, covered by the limit or not. */
  readonly spendPerHour: MicroUsd;
  /** The part of `spendPerHour` that is covered and settled in a token. */
  readonly tokenSpendPerHour: MicroUsd;
}

/** Usage by the id of the limit. Absent means that nothing is leased. */
export type LimitUsages = Readonly<Record<string, LimitUsage>>;

export const NO_USAGE: LimitUsage = {
  jobs: 0,
  gpus: 0,
  spendPerHour: ZERO_USD,
  tokenSpendPerHour: ZERO_USD,
};

/** What a limit bounds. At least one is set; each that is exceeded refuses the offer. */
export interface LimitMaxima {
  /** Of the whole machine. */
  readonly maxPricePerHour?: MicroUsd | undefined;
  /** GPUs that the project holds at a time on what the limit covers, this offer's included. */
  readonly maxGpus?: number | undefined;
  /** Jobs that the project runs at a time on what the limit covers, this one included. */
  readonly maxJobs?: number | undefined;
  /** What the project pays per hour in tokens for what the limit covers, this offer included. */
  readonly maxTokenSpendPerHour?: MicroUsd | undefined;
  /** Share of the project's hourly spend that is settled in tokens, in basis points, this offer included. */
  readonly maxTokenShareBps?: number | undefined;
  /** Up to this hourly spend in tokens the share does not matter: the first job of a project has no share to speak of. */
  readonly tokenAllowancePerHour?: MicroUsd | undefined;
}

/** A limit as written. */
export interface PolicyLimit extends LimitMaxima {
  readonly id: string;
  /** Which jobs it is about, over `job` and `now`; absent means every job. */
  readonly when?: string | undefined;
  /** Which offers it covers; absent means every offer. */
  readonly offers?: string | undefined;
  readonly because: string;
}

export const interruptibleUses = ['allowed', 'with-checkpoint', 'never'] as const;
export type InterruptibleUse = (typeof interruptibleUses)[number];

/** What holds for a workload class unless a policy of more precedence says otherwise. */
export interface PolicyProfile {
  /** As in `Preferences`; gives way to the rates of the same document. */
  readonly latenessToleranceBps?: number | undefined;
  /** Whether offers that can be taken back at will may be used, besides what each job says itself. */
  readonly interruptible?: InterruptibleUse | undefined;
  /** Least chance that an hour passes without an interruption, in basis points, as far as it is measured or assumed. */
  readonly minReliabilityBps?: number | undefined;
}

/** Fields of a job, an offer or health as expressions see them. */
export type PolicyFacts = Readonly<
  Record<string, string | number | boolean | readonly string[] | Readonly<Record<string, string>>>
>;

/** What a policy test is given; fields that are left out have neutral values. */
export interface PolicyTestGiven {
  readonly job?: PolicyFacts | undefined;
  readonly offer?: PolicyFacts | undefined;
  readonly health?: PolicyFacts | undefined;
  /** Instant in ISO 8601, UTC. */
  readonly now?: string | undefined;
  /** What the project holds already of what each limit covers. */
  readonly held?: Partial<LimitUsage> | undefined;
}

/** What a policy test expects. Refusals are looked at only where `refusedBy` is given. */
export type PolicyExpectation =
  | 'allowed'
  | {
      /** Ids of exactly the rules, limits and profiles that refuse. */
      readonly refusedBy?: readonly string[] | undefined;
      readonly rates?: Readonly<Partial<Preferences>> | undefined;
      /** Sum of the premiums and withheld discounts for the offer. */
      readonly chargedPerHour?: MicroUsd | undefined;
    };

export interface PolicyTest {
  readonly name: string;
  readonly given: PolicyTestGiven;
  readonly expect: PolicyExpectation;
}

/**
 * A policy as written, stored and versioned; money already in micro-dollars. What a document leaves out has no effect.
 * Documents are not ordered: rules and limits only ever refuse, and of exchange rates that speak of the same thing the one
 * with more precedence holds (`byPrecedence` of the compiler).
 */
export interface PolicyDocument {
  readonly kind: 'RoutingPolicy';
  readonly name: string;
  readonly description: string;
  readonly rules: readonly PolicyRule[];
  /** Exchange rates by workload class; the short form of `prefer` with a `when` about the class. */
  readonly preferences: Readonly<Partial<Record<WorkloadClass, Partial<Preferences>>>>;
  /** Absent means every project. */
  readonly scope?: PolicyScope | undefined;
  /** Decides which exchange rate or profile holds where several speak; higher wins, 0 when absent. Refusals know no priority. */
  readonly priority?: number | undefined;
  /** Absent means always. */
  readonly effective?: PolicyPeriod | undefined;
  /** Exchange rates under conditions; each overrules `preferences` of the same document. */
  readonly prefer?: readonly PolicyPreference[] | undefined;
  readonly limits?: readonly PolicyLimit[] | undefined;
  readonly profiles?: Readonly<Partial<Record<WorkloadClass, PolicyProfile>>> | undefined;
  /** Run when the document is saved; one that fails refuses it. */
  readonly tests?: readonly PolicyTest[] | undefined;
}

/** What a rule may know besides the job and the offer. */
export interface Circumstances {
  readonly nowMs: number;
  /** How reliable an offer is, as far as measured; the same for the same offer throughout a decision. */
  readonly reliabilityOf: (offer: Offer) => MeasuredReliability;
}

/** What is so at a moment under some measurements. */
export function circumstances(nowMs: number, health: HealthSnapshot): Circumstances {
  return { nowMs, reliabilityOf: (offer) => reliabilityOf(offer, health) };
}

/** Fields that an answer depends on, such as `offer.country`, `health.measured` or `now.hour`; `offer` alone means all of them. */
export type FieldsRead = ReadonlySet<string>;

/** What the names in `FieldsRead` stand for, for whoever asks the same of many offers and many jobs. */
export interface Vocabulary {
  /** The fields of an offer that an answer can depend on, what is known of its reliability aside; null for all of them. */
  offerFields(reads: FieldsRead): readonly (keyof Offer)[] | null;
  /** Equal for jobs and moments which an answer cannot tell apart; null where that is not known. */
  subjectKey(reads: FieldsRead, job: JobFacts, nowMs: number): string | null;
}

/** Whether an answer can depend on how reliable an offer is. */
export function readsHealth(reads: FieldsRead): boolean {
  for (const field of reads) if (field === 'health' || field.startsWith('health.')) return true;
  return false;
}

/** Whether something is about a job at a moment. Total, pure and bounded in cost. */
export type Applies = (job: JobFacts, nowMs: number) => boolean;
/** Whether something holds for an offer. Total, pure and bounded in cost. */
export type Holds = (job: JobFacts, offer: Offer, around: Circumstances) => boolean;

/** One rule of a policy version, ready to be asked. */
export interface CompiledRule {
  /** `policy-name/rule-id`; no two rules have the same. */
  readonly id: string;
  readonly because: string;
  /** `require`: an offer for which `holds` is false is refused; `forbid`: one for which it is true. */
  readonly effect: 'require' | 'forbid';
  readonly applies: Applies;
  readonly holds: Holds;
  /** What `holds` depends on; absent when that is not known. */
  readonly reads?: FieldsRead;
  /** What `applies` depends on; absent when that is not known. */
  readonly whenReads?: FieldsRead;
}

/** Money per hour of work that an offer is charged when `holds`; never a price, only a weight in the ranking. */
export interface CompiledCharge {
  readonly id: string;
  readonly perHour: MicroUsd;
  readonly holds: Holds;
  readonly reads?: FieldsRead;
}

/** Exchange rates of one document or one of its conditions. */
export interface CompiledPreference {
  readonly id: string;
  readonly applies: Applies;
  readonly rates: Readonly<Partial<Preferences>>;
  readonly charges: readonly CompiledCharge[];
}

export interface CompiledLimit {
  readonly id: string;
  readonly because: string;
  readonly applies: Applies;
  readonly covers: Holds;
  readonly maxima: LimitMaxima;
  /** What `covers` depends on; the price and the token of the offer come on top. */
  readonly reads?: FieldsRead;
}

export interface CompiledProfile {
  readonly id: string;
  readonly workload: WorkloadClass;
  readonly applies: Applies;
  readonly profile: PolicyProfile;
}

/** Everything the active policies say, compiled once per version. */
export interface CompiledPolicy {
  /** Names and versions of the policies in force, sorted: `builtin@1,acme@3`. */
  readonly version: string;
  readonly rules: readonly CompiledRule[];
  /** Rates that always hold, by workload class. */
  readonly preferences: Readonly<Partial<Record<WorkloadClass, Partial<Preferences>>>>;
  /** Rates on top of `preferences`, those of more precedence later. */
  readonly prefer?: readonly CompiledPreference[];
  readonly limits?: readonly CompiledLimit[];
  /** Those of more precedence later. */
  readonly profiles?: readonly CompiledProfile[];
  /** Absent where nothing is known of what answers depend on. */
  readonly vocabulary?: Vocabulary;
}

/** The exchange rates for a job at a moment, field by field from the policy with most precedence. */
export function preferencesFor(policy: CompiledPolicy, job: JobFacts, nowMs: number): Preferences {
  const rates = { ...DEFAULT_PREFERENCES, ...policy.preferences[job.spec.workload] };
  return speaking(policy.prefer, job, nowMs).reduce<Preferences>(
    (merged, preference) => ({ ...merged, ...preference.rates }),
    rates,
  );
}

/** The premiums and discounts for a job at a moment. They add up, so that their order means nothing. */
export function chargesFor(
  policy: CompiledPolicy,
  job: JobFacts,
  nowMs: number,
): readonly CompiledCharge[] {
  return speaking(policy.prefer, job, nowMs).flatMap(({ charges }) => charges);
}

/** A requirement of a profile, and which document it comes from. */
export interface ProfileInForce {
  readonly interruptible: { readonly use: InterruptibleUse; readonly id: string } | null;
  readonly minReliability: { readonly bps: number; readonly id: string } | null;
}

export const NO_PROFILE: ProfileInForce = { interruptible: null, minReliability: null };

/** What the profiles say of a job at a moment, field by field from the policy with most precedence. */
export function profileFor(policy: CompiledPolicy, job: JobFacts, nowMs: number): ProfileInForce {
  const mine = (policy.profiles ?? []).filter(({ workload }) => workload === job.spec.workload);
  return speaking(mine, job, nowMs).reduce<ProfileInForce>(
    (merged, { id, profile: { interruptible, minReliabilityBps } }) => ({
      interruptible:
        interruptible === undefined ? merged.interruptible : { use: interruptible, id },
      minReliability:
        minReliabilityBps === undefined ? merged.minReliability : { bps: minReliabilityBps, id },
    }),
    NO_PROFILE,
  );
}

/** The limits that are about a job at a moment, by id. */
export function limitsFor(
  policy: CompiledPolicy,
  job: JobFacts,
  nowMs: number,
): readonly CompiledLimit[] {
  return [...speaking(policy.limits, job, nowMs)].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function speaking<T extends { readonly applies: Applies }>(
  all: readonly T[] | undefined,
  job: JobFacts,
  nowMs: number,
): readonly T[] {
  return (all ?? []).filter(({ applies }) => applies(job, nowMs));
}
