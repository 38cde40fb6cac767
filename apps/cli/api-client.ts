import type { z } from 'zod';
import {
  apiKeyListSchema,
  attemptListSchema,
  budgetListSchema,
  budgetViewSchema,
  costReportSchema,
  createdApiKeySchema,
  eventViewSchema,
  fieldProblemSchema,
  jobPageSchema,
  jobViewSchema,
  newApiKeySchema,
  offerPageSchema,
  planSchema,
  policyListSchema,
  policyVersionSchema,
  providerListSchema,
  whySchema,
  type EventView,
  type FieldProblem,
} from '#libs/contracts';
import { Failure } from './failure';
import { serverSentEvents } from './server-sent-events';
import { chunksOf } from './streams';
import { parseJson, send, type Call, type Connection } from './transport';

/** What the command shows of a job; the spec goes through as it came, so that a newer router may know more fields. */
const jobSchema = jobViewSchema.omit({ spec: true }).loose();
const savedPolicySchema = policyVersionSchema.omit({ document: true }).loose();
const policiesSchema = policyListSchema.omit({ items: true }).extend({
  items: savedPolicySchema.array(),
});
const checkSchema = fieldProblemSchema.array();

export type Job = z.input<typeof jobSchema>;
export type SavedPolicy = z.input<typeof savedPolicySchema>;
export type AttemptList = z.input<typeof attemptListSchema>;
type Query = NonNullable<Call['query']>;

/** The operations of the API that the command needs, with answers that have been checked against its schemas. */
export class ApiClient {
  constructor(readonly connection: Connection) {}

  plan(spec: unknown) {
    return this.ask(planSchema, { operation: 'planJob', body: spec });
  }

  submit(spec: unknown, idempotencyKey: string) {
    const headers = { 'idempotency-key': idempotencyKey };
    return this.ask(jobSchema, { operation: 'submitJob', body: spec, headers });
  }

  retry(jobId: string, idempotencyKey: string) {
    const headers = { 'idempotency-key': idempotencyKey };
    return this.ask(jobSchema, { operation: 'retryJob', path: { jobId }, headers });
  }

  cancel(jobId: string) {
    return this.ask(jobSchema, { operation: 'cancelJob', path: { jobId } });
  }

  job(jobId: string, signal?: AbortSignal) {
    return this.ask(jobSchema, { operation: 'getJob', path: { jobId }, ...given(signal) });
  }

  jobs(query: Query) {
    return this.ask(jobPageSchema, { operation: 'listJobs', query });
  }

  why(jobId: string) {
    return this.ask(whySchema, { operation: 'explainJob', path: { jobId } });
  }

  attempts(jobId: string, signal?: AbortSignal) {
    const call = { operation: 'listAttempts', path: { jobId }, ...given(signal) };
    return this.ask(attemptListSchema, call);
  }

  /** The events of a job as they happen, beginning after one of them; ends when the connection does. */
  async *events(
    jobId: string,
    after: number | null,
    signal: AbortSignal,
  ): AsyncGenerator<EventView> {
    const response = await send(this.connection, {
      operation: 'listEvents',
      path: { jobId },
      headers: {
        accept: 'text/event-stream',
        ...(after === null ? {} : { 'last-event-id': String(after) }),
      },
      signal,
      streamed: true,
    });
    const chunks = chunksOf(this.connection.url, response.body);
    for await (const { data } of serverSentEvents(chunks))
      yield this.checked(eventViewSchema, parseJson(data), 'listEvents');
  }

  /** What an attempt printed, from an offset in bytes on; ends with the attempt or with the connection. */
  async *logs(jobId: string, query: Query, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { body } = await send(this.connection, {
      operation: 'readLogs',
      path: { jobId },
      query,
      headers: { accept: 'text/plain' },
      signal,
      streamed: true,
    });
    yield* chunksOf(this.connection.url, body);
  }

  offers(query: Query) {
    return this.ask(offerPageSchema, { operation: 'listOffers', query });
  }

  providers() {
    return this.ask(providerListSchema, { operation: 'listProviders' });
  }

  policies() {
    return this.ask(policiesSchema, { operation: 'listPolicies' });
  }

  async checkPolicy(document: unknown): Promise<readonly FieldProblem[]> {
    const response = await send(this.connection, { operation: 'checkPolicy', body: document });
    const answer = parseJson(await response.text());
    const problems = answer !== null && typeof answer === 'object' && 'problems' in answer;
    return this.checked(checkSchema, problems ? answer.problems : null, 'checkPolicy');
  }

  savePolicy(document: unknown) {
    return this.ask(savedPolicySchema, { operation: 'createPolicy', body: document });
  }

  async activatePolicy(name: string, version: number | null): Promise<void> {
    await send(this.connection, {
      operation: 'activatePolicy',
      path: { name },
      body: { version },
    });
  }

  costs(query: Query) {
    return this.ask(costReportSchema, { operation: 'reportCosts', query });
  }

  async costsCsv(query: Query): Promise<string> {
    const headers = { accept: 'text/csv' };
    const response = await send(this.connection, { operation: 'exportCosts', query, headers });
    return response.text();
  }

  budgets(query: Query) {
    return this.ask(budgetListSchema, { operation: 'listBudgets', query });
  }

  setBudget(project: string, limits: { readonly softLimit?: string; readonly hardLimit?: string }) {
    return this.ask(budgetViewSchema, { operation: 'putBudget', path: { project }, body: limits });
  }

  keys() {
    return this.ask(apiKeyListSchema, { operation: 'listApiKeys' });
  }

  createKey(key: z.input<typeof newApiKeySchema>) {
    return this.ask(createdApiKeySchema, { operation: 'createApiKey', body: key });
  }

  async revokeKey(keyId: string): Promise<void> {
    await send(this.connection, { operation: 'revokeApiKey', path: { keyId } });
  }

  private async ask<S extends z.ZodType>(schema: S, call: Call): Promise<z.input<S>> {
    const response = await send(this.connection, call);
    return this.checked(schema, parseJson(await response.text()), call.operation);
  }

  /** The answer as it was sent, once it is known to have the shape that it should have. */
  private checked<S extends z.ZodType>(schema: S, answer: unknown, operation: string): z.input<S> {
    const { success, error } = schema.safeParse(answer);
    if (success) return answer as z.input<S>;
    const [issue] = error.issues;
    throw new Failure(
      'unreachable',
      `${this.connection.url} does not answer ${operation} as a router of this version does` +
        ` (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''})`,
      { remedy: 'use the same version here and on the router' },
    );
  }
}

function given(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
