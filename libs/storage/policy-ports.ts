import {
  drafted,
  policyInForce,
  policyStep,
  POLICY_SYSTEM_AUTHOR,
  type PolicyDocument,
  type PolicyNews,
  type PolicyStanding,
} from '#libs/domain';

/** One immutable version of a policy and how far it has come. At most one version of each name is in force. */
export interface PolicyVersion extends PolicyStanding {
  readonly document: PolicyDocument;
  readonly createdAtMs: number;
  /** Whether it counts: its state is one of those in force. */
  readonly active: boolean;
}

/** One line of a policy's history, about one of its versions. */
export interface PolicyEvent extends PolicyNews {
  readonly name: string;
}

export interface StoredPolicyEvent extends PolicyEvent {
  /** Strictly growing in the order in which things happened. */
  readonly sequence: number;
}

/** Whether changes of policies need a second person: for the whole installation, or for one project. */
export interface PolicySetting {
  /** Null is the whole installation. */
  readonly project: string | null;
  readonly requireApproval: boolean;
  readonly setBy: string;
  readonly setAtMs: number;
}

/** What is known when a change is thought out. */
export interface PolicyKnowledge {
  /** Every version of the names that were asked for, newest first within a name. */
  readonly versions: readonly PolicyVersion[];
  /** Everything in force, by name. */
  readonly inForce: readonly PolicyVersion[];
  readonly settings: readonly PolicySetting[];
}

export interface PolicyChange<T> {
  readonly answer: T;
  /** New versions, and known ones that stand elsewhere now. */
  readonly versions: readonly PolicyVersion[];
  readonly events: readonly PolicyEvent[];
}

/** How many lines of history are kept for each name; the oldest go first. */
export const MAX_POLICY_EVENTS = 1_000;

export abstract class Policies {
  /**
   * Thinks out and makes one change of policies, whole or not at all: one change after the other, so that what `think` is
   * given stays so until its change is made. `think` must be quick and pure. `names` are those whose versions it needs.
   */
  abstract change<T>(
    names: readonly string[] | 'all',
    think: (known: PolicyKnowledge) => PolicyChange<T>,
  ): Promise<T>;
  /** Every version of every name, newest first within a name. */
  abstract list(): Promise<readonly PolicyVersion[]>;
  /** Every version of one name, newest first; empty for a name that nobody knows. */
  abstract ofName(name: string): Promise<readonly PolicyVersion[]>;
  /** The versions in force, by name. */
  abstract active(): Promise<readonly PolicyVersion[]>;
  /** Scheduled versions whose time has come, the longest overdue first, at most `limit`. */
  abstract due(
    nowMs: number,
    limit: number,
  ): Promise<readonly { readonly name: string; readonly version: number }[]>;
  /** What has happened to a policy, newest first. `limit` is 1 to `MAX_POLICY_EVENTS`. */
  abstract events(name: string, limit: number): Promise<readonly StoredPolicyEvent[]>;
  /** That of the installation first, then by project; projects that ask for nothing are not there. */
  abstract settings(): Promise<readonly PolicySetting[]>;
  /** Repeatable. A project that asks for nothing any more is forgotten. */
  abstract put(setting: PolicySetting): Promise<void>;

  /** Stores the next version of the document's name, as a draft. */
  create(document: PolicyDocument, createdBy: string, nowMs: number): Promise<PolicyVersion> {
    return this.change([document.name], ({ versions }) => {
      const order = { by: createdBy, comment: null, nowMs };
      const { version, event } = draftOf(document, versions, order);
      return { answer: version, versions: [version], events: [event] };
    });
  }

  /**
   * Puts one version of a name in force, or with `version: null` none, without asking for a second person: for what the
   * product does by itself. False when there is no such version, or when it stands where that cannot be done.
   */
  activate(name: string, version: number | null, nowMs: number): Promise<boolean> {
    return this.change([name], ({ versions }) => {
      const order = { by: POLICY_SYSTEM_AUTHOR, comment: null, nowMs, needsApproval: false };
      const wish =
        version === null
          ? ({ do: 'retire' } as const)
          : ({ do: 'activate', version, atMs: null } as const);
      const step = policyStep(versions, wish, order);
      if (!step.ok) return { answer: false, versions: [], events: [] };
      return { answer: true, ...storable(name, versions, step) };
    });
  }
}

/** A new draft behind the versions that are known, as it is stored, and what is told of it. */
export function draftOf(
  document: PolicyDocument,
  known: readonly PolicyVersion[],
  order: Parameters<typeof drafted>[1],
): { readonly version: PolicyVersion; readonly event: PolicyEvent } {
  const { name } = document;
  const ofName = known.filter((each) => each.document.name === name);
  const { standing, news } = drafted(ofName, order);
  return {
    version: { ...standing, document, createdAtMs: order.nowMs, active: false },
    event: { ...news, name },
  };
}

/** What a step of one name's versions comes to in the words of the store. */
export function storable(
  name: string,
  known: readonly PolicyVersion[],
  step: { readonly changed: readonly PolicyStanding[]; readonly news: readonly PolicyNews[] },
): Pick<PolicyChange<never>, 'versions' | 'events'> {
  const versions = step.changed.flatMap((standing) => {
    const was = known.find((each) => each.version === standing.version);
    return was === undefined
      ? []
      : [{ ...was, ...standing, active: policyInForce.has(standing.state) }];
  });
  return { versions, events: step.news.map((news) => ({ ...news, name })) };
}
