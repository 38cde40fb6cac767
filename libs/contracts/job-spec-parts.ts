import { z } from 'zod';
import { interconnects, retryCauses, type HedgedStart, type Replicas } from '#libs/domain';
import {
  dataClassField,
  durationField,
  filePathField,
  listForms,
  MAX_LIST_ENTRIES,
  moneyField,
  pathField,
  pricePerHourField,
  rangeField,
  readSourceUri,
  readWords,
  sizeField,
  written,
} from './job-spec-fields';
import { readAvailability } from './syntax/availability';
import { readGpus } from './syntax/gpus';
import { MAX_INFRA_ENTRIES, readGlob, readInfra } from './syntax/infra';
import { cpus, memory } from './syntax/quantity';
import { readDuration } from './syntax/duration';
import { readLocation } from './syntax/location';
import { read, type Reading } from './syntax/reading';

/** What holds where a job says nothing. The rest follows from the workload class, see `normaliseJobSpec`. */
export const jobSpecDefaults = {
  project: 'default',
  workload: 'general',
  dataClass: 'internal',
  durationEstimate: '1h',
  queueTimeout: '24h',
  maxDuration: '24h',
  cpus: '1+',
  memory: '1GB+',
  disk: '10GB',
  priority: 50,
  nodes: 1,
  checkpointInterval: '10m',
  checkpointSize: '1GB',
  inputSize: '1GB',
  outputSize: '1GB',
  retryOn: ['interruption', 'start-failure'],
  retryLimit: 3,
} as const;

const MAX_RETRIES = 100;
const DEFAULT_EXTRA_REPLICAS = 1;

const locationField = (description: string) =>
  written(z.string().meta({ description, examples: ['aws/us-east-1', 'DE'] }), readLocation);

/** A duration, or `auto`. */
const intervalField = written(
  z.string().meta({
    description:
      'How often the workload saves; auto: as often as costs least where it runs (the supervisor sends what is there that often).',
    examples: ['10m', 'auto'],
  }),
  (text): Reading<number | 'auto'> => (text.trim() === 'auto' ? read('auto') : readDuration(text)),
);

export const inputSchema = z.strictObject({
  path: filePathField(
    'Where the file is put; relative to the working directory.',
    'data/train.csv',
  ),
  uri: written(
    z.string().meta({
      description: 'An http(s) address, or data: for bytes that travel inside the job.',
      examples: ['https://example.com/train.csv', 'data:text/plain,hello'],
    }),
    readSourceUri,
  ),
  size: sizeField('How much is fetched; measured for data:, 1GB if unknown.', '20GB').optional(),
  location: locationField('Where it lies; places nearer to it cost less.').optional(),
  dataClass: dataClassField
    .meta({ description: 'Class of this file; the data class of the job by default.' })
    .optional(),
});

export const outputSchema = z.strictObject({
  path: filePathField('A file or directory to keep when the workload ends.', 'model'),
  size: sizeField('How much is expected.', '5GB').prefault(jobSpecDefaults.outputSize),
  location: locationField('Where it goes to; away from the provider by default.').optional(),
  dataClass: dataClassField
    .meta({ description: 'Class of what is delivered; the data class of the job by default.' })
    .optional(),
});

export const resourcesSchema = z.strictObject({
  gpus: written(
    z.union([z.string(), z.number(), z.array(z.string()).max(MAX_LIST_ENTRIES)]).meta({
      description:
        'Acceptable GPUs, the count after a colon; one without a count takes that of the next. Nothing means no GPU.',
      examples: ['H100:8', 'A100-80GB,H100:1', '24GB..:1'],
    }),
    readGpus,
  ).prefault(0),
  cpus: rangeField(cpus, 'CPUs: at least, between, or exactly.', ['4+', '4..8', 4]).prefault(
    jobSpecDefaults.cpus,
  ),
  memory: rangeField(memory, 'Main memory: at least, between, or exactly.', [
    '32GB+',
    '16GB..64GB',
  ]).prefault(jobSpecDefaults.memory),
  disk: sizeField('Free disk, at least.', '100GB').prefault(jobSpecDefaults.disk),
  interconnect: z
    .enum(interconnects)
    .meta({ description: 'Between GPUs, at least.' })
    .prefault('any'),
});

export const checkpointSchema = z.strictObject({
  path: pathField(
    'File or directory that the workload saves to and resumes from.',
    'checkpoint/state.json',
  ),
  interval: intervalField.prefault(jobSpecDefaults.checkpointInterval),
  size: sizeField('How large a checkpoint is.', '2GB').prefault(jobSpecDefaults.checkpointSize),
});

export const slaSchema = z.strictObject({
  deadline: durationField('Finished at the latest this long after submission.', ['8h']).optional(),
  queueTimeout: durationField('Longest wait for capacity, each time.', ['24h']).prefault(
    jobSpecDefaults.queueTimeout,
  ),
  maxDuration: durationField(
    'Longest run of one attempt; 24h, or twice the estimate when that is longer.',
    ['24h'],
  ).optional(),
  availability: written(
    z.string().meta({ description: 'Contractual availability wanted.', examples: ['99.9%'] }),
    readAvailability,
  ).optional(),
  hedgedStart: written(
    z.union([z.boolean(), z.literal('auto')]).meta({
      description:
        'Ask for two leases that do not fail together and keep the one that runs first; auto: when the deadline is near. Both are paid until then.',
      examples: ['auto', true],
    }),
    (value) => read<HedgedStart>(value === 'auto' ? 'auto' : value ? 'always' : 'never'),
  ).prefault(false),
});

/** A gang or a service has so many machines at most. */
const MAX_MACHINES = 64;

export const nodesSchema = z
  .int()
  .min(1)
  .max(MAX_MACHINES)
  .meta({
    description:
      'Machines that run together in one place, all or none; each finds its rank in FAIRLEAD_NODE_RANK.',
    examples: [4],
  });

const replicaCount = (least: number, description: string) =>
  z.int().min(least).max(MAX_MACHINES).meta({ description });

export const replicasSchema = written(
  z
    .union([
      replicaCount(1, 'So many copies, and one more on interruptible supply.'),
      z.strictObject({
        target: replicaCount(1, 'Copies that are wanted ready at all times.'),
        extra: replicaCount(
          0,
          'On top, on interruptible supply, so that losses are not felt.',
        ).prefault(DEFAULT_EXTRA_REPLICAS),
      }),
    ])
    .meta({ examples: [2, { target: 3, extra: 1 }] }),
  (value) =>
    read<Replicas>(
      typeof value === 'number' ? { target: value, extra: DEFAULT_EXTRA_REPLICAS } : value,
    ),
);

export const budgetSchema = z.strictObject({
  maxPricePerHour: pricePerHourField('Offers above this rate are refused.').optional(),
  maxCost: moneyField('The job is stopped before it costs more.').optional(),
});

export const retrySchema = z.strictObject({
  on: written(
    listForms('Which ends of an attempt are tried again.', [['interruption', 'start-failure']]),
    (value) => readWords(value, retryCauses),
  ).prefault([...jobSpecDefaults.retryOn]),
  limit: z
    .int()
    .min(0)
    .max(MAX_RETRIES)
    .meta({ description: 'How many retries; 0 is one try only.', examples: [3] })
    .prefault(jobSpecDefaults.retryLimit),
});

const globs = (description: string) =>
  z
    .array(written(z.string().meta({ examples: ['aws/us-*'] }), readGlob))
    .max(MAX_INFRA_ENTRIES)
    .meta({ description })
    .prefault([]);

export const infraSchema = z.union([
  written(
    listForms('Places where it may run; ! excludes.', [['aws/us-*', '!akash'], 'aws/*']),
    readInfra,
  ),
  z.strictObject({
    include: globs('Only these; empty means everywhere.'),
    exclude: globs('Never these.'),
  }),
]);
