import type { DataClass } from '#libs/domain';
import type { WrittenJobSpec } from './job-spec';
import { argvOf } from './normalise-job-spec';
import { pointerTo, type FieldProblem } from './field-problem';
import { readDataUri } from './syntax/data-uri';
import { formatDuration } from './syntax/duration';

/** All `data:` inputs of a job together. */
export const MAX_INLINE_BYTES = 256 * 1024;
/** Command, environment, paths and addresses travel in the machine's boot script, which providers bound tightly. */
export const MAX_BOOT_BYTES = 6 * 1024;

/** Fields as far as they could be read: a rule that needs one that is missing says nothing. */
type Readable = { readonly [K in keyof WrittenJobSpec]?: WrittenJobSpec[K] | undefined };
type Rule = (job: Readable) => readonly FieldProblem[];

/** How bad it is when data of this class gets out. Classes of the highest rank do not stand for each other. */
const sensitivity: { readonly [C in DataClass]: number } = {
  public: 0,
  internal: 1,
  personal: 2,
  health: 3,
  payment: 3,
  government: 3,
};

/** What must hold between fields. Each rule sees the whole job and names the field to change. */
const rules: readonly Rule[] = [
  ({ sla, durationEstimate }) =>
    sla?.deadline === undefined ||
    durationEstimate === undefined ||
    sla.deadline >= durationEstimate
      ? []
      : [
          {
            pointer: '/sla/deadline',
            code: 'deadline-before-end',
            message: `the deadline comes before the work can be done: it is estimated at ${formatDuration(durationEstimate)}`,
            remedy: `allow at least ${formatDuration(durationEstimate)}, or lower durationEstimate`,
          },
        ],
  ({ sla, durationEstimate }) =>
    sla?.maxDuration === undefined ||
    durationEstimate === undefined ||
    sla.maxDuration >= durationEstimate
      ? []
      : [
          {
            pointer: '/sla/maxDuration',
            code: 'cut-off-before-end',
            message: `the work is estimated at ${formatDuration(durationEstimate)} and would be cut off`,
            remedy: 'raise sla.maxDuration, or lower durationEstimate',
          },
        ],
  ({ compliance, residency }) =>
    compliance?.some((regime) => regime.startsWith('fedramp')) !== true ||
    residency === undefined ||
    residency.length === 0 ||
    residency.includes('US')
      ? []
      : [
          {
            pointer: '/residency',
            code: 'fedramp-outside-us',
            message: 'FedRAMP holds in the United States only, and residency leaves them out',
            remedy: 'add "US" to residency, or remove the regime',
          },
        ],
  ({ workload, confidential }) =>
    workload === 'confidential' && confidential === false
      ? [
          {
            pointer: '/confidential',
            code: 'contradiction',
            message: 'a confidential workload cannot do without confidential computing',
            remedy: 'remove confidential, or choose another workload class',
          },
        ]
      : [],
  ({ command }) =>
    command !== undefined && argvOf(command)[0] === ''
      ? [
          {
            pointer: '/command/0',
            code: 'required',
            message: 'the program has no name',
            remedy: 'write for example ["python", "train.py"]',
          },
        ]
      : [],
  ({ command, args }) =>
    typeof command === 'string' && args !== undefined && args.length > 0
      ? [
          {
            pointer: '/args',
            code: 'contradiction',
            message: 'arguments cannot follow a shell line',
            remedy: 'write command as a list, or put the arguments into the line',
          },
        ]
      : [],
  ({ env, secrets }) =>
    Object.keys(secrets ?? {})
      .filter((name) => Object.hasOwn(env ?? {}, name))
      .map((name) => ({
        pointer: pointerTo(['secrets', name]),
        code: 'contradiction',
        message: `${name} is set in env as well`,
        remedy: 'keep one of the two',
      })),
  ({ inputs }) => repeatedPaths('inputs', inputs ?? []),
  ({ outputs }) => repeatedPaths('outputs', outputs ?? []),
  ({ inputs }) => {
    const sizes = (inputs ?? []).map(({ uri }) => readDataUri(uri));
    const total = sizes.reduce((sum, size) => sum + (size.ok ? size.value.sizeBytes : 0), 0);
    return total <= MAX_INLINE_BYTES
      ? []
      : [
          {
            pointer: '/inputs',
            code: 'too-large',
            message: `data: inputs hold ${total} bytes in all, ${MAX_INLINE_BYTES} are allowed`,
            remedy: 'put the bytes behind an https: address',
          },
        ];
  },
  (job) => classTooLow('inputs', job),
  (job) => classTooLow('outputs', job),
  ({ command, args, env, inputs, outputs }) => {
    const texts = [
      ...(command === undefined ? [] : argvOf(command)),
      ...(args ?? []),
      ...Object.entries(env ?? {}).flat(),
      ...(inputs ?? []).flatMap(({ path, uri }) => (/^data:/i.test(uri) ? [path] : [path, uri])),
      ...(outputs ?? []).map(({ path }) => path),
    ];
    const bytes = texts.reduce((sum, text) => sum + new TextEncoder().encode(text).length, 0);
    return bytes <= MAX_BOOT_BYTES
      ? []
      : [
          {
            pointer: '/command',
            code: 'too-large',
            message: `command, env, paths and addresses take ${bytes} bytes together, ${MAX_BOOT_BYTES} are allowed`,
            remedy: 'put scripts and long settings into an input, for example with data:',
          },
        ];
  },
];

/** Everything that contradicts itself between fields, for the fields that could be read. */
export function contradictions(job: Readable): readonly FieldProblem[] {
  return rules.flatMap((rule) => rule(job));
}

function repeatedPaths(
  field: 'inputs' | 'outputs',
  entries: readonly { readonly path: string }[],
): readonly FieldProblem[] {
  return entries.flatMap(({ path }, index) =>
    entries.findIndex((other) => other.path === path) === index
      ? []
      : [
          {
            pointer: `/${field}/${index}/path`,
            code: 'repeated',
            message: `${path} is listed before`,
            remedy: 'give each file its own path',
          },
        ],
  );
}

/** A file may not be more sensitive than what the job as a whole is placed for. */
function classTooLow(field: 'inputs' | 'outputs', job: Readable): readonly FieldProblem[] {
  const whole = job.dataClass;
  if (whole === undefined) return [];
  return (job[field] ?? []).flatMap(({ dataClass }, index) => {
    if (dataClass === undefined || dataClass === whole) return [];
    if (sensitivity[dataClass] < sensitivity[whole]) return [];
    return [
      {
        pointer: `/${field}/${index}/dataClass`,
        code: 'data-class-too-low',
        message: `it holds ${dataClass} data, and the job is placed for ${whole} data`,
        remedy: `set dataClass: ${dataClass} for the job`,
      },
    ];
  });
}
