import type { z } from 'zod';
import {
  artifactListSchema,
  attemptListSchema,
  eventPageSchema,
  jobViewSchema,
  offerPageSchema,
  whySchema,
} from '#libs/contracts';
import { until } from './wait';

const REQUEST_LIMIT_MS = 20_000;
const jobSchema = jobViewSchema.omit({ spec: true });
export type SeenJob = z.output<typeof jobSchema>;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** What the text means as JSON; undefined where it is none. */
  readonly document: unknown;
}

/** The REST API as any client sees it; answers are held to the contract. */
export class Api {
  constructor(
    readonly url: string,
    readonly key: string | null,
  ) {}

  /** Any request, any answer. */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(this.key === null ? {} : { authorization: `Bearer ${this.key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
    });
    const text = await response.text();
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
    const document: unknown = isJson && text !== '' ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, document };
  }

  /** A request that has to succeed with a document of this shape. */
  async want<Schema extends z.ZodType>(
    schema: Schema,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<z.output<Schema>> {
    const { status, text, document } = await this.ask(method, path, body);
    if (status >= 400) throw new Error(`${method} ${path} was answered with ${status}: ${text}`);
    return schema.parse(document);
  }

  async submit(document: unknown): Promise<string> {
    return (await this.want(jobSchema, 'POST', '/v1/jobs', document)).id;
  }

  job(id: string): Promise<SeenJob> {
    return this.want(jobSchema, 'GET', `/v1/jobs/${id}`);
  }

  why(id: string) {
    return this.want(whySchema, 'GET', `/v1/jobs/${id}/why`);
  }

  async attempts(id: string) {
    return (await this.want(attemptListSchema, 'GET', `/v1/jobs/${id}/attempts`)).items;
  }

  async events(id: string) {
    return (await this.want(eventPageSchema, 'GET', `/v1/jobs/${id}/events?limit=1000`)).items;
  }

  async outputs(id: string) {
    return (await this.want(artifactListSchema, 'GET', `/v1/jobs/${id}/outputs`)).items;
  }

  async logs(id: string): Promise<string> {
    const { status, text } = await this.ask('GET', `/v1/jobs/${id}/logs`);
    return status === 200 ? text : '';
  }

  async offers(query: string) {
    return (await this.want(offerPageSchema, 'GET', `/v1/offers?limit=200&${query}`)).items;
  }

  /** Waits for the job's end. */
  ended(id: string): Promise<SeenJob> {
    return until(`the end of ${id}`, async () => {
      const job = await this.job(id);
      return job.outcome !== null && job;
    });
  }

  /** Waits until the latest attempt of the job is in one of these phases. */
  inPhase(id: string, ...phases: readonly string[]) {
    return until(`${id} in ${phases.join(' or ')}`, async () => {
      const attempt = (await this.attempts(id)).at(-1);
      return attempt !== undefined && phases.includes(attempt.phase) && attempt;
    });
  }

  /** Waits until the job has printed this. */
  printed(id: string, pattern: RegExp): Promise<string> {
    return until(`${id} printing ${pattern}`, async () => {
      const text = await this.logs(id);
      return pattern.test(text) && text;
    });
  }

  /** Whether the router is ready. */
  async ready(): Promise<boolean> {
    return (await this.ask('GET', '/readyz').catch(() => null))?.status === 200;
  }
}
