/** Branded identifiers: text such as `job-0198…`, lower-case and at most 40 characters, valid as a name, tag and token at every provider. */
type Id<Kind extends string> = string & { readonly __kind: Kind };

export type JobId = Id<'job'>;
export type AttemptId = Id<'attempt'>;
export type DecisionId = Id<'decision'>;
export type OfferId = Id<'offer'>;
export type ProviderId = Id<'provider'>;

export const idPrefixes = {
  job: 'job',
  attempt: 'att',
  decision: 'dec',
  key: 'key',
  event: 'evt',
} as const;
export type IdKind = keyof typeof idPrefixes;

export const asJobId = (text: string): JobId => text as JobId;
export const asAttemptId = (text: string): AttemptId => text as AttemptId;
export const asDecisionId = (text: string): DecisionId => text as DecisionId;
export const asOfferId = (text: string): OfferId => text as OfferId;
export const asProviderId = (text: string): ProviderId => text as ProviderId;
