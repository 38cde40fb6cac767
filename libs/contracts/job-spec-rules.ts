import type { DataClass } from '#libs/domain';
import type { WrittenJobSpec } from './job-spec';
import { argvOf } from './normalise-job-spec';
import { pointerTo, type FieldProblem } from './field-problem';
import { readDataUri } from './syntax/data-uri';
import { formatDuration } from './syntax/duration';

/** All `data:` inputs of a job together. */
export const MAX_INLINE_BYTES = 256 * 1024;
/** What the boot script leaves of EC2's 16 KiB of user data to the job itself. */
export const MAX_BOOT_BYTES = 6_656;

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
  ({ nodes, replicas }) =>
    replicas === undefined || nodes === undefined || nodes === 1
      ? []
      : [
          {
            pointer: '/nodes',
            code: 'replicas-of-gangs',
            message:
              'a service has machines of its own kind; several that run as one cannot be copied',
            remedy: 'remove nodes, or remove replicas',
          },
        ],
  ({ replicas, workload }) =>
    replicas === undefined ||
    workload === undefined ||
    workload === 'inference' ||
    workload === 'real-time'
      ? []
      : [
          {
            pointer: '/replicas',
            code: 'not-a-service',
            message: `work of the class ${workload} ends by itself and is not copied`,
            remedy: 'set workload to inference or real-time, or remove replicas',
          },
        ],
  ({ sla, nodes, replicas }) =>
    sla === undefined || sla.hedgedStart === 'never' || (nodes === 1 && replicas === undefined)
      ? []
      : [
          {
            pointer: '/sla/hedgedStart',
            code: 'hedged-start-of-many',
            message: 'only a job with a single machine is started in two places',
            remedy: 'remove hedgedStart',
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
  (job) => {
    const bytes = bootBytes(job);
    return bytes <= MAX_BOOT_BYTES
      ? []
      : [
          {
            pointer: '/command',
            code: 'too-large',
            message: `command, env, paths and addresses take ${bytes} bytes of the boot script, ${MAX_BOOT_BYTES} are free`,
            remedy: 'put scripts and long settings into an input, for example with data:',
          },
        ];
  },
];

/** What quoting and its line of the script add to each text; measured on rendered scripts. */
const ARGUMENT_BYTES = 3;
const VARIABLE_BYTES = 30;
const FILE_BYTES = 24;
/** A secret's value is not known here. */
const SECRET_BYTES = 256;
/** A path outside the working directory is named in the mounts as well. */
const ABSOLUTE_PATH_TIMES = 5;

/** What a job adds to the script that boots it, which has to fit the user data of a machine. An upper estimate. */
function bootBytes(job: Readable): number {
  const { command, args, env, secrets, inputs, outputs, checkpoint, image, workingDirectory } = job;
  const argv = [...(command === undefined ? [] : argvOf(command)), ...(args ?? []), image ?? ''];
  const addresses = (inputs ?? []).map(({ uri }) => uri).filter((uri) => !/^data:/i.test(uri));
  const paths = [...(inputs ?? []), ...(outputs ?? [])].map(({ path }) => path);
  const sizes = [
    ...[...argv, ...addresses].map((text) => quotedBytes(text) + ARGUMENT_BYTES),
    ...Object.entries(env ?? {}).map((pair) => quotedBytes(pair.join('')) + VARIABLE_BYTES),
    ...Object.keys(secrets ?? {}).map((name) => name.length + SECRET_BYTES),
    ...[...paths, checkpoint?.path ?? '', workingDirectory ?? ''].map(pathBytes),
  ];
  return sizes.reduce((sum, size) => sum + size, 0);
}

function pathBytes(path: string): number {
  if (path === '') return 0;
  return quotedBytes(path) * (path.startsWith('/') ? ABSOLUTE_PATH_TIMES : 1) + FILE_BYTES;
}

/** A quotation mark leaves the quotes, is escaped, and opens them again. */
function quotedBytes(text: string): number {
  return new TextEncoder().encode(text).length + 3 * (text.split("'").length - 1);
}

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
