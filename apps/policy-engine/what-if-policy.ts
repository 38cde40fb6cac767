import {
  decide,
  decideIndexed,
  emptyIndex,
  preferencesFor,
  refreshed,
  whatIfReport,
  whatIfRow,
  type CompiledPolicy,
  type DecisionScene,
  type Job,
  type Offer,
  type OfferIndex,
  type PolicyDocument,
  type WhatIfReport,
  type WhatIfRow,
  type WhatIfSide,
  type WhatIfSkip,
} from '#libs/domain';
import type { Clock } from '#libs/runtime';
import type {
  DecisionEntry,
  DecisionFilter,
  DecisionRecord,
  Offers,
  PolicyVersion,
  Stores,
} from '#libs/storage';
import { compilePolicies, type PolicyProblem } from './compile-policy';
import { BookDigest } from './digest';
import { inputOf } from './replay-decision';
import type { SavePolicy } from './save-policy';

/** How long one question may take; what is not reached by then is reported as such. */
const WHAT_IF_BUDGET_MS = 60_000;
/** Questions that are worked on at a time: each takes as much of the process as it can get. */
const MAX_AT_A_TIME = 2;
/** Offers that are digested before others get their turn. */
const OFFERS_PER_TURN = 100;

export interface WhatIfQuestion {
  readonly document: PolicyDocument;
  readonly filter: DecisionFilter;
  /** How many decisions at most, the newest ones. */
  readonly last: number;
}

export type WhatIfAnswer =
  | {
      readonly kind: 'reported';
      readonly report: WhatIfReport;
      /** The version of the policy that the draft stood in for; null when none of the name is in force. */
      readonly replaces: number | null;
      /** The policies in force that it was compared with. */
      readonly policyVersion: string;
    }
  | { readonly kind: 'invalid'; readonly problems: readonly PolicyProblem[] }
  | { readonly kind: 'busy' };

type WhatIfStores = Pick<Stores, 'decisions' | 'jobs' | 'policies'> & {
  readonly offers: Pick<Offers, 'bookAt'>;
};

interface Compared {
  readonly before: CompiledPolicy;
  readonly after: CompiledPolicy;
}

type Made = { readonly row: WhatIfRow } | { readonly skip: WhatIfSkip };

/**
 * Make the last decisions again, as they were except for the policies: once under those in force, and once with a draft in
 * the place of its namesake. Stores nothing; the same stores give the same report, as long as the time suffices.
 */
export class WhatIfPolicy {
  private underWay = 0;

  constructor(
    private readonly stores: WhatIfStores,
    private readonly savePolicy: Pick<SavePolicy, 'check'>,
    private readonly clock: Clock,
    private readonly budgetMs: number = WHAT_IF_BUDGET_MS,
  ) {}

  async run(question: WhatIfQuestion): Promise<WhatIfAnswer> {
    if (this.underWay >= MAX_AT_A_TIME) return { kind: 'busy' };
    this.underWay += 1;
    try {
      return await this.answer(question);
    } finally {
      this.underWay -= 1;
    }
  }

  private async answer({ document, filter, last }: WhatIfQuestion): Promise<WhatIfAnswer> {
    const untilMs = this.clock.nowMs() + this.budgetMs;
    const problems = this.savePolicy.check(document);
    if (problems.length > 0) return { kind: 'invalid', problems };
    const active = await this.stores.policies.active();
    const compared = compare(active, document);
    if ('problems' in compared) return { kind: 'invalid', problems: compared.problems };
    const entries = await this.stores.decisions.list(filter, last);
    const made: Made[] = [];
    for (const group of byBook(entries)) made.push(...(await this.group(group, compared, untilMs)));
    return {
      kind: 'reported',
      report: whatIfReport(
        made.flatMap((one) => ('row' in one ? [one.row] : [])),
        made.flatMap((one) => ('skip' in one ? [one.skip] : [])),
      ),
      replaces: active.find(isNamed(document))?.version ?? null,
      policyVersion: compared.before.version,
    };
  }

  /** Decisions that were made from the same book: it is loaded once, and let go of before the next. */
  private async group(
    entries: readonly DecisionEntry[],
    compared: Compared,
    untilMs: number,
  ): Promise<readonly Made[]> {
    const [first] = entries;
    if (first === undefined || this.clock.nowMs() >= untilMs) return entries.map(outOfTime);
    const { offers } = await this.stores.offers.bookAt(first.bookVersion);
    const digest = await digestOfBook(offers);
    const index = await indexOf(offers);
    const made: Made[] = [];
    for (const entry of entries) {
      if (this.clock.nowMs() >= untilMs) made.push(outOfTime());
      else made.push(await this.again(entry, index, digest, compared));
    }
    return made;
  }

  private async again(
    entry: DecisionEntry,
    index: OfferIndex,
    digest: string,
    compared: Compared,
  ): Promise<Made> {
    const record = await this.stores.decisions.get(entry.id);
    if (record === null) return { skip: 'decision-gone' };
    if (record.digests.offers !== digest) return { skip: 'offers-gone' };
    const job = await this.stores.jobs.get(entry.jobId);
    if (job === null) return { skip: 'job-gone' };
    try {
      return { row: await madeTwice(entry, record, job, index, compared) };
    } catch (error) {
      // A record of an earlier release may hold what no longer makes a decision; it must not hide all the others.
      if (error instanceof TypeError || error instanceof RangeError) return { skip: 'failed' };
      throw error;
    }
  }
}

async function madeTwice(
  entry: DecisionEntry,
  record: DecisionRecord,
  job: Job,
  index: OfferIndex,
  { before, after }: Compared,
): Promise<WhatIfRow> {
  const { offers: _, ...scene } = inputOf(record, job, before, index.offers);
  await othersTurn();
  const first = sideOf(scene, index);
  await othersTurn();
  const second = sideOf({ ...scene, policy: after }, index);
  const subject = {
    decisionId: entry.id,
    jobId: entry.jobId,
    project: entry.project,
    atMs: record.atMs,
    hasDeadline: scene.job.deadlineAtMs !== null,
    toleratedBps: preferencesFor(before, scene.job, record.atMs).latenessToleranceBps,
  };
  return whatIfRow(subject, first, second);
}

/** No more than the first place is wanted of a decision; an offer is judged by itself, whatever others there are. */
function sideOf(scene: DecisionScene, index: OfferIndex): WhatIfSide {
  const { summary } = decideIndexed(index, scene, { ranked: 1, nearestMisses: 0, awaited: 0 });
  return {
    best: summary.ranked[0] ?? null,
    reasonsAgainst: (offerId) => {
      const offer = index.offers.find(({ id }) => id === offerId);
      if (offer === undefined) return [];
      return decide({ ...scene, offers: [offer] }).rejected[0]?.reasons ?? [];
    },
  };
}

/** The policies in force, and the same with the draft in the place of its namesake. */
function compare(
  active: readonly PolicyVersion[],
  document: PolicyDocument,
): Compared | { readonly problems: readonly PolicyProblem[] } {
  const others = active.filter((version) => !isNamed(document)(version));
  // A draft that is to hold from some day on would say nothing of decisions before that day.
  const { effective: _, ...always } = document;
  const draft = { document: always, version: Number.MAX_SAFE_INTEGER };
  const before = compilePolicies(active);
  const after = compilePolicies([...others, draft]);
  if (!before.ok) return { problems: before.problems };
  return after.ok ? { before: before.policy, after: after.policy } : { problems: after.problems };
}

function isNamed({ name }: PolicyDocument): (version: PolicyVersion) => boolean {
  return ({ document }) => document.name === name;
}

/** Oldest book first; within a book in the order of their making. */
function byBook(entries: readonly DecisionEntry[]): readonly (readonly DecisionEntry[])[] {
  const groups = new Map<number, DecisionEntry[]>();
  const inOrder = [...entries].sort(
    (a, b) => a.bookVersion - b.bookVersion || a.atMs - b.atMs || (a.id < b.id ? -1 : 1),
  );
  for (const entry of inOrder) {
    const group = groups.get(entry.bookVersion);
    if (group === undefined) groups.set(entry.bookVersion, [entry]);
    else group.push(entry);
  }
  return [...groups.values()];
}

function outOfTime(): Made {
  return { skip: 'out-of-time' };
}

/** Like that of a decision's record, but in turns. */
async function digestOfBook(offers: readonly Offer[]): Promise<string> {
  let digest = BookDigest.empty;
  for (let from = 0; from < offers.length; from += OFFERS_PER_TURN) {
    digest = digest.with(offers.slice(from, from + OFFERS_PER_TURN));
    await othersTurn();
  }
  return digest.toString();
}

/** Makes a book ready to be decided on, in turns. */
async function indexOf(offers: readonly Offer[]): Promise<OfferIndex> {
  const work = refreshed(emptyIndex(), { gone: [], come: offers });
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    await othersTurn();
  }
}

/** Lets everything that waits go first. */
function othersTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
