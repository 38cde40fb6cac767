/**
 * What the supervisor and the gateway say to each other, below `{controlUrl}/v1/attempts/{attemptId}`.
 * Every request carries `Authorization: Bearer <attempt token>`; every answer the supervisor reads is one word or one
 * number of plain text, because it is read by a shell without a JSON parser. 401, 403 and 410 on any route mean that
 * the attempt is over: the supervisor stops the workload, reports nothing more and ends.
 */

/** Answers to `POST /start`; `run` and `resume` start the workload, `over` ends, `busy` asks again after a heartbeat. */
export const supervisorVerdicts = ['run', 'resume', 'over', 'busy'] as const;
export type SupervisorVerdict = (typeof supervisorVerdicts)[number];

/** Answers to `POST /heartbeat`; `checkpoint` may be given once, `stop` stays in force once given. */
export const supervisorDirectives = ['go', 'checkpoint', 'stop'] as const;
export type SupervisorDirective = (typeof supervisorDirectives)[number];

/** Why the workload ended, as told to `POST /exit`. */
export const workloadExitReasons = [
  'exited',
  'signalled',
  'max-duration',
  'stopped',
  'start-failed',
  'lost-control-plane',
] as const;
export type WorkloadExitReason = (typeof workloadExitReasons)[number];

/** Body of `POST /start` and `POST /heartbeat`; the id is new each time the bootstrap starts. */
export interface SupervisorBeat {
  readonly bootId: string;
}

/** Body of `POST /exit`; `code` is what a shell would see, so 128 + n after signal n. */
export interface WorkloadExit {
  readonly bootId: string;
  readonly code: number;
  readonly reason: WorkloadExitReason;
}

/** Routes below the attempt. All but the two `GET`s are `POST`, since wget can send a body in no other way. */
export const supervisorRoutes = {
  start: 'start',
  heartbeat: 'heartbeat',
  /** `?offset=N`, raw bytes; answered with the offset expected next. An empty chunk only asks for it. */
  logs: 'logs',
  exit: 'exit',
  /** `GET inputs/{n}`. */
  inputs: 'inputs',
  /** `POST outputs/{n}`; a directory arrives as `application/x-tar`, a file as it is. */
  outputs: 'outputs',
  /** `GET`: 200 with what was last sent, 204 or 404 when nothing was. `POST`: a tar, or one file where tar is missing. */
  checkpoint: 'checkpoint',
} as const;

/** The largest body of one `POST /logs`. */
export const LOG_CHUNK_BYTES = 65_536;
