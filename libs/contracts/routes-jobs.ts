import {
  exampleAttempt,
  exampleDecision,
  exampleEvent,
  exampleJob,
  exampleJobSpec,
  exampleOutputs,
  exampleRanking,
  exampleSummary,
  exampleWhy,
} from './examples';
import { decisionSchema, planSchema, replaySchema } from './http-decisions';
import {
  artifactListSchema,
  attemptListSchema,
  eventPageSchema,
  eventQuerySchema,
  jobPageSchema,
  jobQuerySchema,
  jobViewSchema,
  logQuerySchema,
  submitHeadersSchema,
  whySchema,
} from './http-jobs';
import { jobSpecSchema } from './job-spec';
import { access } from './roles';
import { bytes, json, jsonOrYaml, ok, text, type Route } from './route';
import { z } from 'zod';

const jobBody = json(jobViewSchema, exampleJob);

/** Jobs and what is known of them. */
export const jobRoutes: readonly Route[] = [
  {
    id: 'submitJob',
    method: 'post',
    path: '/v1/jobs',
    tag: 'jobs',
    summary: 'Submit a job',
    access: access.submit,
    headers: submitHeadersSchema,
    body: jsonOrYaml(jobSpecSchema, exampleJobSpec),
    answers: [
      {
        status: 201,
        description: 'The job was accepted; Location is its address.',
        content: jobBody,
      },
      ok('The same job came before; Idempotency-Replayed is true.', jobBody),
    ],
    problems: ['invalid-job', 'invalid-request', 'key-reused', 'over-budget', 'unavailable'],
  },
  {
    id: 'planJob',
    method: 'post',
    path: '/v1/jobs/plan',
    tag: 'jobs',
    summary: 'Say where a job would run and what it would cost; nothing is stored',
    access: access.submit,
    body: jsonOrYaml(jobSpecSchema, exampleJobSpec),
    answers: [ok('Every offer, ranked or refused.', json(planSchema, exampleRanking))],
    problems: ['invalid-job', 'unavailable'],
  },
  {
    id: 'listJobs',
    method: 'get',
    path: '/v1/jobs',
    tag: 'jobs',
    summary: 'List jobs, newest first',
    access: access.everyone,
    query: jobQuerySchema,
    answers: [ok('A page.', json(jobPageSchema, { items: [exampleSummary], next: null }))],
    problems: ['project-required'],
  },
  {
    id: 'getJob',
    method: 'get',
    path: '/v1/jobs/{jobId}',
    tag: 'jobs',
    summary: 'Show a job',
    access: access.everyone,
    answers: [
      ok(
        'The job. Keys that may not read its output see neither its command nor values of its environment nor inline inputs.',
        jobBody,
      ),
    ],
    problems: ['not-found'],
  },
  {
    id: 'explainJob',
    method: 'get',
    path: '/v1/jobs/{jobId}/why',
    tag: 'jobs',
    summary: 'Say where a job is and why, what it cost, and what it waits for',
    access: access.everyone,
    answers: [ok('One answer for engineer, finance and ops.', json(whySchema, exampleWhy))],
    problems: ['not-found'],
  },
  {
    id: 'listAttempts',
    method: 'get',
    path: '/v1/jobs/{jobId}/attempts',
    tag: 'jobs',
    summary: 'List the attempts of a job, oldest first',
    access: access.everyone,
    answers: [ok('All of them.', json(attemptListSchema, { items: [exampleAttempt] }))],
    problems: ['not-found'],
  },
  {
    id: 'listEvents',
    method: 'get',
    path: '/v1/jobs/{jobId}/events',
    tag: 'jobs',
    summary: 'List the events of a job, or stream them with Accept: text/event-stream',
    access: access.everyone,
    query: eventQuerySchema,
    headers: z.object({
      'last-event-id': z
        .string()
        .regex(/^\d{1,15}$/, 'must be the id of an event')
        .optional()
        .meta({ description: 'Resume a stream after this event.', examples: ['17'] }),
    }),
    answers: [
      ok('A page, or the stream until the job ends.', [
        ...json(eventPageSchema, { items: [exampleEvent], next: null }),
        {
          mediaType: 'text/event-stream',
          schema: 'text',
          example: `id: 17\nevent: job.placed\ndata: ${JSON.stringify(exampleEvent)}\n\n`,
        },
      ]),
    ],
    problems: ['not-found'],
  },
  {
    id: 'readLogs',
    method: 'get',
    path: '/v1/jobs/{jobId}/logs',
    tag: 'jobs',
    summary: 'Read what the workload printed, or follow it until the job ends',
    access: access.jobData,
    query: logQuerySchema,
    answers: [ok('The output as it was printed.', text('epoch 1 loss 0.31\n'))],
    problems: ['not-found'],
  },
  {
    id: 'cancelJob',
    method: 'post',
    path: '/v1/jobs/{jobId}/cancel',
    tag: 'jobs',
    summary: 'Ask for the end of a job; repeatable',
    access: access.operateJobs,
    answers: [{ status: 202, description: 'It will end.', content: jobBody }],
    problems: ['not-found'],
  },
  {
    id: 'retryJob',
    method: 'post',
    path: '/v1/jobs/{jobId}/retry',
    tag: 'jobs',
    summary: 'Submit the same spec again as a new job, linked to the old one by a label',
    access: access.operateJobs,
    headers: submitHeadersSchema,
    answers: [
      { status: 201, description: 'The new job; Location is its address.', content: jobBody },
      ok('The same retry came before; Idempotency-Replayed is true.', jobBody),
    ],
    problems: [
      'not-found',
      'still-running',
      'invalid-request',
      'invalid-job',
      'key-reused',
      'over-budget',
      'unavailable',
    ],
  },
  {
    id: 'listOutputs',
    method: 'get',
    path: '/v1/jobs/{jobId}/outputs',
    tag: 'jobs',
    summary: 'List the outputs that were delivered',
    access: access.jobData,
    answers: [ok('By their position in the spec.', json(artifactListSchema, exampleOutputs))],
    problems: ['not-found'],
  },
  {
    id: 'getOutput',
    method: 'get',
    path: '/v1/jobs/{jobId}/outputs/{index}',
    tag: 'jobs',
    summary: 'Fetch an output; a directory comes as tar',
    access: access.jobData,
    answers: [ok('Its bytes.', bytes)],
    problems: ['not-found'],
  },
  {
    id: 'getDecision',
    method: 'get',
    path: '/v1/decisions/{decisionId}',
    tag: 'decisions',
    summary: 'Show a decision as it was made',
    access: access.everyone,
    answers: [ok('The decision.', json(decisionSchema, exampleDecision))],
    problems: ['not-found'],
  },
  {
    id: 'replayDecision',
    method: 'post',
    path: '/v1/decisions/{decisionId}/replay',
    tag: 'decisions',
    summary: 'Make a decision again from the same inputs and compare',
    access: access.audit,
    answers: [
      ok(
        'The same bytes, or the inputs that differ.',
        json(replaySchema, { decisionId: exampleDecision.id, same: true, differs: [] }),
      ),
    ],
    problems: ['not-found', 'inputs-gone', 'unavailable'],
  },
];
