import type { z } from 'zod';
import {
  attemptListSchema,
  costReportSchema,
  jobViewSchema,
  offerPageSchema,
  planSchema,
  type CostDimension,
} from '#libs/contracts';

const REQUEST_LIMIT_MS = 10_000;

/** What the demonstration asks of the API, as any client would. */
export class DemoClient {
  constructor(
    private readonly url: string,
    private readonly key: string,
  ) {}

  async countOffers(): Promise<number> {
    return (await this.get('/v1/offers?limit=1', offerPageSchema)).items.length;
  }

  plan(document: unknown) {
    return this.send('POST', '/v1/jobs/plan', planSchema, document);
  }

  submit(document: unknown) {
    return this.send('POST', '/v1/jobs', jobViewSchema.pick({ id: true }), document);
  }

  job(id: string) {
    return this.get(`/v1/jobs/${id}`, jobViewSchema.omit({ spec: true }));
  }

  async attempts(id: string) {
    return (await this.get(`/v1/jobs/${id}/attempts`, attemptListSchema)).items;
  }

  costs(groupBy: CostDimension, from: string) {
    return this.get(`/v1/reports/costs?groupBy=${groupBy}&from=${from}`, costReportSchema);
  }

  /** The output of an attempt, the latest unless said. */
  async logs(id: string, attempt?: number): Promise<string> {
    const query = attempt === undefined ? '' : `?attempt=${attempt}`;
    const response = await this.fetch('GET', `/v1/jobs/${id}/logs${query}`);
    return response.ok ? response.text() : '';
  }

  private get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
    return this.send('GET', path, schema);
  }

  private async send<Schema extends z.ZodType>(
    method: string,
    path: string,
    schema: Schema,
    body?: unknown,
  ): Promise<z.output<Schema>> {
    const response = await this.fetch(method, path, body);
    const text = await response.text();
    if (!response.ok)
      throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`);
    return schema.parse(JSON.parse(text));
  }

  private fetch(method: string, path: string, body?: unknown): Promise<Response> {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    return fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.key}`, ...json },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
    });
  }
}
