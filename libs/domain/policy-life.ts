import type { Machine } from './machine';
import { step } from './machine';

export const policyStates = [
  'draft',
  'awaiting-approval',
  'rejected',
  'approved',
  'scheduled',
  'active',
  'awaiting-retirement',
  'retired',
] as const;
export type PolicyState = (typeof policyStates)[number];

export const policyMoves = [
  'submit',
  'withdraw',
  'approve',
  'reject',
  'schedule',
  'activate',
  'roll-back',
  'ask-to-retire',
  'retire',
] as const;
export type PolicyMove = (typeof policyMoves)[number];

/** The life of one version of a policy. Its text never changes; what changes is whether and since when it counts. */
export const policyMachine: Machine<PolicyState, PolicyMove> = {
  initial: 'draft',
  transitions: {
    draft: { submit: 'awaiting-approval', schedule: 'scheduled', activate: 'active' },
    'awaiting-approval': { approve: 'approved', reject: 'rejected', withdraw: 'draft' },
    rejected: { submit: 'awaiting-approval' },
    approved: { schedule: 'scheduled', activate: 'active', withdraw: 'draft' },
    scheduled: { schedule: 'scheduled', activate: 'active', withdraw: 'draft' },
    active: { 'ask-to-retire': 'awaiting-retirement', retire: 'retired' },
    'awaiting-retirement': {
      approve: 'retired',
      reject: 'active',
      withdraw: 'active',
      retire: 'retired',
    },
    retired: { 'roll-back': 'active' },
  },
};

/** States in which a version counts. At most one version of a name is in one of them. */
export const policyInForce: ReadonlySet<PolicyState> = new Set(['active', 'awaiting-retirement']);

/** States from which a version may yet come in force without being put up again. */
export const policyPending: ReadonlySet<PolicyState> = new Set([
  'awaiting-approval',
  'approved',
  'scheduled',
]);

/** Who acts when nobody does: the seeding of shipped policies and the clock. */
export const POLICY_SYSTEM_AUTHOR = 'fairlead';

/** How far a version has come. */
export interface PolicyStanding {
  /** 1 for the name's first. */
  readonly version: number;
  readonly state: PolicyState;
  readonly createdBy: string;
  /** Who put it up for approval, or asked for its end; null while nobody has. */
  readonly proposedBy: string | null;
  /** Who agreed that it comes in force; null while nobody has. */
  readonly approvedBy: string | null;
  /** When it is to take effect: of a scheduled version, or of one that awaits approval, once that is given. Null: not by itself. */
  readonly activateAtMs: number | null;
  /** When it last came in force; null for one that never was. */
  readonly activatedAtMs: number | null;
}

/** One line of a policy's history. */
export interface PolicyNews {
  readonly version: number;
  readonly type: 'create' | PolicyMove;
  /** Null when the version begins. */
  readonly from: PolicyState | null;
  readonly to: PolicyState;
  readonly by: string;
  /** Why, in the words of whoever did it. */
  readonly comment: string | null;
  readonly atMs: number;
}

/** What somebody wants of a policy. Times of null mean: as soon as it may be. */
export type PolicyWish =
  /** Put it up for approval; once that is given it takes effect at `atMs`, or with null when somebody activates it. */
  | { readonly do: 'submit'; readonly version: number; readonly atMs: number | null }
  | { readonly do: 'approve'; readonly version: number }
  | { readonly do: 'reject'; readonly version: number }
  | { readonly do: 'withdraw'; readonly version: number }
  | { readonly do: 'activate'; readonly version: number; readonly atMs: number | null }
  /** Take the policy out of force, whichever version counts. */
  | { readonly do: 'retire' }
  /** Back to a version that was in force before; with null to the last such. */
  | { readonly do: 'roll-back'; readonly to: number | null };

/** Who wants it, why, when, and what the installation asks for. */
export interface PolicyOrder {
  readonly by: string;
  readonly comment: string | null;
  readonly nowMs: number;
  /** Whether a change of this policy needs the agreement of a second person. */
  readonly needsApproval: boolean;
}

export const policyRefusals = [
  'no-such-version',
  'approval-required',
  'second-person-required',
  'not-in-that-state',
  'never-in-force',
] as const;
export type PolicyRefusal = (typeof policyRefusals)[number];

/** What a person can do about each refusal. */
export const policyRemedies: { readonly [R in PolicyRefusal]: string } = {
  'no-such-version': 'look at the versions in the history of the policy',
  'approval-required': 'submit the version for approval, and have somebody else approve it',
  'second-person-required': 'ask somebody who neither wrote nor proposed it',
  'not-in-that-state': 'look at the history of the policy for where the version stands',
  'never-in-force': 'activate it instead: only what was in force before can be rolled back to',
};

export type PolicyStep =
  | {
      readonly ok: true;
      /** Every version that stands elsewhere now; empty when the wish had been granted before. */
      readonly changed: readonly PolicyStanding[];
      readonly news: readonly PolicyNews[];
    }
  | {
      readonly ok: false;
      readonly refusal: PolicyRefusal;
      /** Where the version stands; null when there is none. */
      readonly state: PolicyState | null;
    };

type Patch = Partial<Omit<PolicyStanding, 'version' | 'state'>>;

/** The version that counts, or undefined. */
export function versionInForce<T extends Pick<PolicyStanding, 'state'>>(
  known: readonly T[],
): T | undefined {
  return known.find(({ state }) => policyInForce.has(state));
}

/** A new version behind all known ones of its name, and what is told of it. */
export function drafted(
  known: readonly Pick<PolicyStanding, 'version'>[],
  { by, comment, nowMs }: Omit<PolicyOrder, 'needsApproval'>,
): { readonly standing: PolicyStanding; readonly news: PolicyNews } {
  const version = known.reduce((highest, { version: each }) => Math.max(highest, each), 0) + 1;
  const to = policyMachine.initial;
  return {
    standing: {
      version,
      state: to,
      createdBy: by,
      proposedBy: null,
      approvedBy: null,
      activateAtMs: null,
      activatedAtMs: null,
    },
    news: { version, type: 'create', from: null, to, by, comment, atMs: nowMs },
  };
}

/** What a wish does to the versions of one name, or why it is refused. Repeating a wish that was granted changes nothing. */
export function policyStep(
  known: readonly PolicyStanding[],
  wish: PolicyWish,
  order: PolicyOrder,
): PolicyStep {
  const life = new Life(known, order);
  switch (wish.do) {
    case 'submit':
      return submit(life, wish.version, wish.atMs);
    case 'approve':
      return approve(life, wish.version);
    case 'reject':
      return end(life, wish.version, 'reject', 'rejected');
    case 'withdraw':
      return end(life, wish.version, 'withdraw', 'draft');
    case 'activate':
      return activate(life, wish.version, wish.atMs);
    case 'retire':
      return retire(life);
    case 'roll-back':
      return rollBack(life, wish.to);
  }
}

function submit(life: Life, version: number, atMs: number | null): PolicyStep {
  const standing = life.find(version);
  if (standing === undefined) return noVersion;
  if (standing.state === 'awaiting-approval' && standing.activateAtMs === atMs) return life.done();
  return life
    .move(standing, 'submit', {
      proposedBy: life.order.by,
      approvedBy: null,
      activateAtMs: atMs,
    })
    .done();
}

function approve(life: Life, version: number): PolicyStep {
  const standing = life.find(version);
  if (standing === undefined) return noVersion;
  const { by, nowMs } = life.order;
  const { state, createdBy, proposedBy, approvedBy, activateAtMs } = standing;
  const isRetirement = state === 'awaiting-retirement';
  if (!isRetirement && approvedBy !== null && state !== 'awaiting-approval') return life.done();
  if (by === proposedBy || (!isRetirement && by === createdBy))
    return refused('second-person-required', state);
  if (isRetirement) return life.move(standing, 'approve').done();
  const agreed = life.move(standing, 'approve', { approvedBy: by });
  const next = agreed.find(version);
  if (!agreed.isGood || next === undefined || activateAtMs === null) return agreed.done();
  return activateAtMs <= nowMs
    ? agreed.putInForce(next, 'activate').done()
    : agreed.move(next, 'schedule').done();
}

/** Rejecting and withdrawing: also of a wish to retire, which then goes on being in force. */
function end(
  life: Life,
  version: number,
  move: 'reject' | 'withdraw',
  done: PolicyState,
): PolicyStep {
  const standing = life.find(version);
  if (standing === undefined) return noVersion;
  if (standing.state === done) return life.done();
  const isRetirement = standing.state === 'awaiting-retirement';
  const patch = isRetirement ? {} : { approvedBy: null, activateAtMs: null };
  return life.move(standing, move, patch).done();
}

function activate(life: Life, version: number, atMs: number | null): PolicyStep {
  const standing = life.find(version);
  if (standing === undefined) return noVersion;
  const { state, approvedBy, activateAtMs } = standing;
  const isLater = atMs !== null && atMs > life.order.nowMs;
  if (policyInForce.has(state)) return isLater ? refused('not-in-that-state', state) : life.done();
  if (state === 'retired')
    return isLater
      ? refused('not-in-that-state', state)
      : life.putInForce(standing, 'roll-back').done();
  if (state === 'awaiting-approval' || (life.order.needsApproval && approvedBy === null))
    return refused('approval-required', state);
  if (!isLater) return life.putInForce(standing, 'activate').done();
  if (state === 'scheduled' && activateAtMs === atMs) return life.done();
  return life.move(standing, 'schedule', { activateAtMs: atMs }).done();
}

function retire(life: Life): PolicyStep {
  if (life.known.length === 0) return noVersion;
  const standing = versionInForce(life.known);
  if (standing === undefined) return life.done();
  if (!life.order.needsApproval) return life.move(standing, 'retire').done();
  if (standing.state === 'awaiting-retirement') return life.done();
  return life.move(standing, 'ask-to-retire', { proposedBy: life.order.by }).done();
}

function rollBack(life: Life, to: number | null): PolicyStep {
  const target = to === null ? lastInForce(life.known) : life.find(to);
  if (target === undefined) return to === null ? refused('never-in-force', null) : noVersion;
  if (policyInForce.has(target.state)) return life.done();
  if (target.state !== 'retired') return refused('never-in-force', target.state);
  return life.putInForce(target, 'roll-back').done();
}

/** Of the versions that are no longer in force, the one that was last. */
function lastInForce(known: readonly PolicyStanding[]): PolicyStanding | undefined {
  return known
    .filter(({ state }) => state === 'retired')
    .reduce<PolicyStanding | undefined>(
      (last, each) => (last === undefined || isLater(each, last) ? each : last),
      undefined,
    );
}

function isLater(one: PolicyStanding, other: PolicyStanding): boolean {
  const sinceMs = (one.activatedAtMs ?? 0) - (other.activatedAtMs ?? 0);
  return sinceMs > 0 || (sinceMs === 0 && one.version > other.version);
}

function refused(refusal: PolicyRefusal, state: PolicyState | null): PolicyStep {
  return { ok: false, refusal, state };
}
const noVersion = refused('no-such-version', null);

/** The versions of one name on the way through several moves; each move gives a new one, and the first illegal one ends it. */
class Life {
  constructor(
    readonly known: readonly PolicyStanding[],
    readonly order: PolicyOrder,
    private readonly changed: readonly PolicyStanding[] = [],
    private readonly news: readonly PolicyNews[] = [],
    private readonly illegalIn: PolicyState | null = null,
  ) {}

  get isGood(): boolean {
    return this.illegalIn === null;
  }

  find(version: number): PolicyStanding | undefined {
    return this.known.find((each) => each.version === version);
  }

  move(
    standing: PolicyStanding,
    move: PolicyMove,
    patch: Patch = {},
    comment = this.order.comment,
  ): Life {
    if (!this.isGood) return this;
    const moved = step(policyMachine, standing.state, move);
    if (!moved.ok) return new Life(this.known, this.order, [], [], standing.state);
    const next: PolicyStanding = { ...standing, ...patch, state: moved.to };
    const { by, nowMs } = this.order;
    const told = { version: next.version, type: move, from: standing.state, to: moved.to };
    const others = ({ version }: PolicyStanding): boolean => version !== next.version;
    return new Life(
      [...this.known.filter(others), next],
      this.order,
      [...this.changed.filter(others), next],
      [...this.news, { ...told, by, comment, atMs: nowMs }],
    );
  }

  /** Whoever counted before makes room, and older versions that were on their way no longer are. */
  putInForce(standing: PolicyStanding, move: 'activate' | 'roll-back'): Life {
    const { version } = standing;
    const { nowMs } = this.order;
    const because = `version ${version} takes over`;
    const before = versionInForce(this.known);
    const overtaken = this.known.filter(
      (each) => policyPending.has(each.state) && each.version < version,
    );
    const made = before === undefined ? this : this.move(before, 'retire', {}, because);
    const freed = overtaken.reduce<Life>(
      (life, each) =>
        life.move(each, 'withdraw', { approvedBy: null, activateAtMs: null }, because),
      made,
    );
    return freed.move(standing, move, { activateAtMs: null, activatedAtMs: nowMs });
  }

  done(): PolicyStep {
    return this.illegalIn === null
      ? { ok: true, changed: this.changed, news: this.news }
      : refused('not-in-that-state', this.illegalIn);
  }
}
