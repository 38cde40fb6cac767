import { z } from 'zod';
import { workloadExitReasons } from '#libs/domain';
import { beatSchema } from './http-access';
import { numberText } from './http-shapes';
import { access } from './roles';
import { bytes, json, ok, text, type Route } from './route';

const EXAMPLE_BOOT = { bootId: 'b7b1f3a0-7c3e-4c6e-9a55-1f3f1a2b3c4d' };

export const exitReportSchema = beatSchema
  .extend({ code: z.int().min(0).max(255), reason: z.enum(workloadExitReasons) })
  .meta({ id: 'WorkloadExit' });

export const chunkQuerySchema = z.strictObject({
  offset: numberText(Number.MAX_SAFE_INTEGER, 'Where the chunk begins in the stream.', 0),
});

const common = { tag: 'supervisor', access: access.supervisor } as const;

/** What the supervisor in front of a workload asks and tells; answers are one word or number, read by a shell. */
export const supervisorRoutes: readonly Route[] = [
  {
    ...common,
    id: 'startWorkload',
    method: 'post',
    path: '/v1/attempts/{attemptId}/start',
    summary: 'Ask whether the workload may be started',
    body: json(beatSchema, EXAMPLE_BOOT),
    answers: [ok('run, resume, over or busy.', text('run'))],
    problems: ['invalid-request', 'unavailable'],
  },
  {
    ...common,
    id: 'heartbeat',
    method: 'post',
    path: '/v1/attempts/{attemptId}/heartbeat',
    summary: 'Tell that the workload runs, and hear what it should do',
    body: json(beatSchema, EXAMPLE_BOOT),
    answers: [ok('go, checkpoint or stop.', text('go'))],
    problems: ['invalid-request', 'unavailable'],
  },
  {
    ...common,
    id: 'reportExit',
    method: 'post',
    path: '/v1/attempts/{attemptId}/exit',
    summary: 'Tell how the workload ended',
    body: json(exitReportSchema, { ...EXAMPLE_BOOT, code: 0, reason: 'exited' }),
    answers: [ok('Noted.', text('ok'))],
    problems: ['invalid-request', 'unavailable'],
  },
  {
    ...common,
    id: 'appendLogs',
    method: 'post',
    path: '/v1/attempts/{attemptId}/logs',
    summary: 'Append output; an empty chunk asks where the stream stands',
    query: chunkQuerySchema,
    body: [{ mediaType: 'application/octet-stream', schema: 'bytes' }],
    answers: [ok('The offset that is expected next.', text('65536'))],
    problems: [],
  },
  {
    ...common,
    id: 'getInput',
    method: 'get',
    path: '/v1/attempts/{attemptId}/inputs/{index}',
    summary: 'Fetch an input that travels inside the job',
    answers: [ok('Its bytes.', bytes)],
    problems: ['not-found'],
  },
  {
    ...common,
    id: 'putOutput',
    method: 'post',
    path: '/v1/attempts/{attemptId}/outputs/{index}',
    summary: 'Deliver an output',
    body: bytes,
    answers: [ok('Kept.', text('ok'))],
    problems: ['not-found'],
  },
  {
    ...common,
    id: 'getCheckpoint',
    method: 'get',
    path: '/v1/attempts/{attemptId}/checkpoint',
    summary: 'Fetch the last checkpoint of the job, whichever attempt saved it',
    answers: [
      ok('Its bytes.', bytes),
      { status: 204, description: 'Nothing was saved yet.', content: [] },
    ],
    problems: [],
  },
  {
    ...common,
    id: 'putCheckpoint',
    method: 'post',
    path: '/v1/attempts/{attemptId}/checkpoint',
    summary: 'Save a checkpoint',
    body: bytes,
    answers: [ok('Kept.', text('ok'))],
    problems: ['not-found'],
  },
];
