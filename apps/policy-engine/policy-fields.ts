import {
  complianceRegimes,
  dataClasses,
  interconnects,
  markets,
  providerKinds,
  workloadClasses,
} from '#libs/domain';

/** What a rule may ask about, as CEL types. Every number is a double, so literals compared with `==` need a decimal point. */
export type FieldType = 'string' | 'bool' | 'double' | 'list<string>' | 'map<string, string>';

export interface FieldDeclaration {
  readonly type: FieldType;
  readonly means: string;
  /** Largest list or map that a rule is shown; for more the rule counts as failed, which refuses the offer. */
  readonly limit?: number;
  /** The only texts that there can be, where there are such; a text that is compared with another never matches. */
  readonly values?: readonly string[];
}

type Fields = Readonly<Record<string, FieldDeclaration>>;

const text = (means: string) => ({ type: 'string', means }) as const;
const oneOf = (values: readonly string[], means: string) =>
  ({ type: 'string', means, values }) as const;
const listOf = (values: readonly string[], means: string, limit = 32) =>
  ({ type: 'list<string>', means, values, limit }) as const;
const truth = (means: string) => ({ type: 'bool', means }) as const;
const number = (means: string) => ({ type: 'double', means }) as const;
const list = (means: string, limit = 32) => ({ type: 'list<string>', means, limit }) as const;
const map = (means: string, limit = 64) => ({ type: 'map<string, string>', means, limit }) as const;

export const jobFields = {
  name: text('name of the job'),
  project: text('project that pays'),
  labels: map('labels of the job; ask with `"key" in job.labels` before reading one'),
  costCentre: text('cost centre, or "" when none is given'),
  image: text('container image'),
  workload: oneOf(workloadClasses, 'workload class'),
  dataClass: oneOf(dataClasses, 'data class of the job as a whole'),
  dataClasses: listOf(dataClasses, 'data classes of the job, its inputs and its outputs'),
  compliance: listOf(complianceRegimes, 'compliance regimes asked for'),
  residency: list('ISO countries that the job must stay in; empty means anywhere', 256),
  confidential: truth('confidential computing was asked for'),
  interruptible: truth('the job may run where it can be interrupted'),
  hasCheckpoint: truth('the job saves checkpoints'),
  hasDeadline: truth('the job has a deadline'),
  gpuCount: number('the most GPUs among the acceptable shapes; 0 when none is needed'),
  gpuModels: list('GPU models named by the acceptable shapes', 64),
  durationHours: number('estimated run time in hours'),
  deadlineHours: number('hours from submission to the deadline; 0 when there is none'),
  slaAvailability: number('contractual availability asked for, in percent; 0 when none is'),
  priority: number('0 to 100'),
  outputGb: number('size of all outputs in GB'),
  inputGb: number('size of all inputs in GB'),
  checkpointMinutes: number('minutes between checkpoints; 0 when none are saved'),
  interconnect: oneOf(interconnects, 'what is asked for between the GPUs'),
  nodes: number('machines that run together; 1 for most jobs'),
  replicas: number('copies of a service that are wanted ready; 0 for work that ends by itself'),
  maxPricePerHour: number('highest price in dollars per hour; 0 when none is set'),
  maxCost: number('highest cost of the whole job in dollars; 0 when none is set'),
  purchaseOrder: text('purchase order, or "" when none is given'),
} as const satisfies Fields;

export const offerFields = {
  id: text('provider/region/instance-type/market'),
  provider: text('provider, such as "aws"'),
  kind: oneOf(providerKinds, 'kind of the provider'),
  region: text('region in the words of the provider'),
  country: text('ISO country, or "" where the provider cannot say'),
  market: oneOf(markets, 'how it is sold'),
  instanceType: text('instance type in the words of the provider'),
  gpuModel: text('GPU model such as "H100", or "" without a GPU'),
  gpuCount: number('number of GPUs'),
  gpuMemoryGib: number('memory of each GPU in GiB'),
  interconnect: oneOf(interconnects, 'what connects the GPUs'),
  cpus: number('number of CPUs'),
  memoryGib: number('memory in GiB'),
  diskGb: number('disk in GB'),
  interruptible: truth('the provider may take it back at will'),
  pricePerHour: number('price in dollars per hour'),
  egressPerGb: number('price of outgoing traffic in dollars per GB'),
  token: text('token in which it is settled, or "" when that is fiat or pegged to it'),
  startupSeconds: number('typical time until the workload runs'),
  minimumMinutes: number('shortest time that is billed'),
  certifications: listOf(complianceRegimes, 'compliance regimes that it is certified for'),
  slaAvailability: number('contractual availability in percent; 0 when nothing is promised'),
  confidential: truth('confidential computing'),
  consumerHardware: truth('cards made for personal computers'),
  features: list('what it is made for, such as "rendering"'),
  hostedBy: text('whose machines they are where the provider resells them, or "" for its own'),
  failureDomain: text('what fails together: operator and region'),
} as const satisfies Fields;

export const providerFields = {
  id: text('provider, such as "aws"'),
  kind: oneOf(providerKinds, 'kind of the provider'),
} as const satisfies Fields;

/** Reliability as decisions use it: measured where there is evidence, assumed of the kind of supply where there is none. */
export const healthFields = {
  measured: truth('something was measured of this provider and market; false means assumed'),
  measuredHours: number('hours of leases that were measured, recent ones counting more'),
  measuredStarts: number('starts that were measured, recent ones counting more'),
  interruptionsPerHour: number('expected interruptions per hour of a lease'),
  calmHour: number('chance in percent that an hour passes without an interruption'),
  startFailureChance: number('chance that a start fails, 0.0 to 1.0'),
  refusalChance: number('chance that a lease is refused when asked for, 0.0 to 1.0'),
  lieChance: number('chance that something said about the offer proves wrong, 0.0 to 1.0'),
  startupSeconds: number('expected time until the workload runs'),
  startupSecondsP99: number('time in which 99 of 100 starts have come up; 0 when not measured'),
  recoveryWaitSeconds: number('expected wait for new capacity after a loss'),
} as const satisfies Fields;

/** In the order of `Date.getUTCDay`. */
export const weekdays = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
] as const;

/** The moment of the decision, in UTC. */
export const nowFields = {
  hour: number('0 to 23'),
  minute: number('0 to 59'),
  weekday: oneOf(weekdays, 'day of the week'),
  day: number('day of the month, 1 to 31'),
  month: number('1 to 12'),
  year: number('such as 2027'),
  date: text('such as "2027-01-31"; later dates compare as greater'),
  timestamp: text('such as "2027-01-31T18:00:00.000Z"; later instants compare as greater'),
  epochHours: number('hours since the beginning of 1970'),
} as const satisfies Fields;

/** The variables of a rule. */
export const policyFields = {
  job: jobFields,
  offer: offerFields,
  provider: providerFields,
  health: healthFields,
  now: nowFields,
};
export type PolicyVariable = keyof typeof policyFields;

/** The declaration of `variable.field`, or undefined when there is none. */
export function fieldOf(variable: string, field: string): FieldDeclaration | undefined {
  const fields = fieldsOf(variable);
  return fields !== undefined && Object.hasOwn(fields, field) ? fields[field] : undefined;
}

/** The fields of a variable, or undefined when rules have no such variable. */
export function fieldsOf(variable: string): Fields | undefined {
  return isVariable(variable) ? policyFields[variable] : undefined;
}

function isVariable(name: string): name is PolicyVariable {
  return Object.hasOwn(policyFields, name);
}

interface Values {
  readonly string: string;
  readonly bool: boolean;
  readonly double: number;
  readonly 'list<string>': readonly string[];
  readonly 'map<string, string>': Readonly<Record<string, string>>;
}

/** The TypeScript shape of a variable, made from its declaration so that the two cannot differ. */
export type Shape<F extends Fields> = { readonly [K in keyof F]: Values[F[K]['type']] };
