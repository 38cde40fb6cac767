import { z } from 'zod';
import { dataClasses, workloadClasses } from '#libs/domain';
import {
  argumentField,
  complianceField,
  durationField,
  lineField,
  listForms,
  mapField,
  MAX_LIST_ENTRIES,
  pathField,
  readEnvName,
  readEnvValue,
  readLabelName,
  readLabelValue,
  readSecretName,
  word,
  written,
} from './job-spec-fields';
import {
  budgetSchema,
  checkpointSchema,
  infraSchema,
  inputSchema,
  jobSpecDefaults,
  nodesSchema,
  outputSchema,
  replicasSchema,
  resourcesSchema,
  retrySchema,
  slaSchema,
} from './job-spec-parts';
import { readResidency } from './syntax/residency';

const MAX_ARGUMENTS = 1_024;
const MAX_COUNTRIES = 300;

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const nameOf = (what: string) =>
  word(NAME, 63, `is not a name for a ${what}`, 'use up to 63 letters, digits and . _ -');
const IMAGE = /^[a-z0-9][\w./:@-]*$/i;

/** A job as people write it, `fairlead/v1`: name, image and command are enough. */
export const jobSpecSchema = z
  .strictObject({
    version: z
      .literal('fairlead/v1')
      .meta({ description: 'Version of this format.' })
      .prefault('fairlead/v1'),
    name: written(
      z.string().meta({ description: 'What people call the job.', examples: ['train-small'] }),
      nameOf('job'),
    ),
    project: written(
      z
        .string()
        .meta({ description: 'Whose budget and reports it counts in.', examples: ['vision'] }),
      nameOf('project'),
    ).prefault(jobSpecDefaults.project),
    labels: mapField(
      { team: 'vision' },
      'Free words to find and group jobs by.',
      readLabelName,
      readLabelValue,
    ).prefault({}),
    costCentre: lineField('Who pays, as accounting calls it.', 'CC-1042').optional(),
    purchaseOrder: lineField('The order that the cost is booked on.', 'PO-77120').optional(),
    image: written(
      z.string().meta({
        description: 'Container image.',
        examples: ['docker.io/library/python:3.13'],
      }),
      word(IMAGE, 512, 'is not an image', 'write for example "docker.io/library/python:3.13"'),
    ),
    command: z.union([argumentField, z.array(argumentField).min(1).max(MAX_ARGUMENTS)]).meta({
      description: 'Program and arguments; a single text is given to sh -c.',
      examples: [['python', 'train.py'], 'python train.py | tee log.txt'],
    }),
    args: z
      .array(argumentField)
      .max(MAX_ARGUMENTS)
      .meta({ description: 'Appended to the command.', examples: [['--epochs', '3']] })
      .prefault([]),
    env: mapField(
      { EPOCHS: '3' },
      'Environment; numbers and booleans become text.',
      readEnvName,
      readEnvValue,
    ).prefault({}),
    secrets: mapField(
      { HF_TOKEN: 'hugging-face' },
      'Environment name to the name of a secret that the router holds.',
      readEnvName,
      readSecretName,
    ).prefault({}),
    workingDirectory: pathField('Where the command runs.', '/workspace').optional(),
    inputs: z
      .array(inputSchema)
      .max(MAX_LIST_ENTRIES)
      .meta({ description: 'Files in place before the command runs; data: up to 256 KiB in all.' })
      .prefault([]),
    outputs: z
      .array(outputSchema)
      .max(MAX_LIST_ENTRIES)
      .meta({ description: 'Kept when it ends.' })
      .prefault([]),
    resources: resourcesSchema.meta({ description: 'The machine it needs.' }).prefault({}),
    workload: z
      .enum(workloadClasses)
      .meta({ description: 'What kind of work it is; policies and defaults follow from it.' })
      .prefault(jobSpecDefaults.workload),
    dataClass: z
      .enum(dataClasses)
      .meta({ description: 'The most sensitive data that it touches.' })
      .prefault(jobSpecDefaults.dataClass),
    compliance: complianceField.prefault([]),
    residency: written(
      listForms(
        'ISO countries or blocs that data must stay in.',
        ['EU', ['DE', 'CH']],
        MAX_COUNTRIES,
      ),
      readResidency,
    ).prefault([]),
    confidential: z
      .boolean()
      .meta({ description: 'Confidential computing required; true for workload confidential.' })
      .optional(),
    interruptible: z
      .boolean()
      .meta({
        description:
          'May be interrupted and started again; by default yes with a checkpoint and for general, batch-inference, fine-tuning, rendering and prototyping.',
      })
      .optional(),
    checkpoint: checkpointSchema
      .meta({ description: 'How an interrupted job resumes instead of starting over.' })
      .optional(),
    sla: slaSchema.meta({ description: 'Time limits and promises.' }).prefault({}),
    nodes: nodesSchema.prefault(jobSpecDefaults.nodes),
    replicas: replicasSchema.optional().meta({
      description:
        'Copies of a service, which runs until it is cancelled or sla.maxDuration is over.',
    }),
    durationEstimate: durationField('How long the work takes when nothing goes wrong.', [
      '90m',
      '4h',
    ]).prefault(jobSpecDefaults.durationEstimate),
    budget: budgetSchema.meta({ description: 'What it may cost.' }).prefault({}),
    priority: z
      .int()
      .min(0)
      .max(100)
      .meta({ description: '0 to 100; higher goes first.', examples: [50] })
      .prefault(jobSpecDefaults.priority),
    retry: retrySchema.meta({ description: 'What is tried again, and how often.' }).prefault({}),
    infra: infraSchema
      .meta({
        description: 'Places by provider/region with wildcards.',
        examples: [['aws/us-*', '!akash']],
      })
      .prefault([]),
  })
  .meta({
    id: 'JobSpec',
    description: 'A job as people write it.',
    examples: [
      {
        name: 'hello',
        image: 'docker.io/library/alpine:3.22',
        command: ['echo', 'hello'],
      },
    ],
  });

/** What people may write. */
export type JobSpecInput = z.input<typeof jobSpecSchema>;
/** The same, each field read but defaults that depend on others still open. */
export type WrittenJobSpec = z.output<typeof jobSpecSchema>;
