import { z } from 'zod';
import {
  apiKeyListSchema,
  attemptListSchema,
  budgetListSchema,
  budgetViewSchema,
  calibrationListSchema,
  commitmentListSchema,
  commitmentViewSchema,
  costReportSchema,
  createdApiKeySchema,
  eventViewSchema,
  feedListSchema,
  fieldProblemSchema,
  jobPageSchema,
  jobViewSchema,
  newApiKeySchema,
  offerPageSchema,
  planSchema,
  appliedSchema,
  policyDiffSchema,
  policyHistorySchema,
  policyListSchema,
  policyMovedSchema,
  policySettingsSchema,
  policyVersionSchema,
  priceHistorySchema,
  providerListSchema,
  sheetListSchema,
  sheetViewSchema,
  suspensionChangeSchema,
  suspensionListSchema,
  whatIfSchema,
  whySchema,
  type EventView,
  type SuspensionRequest,
} from '#libs/contracts';
import { Failure } from './failure';
import { serverSentEvents } from './server-sent-events';
import { chunksOf } from './streams';
import { parseJson, send, type Call, type Connection } from './transport';

/** What the command shows of a job; the spec goes through as it came, so that a newer router may know more fields. */
const jobSchema = jobViewSchema.omit({ spec: true }).loose();
/** Documents go through as they came as well. */
const savedPolicySchema = policyVersionSchema.extend({ document: z.unknown() }).loose();
const policiesSchema = policyListSchema.omit({ items: true }).extend({
  items: savedPolicySchema.array(),
});
const movedSchema = policyMovedSchema.extend({ version: savedPolicySchema.nullable() });
const historySchema = policyHistorySchema.extend({ versions: savedPolicySchema.array() });
/** Making thousands of decisions again takes its time. */
const WHAT_IF_TIMEOUT_MS = 120_000;
const checkSchema = z.object({
  problems: fieldProblemSchema.array(),
  warnings: fieldProblemSchema.array().optional(),
});
export type PolicyCheck = z.output<typeof checkSchema>;

export type Job = z.input<typeof jobSchema>;
export type SavedPolicy = z.input<typeof savedPolicySchema>;
export type PolicyHistory = z.input<typeof historySchema>;
export type MovedPolicy = z.input<typeof movedSchema>;
/** The operations that take a policy a step further. */
export type PolicyStep =
  | 'submitPolicy'
  | 'approvePolicy'
  | 'rejectPolicy'
  | 'withdrawPolicy'
  | 'activatePolicy'
  | 'rollBackPolicy';
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

  feeds() {
    return this.ask(feedListSchema, { operation: 'listFeeds' });
  }

  prices(offerId: string, query: Query) {
    return this.ask(priceHistorySchema, { operation: 'listPrices', path: { offerId }, query });
  }

  priceSheets() {
    return this.ask(sheetListSchema, { operation: 'listPriceSheets' });
  }

  priceSheet(name: string) {
    return this.ask(sheetViewSchema, { operation: 'getPriceSheet', path: { name } });
  }

  /** `content` is a document, or CSV as it is written. */
  putPriceSheet(name: string, content: { body: unknown } | { csv: string }, query: Query) {
    return this.ask(sheetViewSchema, {
      operation: 'putPriceSheet',
      path: { name },
      query,
      ...content,
    });
  }

  async removePriceSheet(name: string): Promise<void> {
    await send(this.connection, { operation: 'removePriceSheet', path: { name } });
  }

  providers() {
    return this.ask(providerListSchema, { operation: 'listProviders' });
  }

  suspensions(query: Query) {
    return this.ask(suspensionListSchema, { operation: 'listSuspensions', query });
  }

  changeSuspensions(body: SuspensionRequest) {
    return this.ask(suspensionChangeSchema, { operation: 'changeSuspensions', body });
  }

  policies() {
    return this.ask(policiesSchema, { operation: 'listPolicies' });
  }

  /** What is wrong with a policy, and what deserves a look; the latter is not asked where its shape is wrong. */
  async checkPolicy(document: unknown): Promise<PolicyCheck> {
    const response = await send(this.connection, { operation: 'checkPolicy', body: document });
    const answer = parseJson(await response.text());
    return this.checked(checkSchema, answer, 'checkPolicy');
  }

  savePolicy(document: unknown, comment: string | undefined) {
    const query = { comment };
    return this.ask(savedPolicySchema, { operation: 'createPolicy', body: document, query });
  }

  /** One step of a policy's life. */
  movePolicy(operation: PolicyStep, name: string, body: unknown) {
    return this.ask(movedSchema, { operation, path: { name }, body });
  }

  applyPolicies(body: unknown) {
    return this.ask(appliedSchema, { operation: 'applyPolicies', body });
  }

  policyHistory(name: string, query: Query) {
    return this.ask(historySchema, { operation: 'policyHistory', path: { name }, query });
  }

  diffPolicy(name: string, query: Query) {
    return this.ask(policyDiffSchema, { operation: 'diffPolicy', path: { name }, query });
  }

  whatIf(document: unknown, query: Query) {
    const call = { operation: 'whatIfPolicy', body: document, query };
    return this.ask(whatIfSchema, { ...call, timeoutMs: WHAT_IF_TIMEOUT_MS });
  }

  policySettings() {
    return this.ask(policySettingsSchema, { operation: 'policySettings' });
  }

  setPolicySettings(body: unknown) {
    return this.ask(policySettingsSchema, { operation: 'setPolicySettings', body });
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

  commitments() {
    return this.ask(commitmentListSchema, { operation: 'listCommitments' });
  }

  setCommitment(name: string, body: object) {
    return this.ask(commitmentViewSchema, { operation: 'putCommitment', path: { name }, body });
  }

  async endCommitment(name: string): Promise<void> {
    await send(this.connection, { operation: 'endCommitment', path: { name } });
  }

  calibration(query: Query) {
    return this.ask(calibrationListSchema, { operation: 'reportCalibration', query });
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
