import {
  NO_PRICING,
  egressRatesOf,
  keptDecision,
  type CompiledPolicy,
  type DecisionId,
  type DecisionInput,
  type Job,
  type Offer,
} from '#libs/domain';
import type { DecisionRecord, Offers, Stores } from '#libs/storage';
import { compilePolicies } from './compile-policy';
import { digestOfBook, digestOfDecision, digestOfFacts, digestOfPolicies } from './digest';
import { factsOf } from './make-decision';

export type ReplayInput = 'engine' | 'job' | 'policy' | 'offers' | 'decision';

export type Replay =
  | { readonly kind: 'replayed'; readonly differs: readonly ReplayInput[] }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'inputs-gone'; readonly what: string };

/** Make a stored decision again from what it was made from, and say whether the same bytes come out, or which input differs. */
export class ReplayDecision {
  constructor(
    private readonly stores: Pick<Stores, 'decisions' | 'jobs' | 'policies'> & {
      readonly offers: Pick<Offers, 'bookAt'>;
    },
  ) {}

  async run(id: DecisionId): Promise<Replay> {
    const record = await this.stores.decisions.get(id);
    if (record === null) return { kind: 'not-found' };
    const job = await this.stores.jobs.get(record.jobId);
    if (job === null) return { kind: 'inputs-gone', what: `job ${record.jobId}` };
    const documents = await this.policiesOf(record);
    if (documents === null)
      return { kind: 'inputs-gone', what: `policies ${record.policyVersion}` };
    const compiled = compilePolicies(documents);
    if (!compiled.ok)
      return { kind: 'inputs-gone', what: `policies ${record.policyVersion} no longer compile` };

    const { offers } = await this.stores.offers.bookAt(record.bookVersion);
    const { digests, engine } = record;
    const input = inputOf(record, job, compiled.policy, offers);
    // By the definition, whatever made it then.
    const again = keptDecision(input, offers);
    const compared: readonly (readonly [ReplayInput, boolean])[] = [
      ['engine', again.summary.engine === engine],
      ['job', digestOfFacts(input.job) === digests.job],
      ['policy', digestOfPolicies(documents.map(({ document }) => document)) === digests.policy],
      ['offers', digestOfBook(offers) === digests.offers],
      ['decision', digestOfDecision(again) === digests.decision],
    ];
    return {
      kind: 'replayed',
      differs: compared.filter(([, same]) => !same).map(([input]) => input),
    };
  }

  /** The documents behind `name@version,…`, or null when one is gone. */
  private async policiesOf({ policyVersion }: DecisionRecord) {
    const all = await this.stores.policies.list();
    const wanted = policyVersion === '' ? [] : policyVersion.split(',');
    const found = wanted.map((name) =>
      all.find(({ document, version }) => `${document.name}@${version}` === name),
    );
    return found.every((policy) => policy !== undefined) ? found : null;
  }
}

/** What a stored decision was made from, with the policies and the offers that are given: all else as it was then. */
export function inputOf(
  record: DecisionRecord,
  job: Job,
  policy: CompiledPolicy,
  offers: readonly Offer[],
): DecisionInput {
  const { health, suspensions, atMs, spent } = record;
  const facts = { ...factsOf(job, spent, atMs, record.leftMs ?? null), ...record.known };
  const pricing = { ...NO_PRICING, ...record.pricing, egressPerGb: egressRatesOf(offers) };
  return {
    job: facts,
    ...(record.usage === undefined ? {} : { usage: record.usage }),
    policy,
    offers,
    health,
    suspensions,
    nowMs: atMs,
    feeds: record.feeds ?? {},
    pricing,
  };
}
