/** What the gateway must be told; the composition root reads it from the environment. */
export abstract class GatewaySettings {
  /** Signs the tokens of attempts. The same in every process, and never changed while attempts run. */
  abstract readonly attemptTokenSecret: string;
  /** Shown in the API description. */
  abstract readonly version: string;
  /** Requests per minute of one API key, attempt or, without either, address. */
  abstract readonly requestsPerMinute: number;
  /** How often a stream looks for news by itself. */
  abstract readonly streamPollMs: number;
  /** How often a silent stream says that it is alive. */
  abstract readonly streamHeartbeatMs: number;
}

export const gatewayDefaults = {
  requestsPerMinute: 6_000,
  streamPollMs: 500,
  streamHeartbeatMs: 15_000,
} as const;

export const BODY_LIMIT_BYTES = 1024 * 1024;
export const LOG_CHUNK_LIMIT_BYTES = 64 * 1024;
export const ARTIFACT_LIMIT_BYTES = 32 * 1024 * 1024;
