import {
  approvalNeeded,
  canonicalJson,
  policyPending,
  policyStep,
  versionInForce,
  type PolicyDocument,
  type PolicyRefusal,
  type PolicyState,
  type PolicyWish,
} from '#libs/domain';
import type { Clock } from '#libs/runtime';
import {
  draftOf,
  storable,
  type Policies,
  type PolicyChange,
  type PolicyEvent,
  type PolicyKnowledge,
  type PolicyVersion,
} from '#libs/storage';
import { BUILTIN_PREFIX, compilePolicies, type PolicyProblem } from './compile-policy';
import { labelOf, replaced, type PolicyActor } from './move-policy';
import type { PolicyBell } from './policy-bell';
import type { SavePolicy } from './save-policy';

/** How many documents may be applied together. */
export const MAX_APPLIED_POLICIES = 200;

export interface PolicyApplication extends PolicyActor {
  readonly documents: readonly PolicyDocument[];
  /** Whether policies that are not among the documents end; shipped ones never do. */
  readonly prune: boolean;
  /** When they take effect; null is at once. */
  readonly atMs: number | null;
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean;
}

/** What became of one policy, or would. */
export interface AppliedPolicy {
  readonly name: string;
  readonly change: 'none' | 'new' | 'changed' | 'end';
  readonly version: number;
  readonly state: PolicyState;
  /** What is in force before, and what is to be; null where nothing is. */
  readonly before: PolicyDocument | null;
  readonly after: PolicyDocument | null;
}

export type AppliedPolicies =
  | { readonly kind: 'applied'; readonly policies: readonly AppliedPolicy[] }
  | {
      readonly kind: 'refused';
      readonly name: string;
      readonly refusal: PolicyRefusal;
      readonly state: PolicyState | null;
    }
  | { readonly kind: 'invalid'; readonly problems: readonly PolicyProblem[] };

/** Make the policies in force those of a set of documents: checked together, and all of it or nothing. */
export class ApplyPolicies {
  constructor(
    private readonly policies: Policies,
    private readonly savePolicy: Pick<SavePolicy, 'check'>,
    private readonly bell: PolicyBell,
    private readonly clock: Clock,
  ) {}

  async run(wanted: PolicyApplication): Promise<AppliedPolicies> {
    const problems = wanted.documents.flatMap((document) => this.savePolicy.check(document));
    if (problems.length > 0) return { kind: 'invalid', problems };
    const nowMs = this.clock.nowMs();
    const names = wanted.prune ? 'all' : wanted.documents.map(({ name }) => name);
    const { answer, changed, wasInForce } = await this.policies.change(names, (known) =>
      thought(wanted, nowMs, known),
    );
    await this.bell.ring(changed, (version) => wasInForce.has(labelOf(version)), nowMs);
    return answer;
  }
}

interface Outcome {
  readonly answer: AppliedPolicies;
  readonly changed: readonly PolicyVersion[];
  readonly wasInForce: ReadonlySet<string>;
}

function thought(
  wanted: PolicyApplication,
  nowMs: number,
  known: PolicyKnowledge,
): PolicyChange<Outcome> {
  const wasInForce = new Set(known.inForce.map(labelOf));
  const nothing = (answer: AppliedPolicies): PolicyChange<Outcome> => ({
    answer: { answer, changed: [], wasInForce },
    versions: [],
    events: [],
  });
  const problems = problemsTogether(wanted, known);
  if (problems.length > 0) return nothing({ kind: 'invalid', problems });
  const work = new Application(wanted, nowMs, known);
  for (const document of inOrder(wanted.documents)) work.take(document);
  if (wanted.prune) work.prune();
  const answer = work.answer();
  if (answer.kind !== 'applied' || wanted.dryRun) return nothing(answer);
  const { changed, events } = work;
  return { answer: { answer, changed, wasInForce }, versions: changed, events };
}

/** What is in force once all of it is, whenever that comes: that it compiles is asked now. */
function problemsTogether(
  { documents, prune }: PolicyApplication,
  { inForce }: PolicyKnowledge,
): readonly PolicyProblem[] {
  const given = new Set(documents.map(({ name }) => name));
  const kept = inForce.filter(
    ({ document: { name } }) => !given.has(name) && (!prune || isShipped(name)),
  );
  const coming = documents.map((document) => ({ document, version: Number.MAX_SAFE_INTEGER }));
  const compiled = compilePolicies([...kept, ...coming]);
  return compiled.ok ? [] : compiled.problems;
}

function isShipped(name: string): boolean {
  return name.startsWith(BUILTIN_PREFIX);
}

function inOrder(documents: readonly PolicyDocument[]): readonly PolicyDocument[] {
  return [...documents].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The change on its way: what each policy takes is added to what those before it took. */
class Application {
  changed: readonly PolicyVersion[] = [];
  events: readonly PolicyEvent[] = [];
  private readonly told: AppliedPolicy[] = [];
  private refused: Extract<AppliedPolicies, { kind: 'refused' }> | null = null;

  constructor(
    private readonly wanted: PolicyApplication,
    private readonly nowMs: number,
    private readonly known: PolicyKnowledge,
  ) {}

  answer(): AppliedPolicies {
    if (this.refused !== null) return this.refused;
    return { kind: 'applied', policies: this.told };
  }

  take(document: PolicyDocument): void {
    const { name } = document;
    const inForce = versionInForce(this.versionsOf(name));
    const before = inForce?.document ?? null;
    if (inForce !== undefined && isSame(inForce.document, document)) {
      const { version, state } = inForce;
      this.told.push({ name, change: 'none', version, state, before, after: document });
      return;
    }
    const needsApproval = this.needsApproval(document, before);
    const draft = this.draftFor(document, needsApproval);
    this.wish(name, this.wishFor(draft, needsApproval), needsApproval);
    const state = this.stateOf(name, draft.version);
    const change = before === null ? 'new' : 'changed';
    this.told.push({ name, change, version: draft.version, state, before, after: document });
  }

  /** Ends what is in force or on its way and not among the documents. */
  prune(): void {
    const given = new Set(this.wanted.documents.map(({ name }) => name));
    const names = [...new Set(this.known.versions.map(({ document }) => document.name))].sort();
    for (const name of names.filter((each) => !given.has(each) && !isShipped(each))) this.end(name);
  }

  private end(name: string): void {
    const pending = this.versionsOf(name).filter(({ state }) => policyPending.has(state));
    for (const { version } of pending) this.wish(name, { do: 'withdraw', version }, false);
    const inForce = versionInForce(this.versionsOf(name));
    if (inForce === undefined) {
      for (const { version } of pending)
        this.told.push({ name, change: 'end', version, state: 'draft', before: null, after: null });
      return;
    }
    const { document, version } = inForce;
    this.wish(name, { do: 'retire' }, this.needsApproval(document, document));
    const state = this.stateOf(name, version);
    this.told.push({ name, change: 'end', version, state, before: document, after: null });
  }

  /** A version with this text that is on its way already, or a new one. */
  private draftFor(document: PolicyDocument, needsApproval: boolean): PolicyVersion {
    const known = this.versionsOf(document.name);
    const latest = known.reduce<PolicyVersion | undefined>(
      (last, each) => (last === undefined || each.version > last.version ? each : last),
      undefined,
    );
    const isOnItsWay = ({ state }: PolicyVersion): boolean =>
      policyPending.has(state) || state === 'draft' || (needsApproval && state === 'rejected');
    if (latest !== undefined && isOnItsWay(latest) && isSame(latest.document, document))
      return latest;
    const { version, event } = draftOf(document, known, { ...this.wanted, nowMs: this.nowMs });
    this.changed = [...this.changed, version];
    this.events = [...this.events, event];
    return version;
  }

  /** What was rejected is not put up again by repeating it: that would ask the same people the same question for ever. */
  private wishFor(
    { version, state, approvedBy }: PolicyVersion,
    needsApproval: boolean,
  ): PolicyWish {
    const { atMs } = this.wanted;
    if (state === 'awaiting-approval')
      return { do: 'submit', version, atMs: this.submittedFor(version) };
    if (needsApproval && approvedBy === null && state === 'draft')
      return { do: 'submit', version, atMs: atMs ?? this.nowMs };
    return { do: 'activate', version, atMs };
  }

  private submittedFor(version: number): number | null {
    const awaiting = this.known.versions.find((each) => each.version === version);
    return awaiting?.activateAtMs ?? null;
  }

  private wish(name: string, wish: PolicyWish, needsApproval: boolean): void {
    const known = this.versionsOf(name);
    const { by, comment } = this.wanted;
    const order = { by, comment, nowMs: this.nowMs, needsApproval };
    const step = policyStep(known, wish, order);
    if (!step.ok) {
      this.refused ??= { kind: 'refused', name, refusal: step.refusal, state: step.state };
      return;
    }
    const { versions, events } = storable(name, known, step);
    this.changed = replaced(this.changed, versions);
    this.events = [...this.events, ...events];
  }

  private versionsOf(name: string): readonly PolicyVersion[] {
    return replaced(this.known.versions, this.changed).filter(
      ({ document }) => document.name === name,
    );
  }

  private stateOf(name: string, version: number): PolicyState {
    const found = this.versionsOf(name).find((each) => each.version === version);
    return found?.state ?? 'draft';
  }

  private needsApproval(next: PolicyDocument, before: PolicyDocument | null): boolean {
    const scopes = [next.scope, ...(before === null ? [] : [before.scope])];
    return approvalNeeded(this.known.settings, scopes);
  }
}

function isSame(a: PolicyDocument, b: PolicyDocument): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
