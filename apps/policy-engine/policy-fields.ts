/** What a rule may ask about, as CEL types. Every number is a double, so literals compared with `==` need a decimal point. */
export type FieldType = 'string' | 'bool' | 'double' | 'list<string>' | 'map<string, string>';

export interface FieldDeclaration {
  readonly type: FieldType;
  readonly means: string;
  /** Largest list or map that a rule is shown; for more the rule counts as failed, which refuses the offer. */
  readonly limit?: number;
}

type Fields = Readonly<Record<string, FieldDeclaration>>;

const text = (means: string) => ({ type: 'string', means }) as const;
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
  workload: text('workload class, such as "training" or "rendering"'),
  dataClass: text('data class of the job as a whole'),
  dataClasses: list('data classes of the job, its inputs and its outputs'),
  compliance: list('compliance regimes asked for, such as "hipaa"'),
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
} as const satisfies Fields;

export const offerFields = {
  id: text('provider/region/instance-type/market'),
  provider: text('provider, such as "aws"'),
  kind: text('"hyperscaler", "neocloud" or "decentralised"'),
  region: text('region in the words of the provider'),
  country: text('ISO country, or "" where the provider cannot say'),
  market: text('"on-demand", "spot" or "marketplace"'),
  instanceType: text('instance type in the words of the provider'),
  gpuModel: text('GPU model such as "H100", or "" without a GPU'),
  gpuCount: number('number of GPUs'),
  gpuMemoryGib: number('memory of each GPU in GiB'),
  interconnect: text('"any", "nvlink" or "infiniband" between the GPUs'),
  cpus: number('number of CPUs'),
  memoryGib: number('memory in GiB'),
  diskGb: number('disk in GB'),
  interruptible: truth('the provider may take it back at will'),
  pricePerHour: number('price in dollars per hour'),
  egressPerGb: number('price of outgoing traffic in dollars per GB'),
  token: text('token in which it is settled, or "" when that is fiat or pegged to it'),
  startupSeconds: number('typical time until the workload runs'),
  minimumMinutes: number('shortest time that is billed'),
  certifications: list('compliance regimes that it is certified for'),
  slaAvailability: number('contractual availability in percent; 0 when nothing is promised'),
  confidential: truth('confidential computing'),
  consumerHardware: truth('cards made for personal computers'),
  features: list('what it is made for, such as "rendering"'),
} as const satisfies Fields;

export const providerFields = {
  id: text('provider, such as "aws"'),
  kind: text('"hyperscaler", "neocloud" or "decentralised"'),
} as const satisfies Fields;

/** The variables of a rule. */
export const policyFields = { job: jobFields, offer: offerFields, provider: providerFields };
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
