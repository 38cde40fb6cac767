import {
  MAX_POLICY_EVENTS,
  Policies,
  type PolicyChange,
  type PolicyKnowledge,
  type PolicySetting,
  type PolicyVersion,
  type StoredPolicyEvent,
} from '#libs/storage';

/** The rows that policies need; `MemoryTables` has them. */
export interface PolicyTables {
  readonly policyVersions: PolicyVersion[];
  readonly policyEvents: StoredPolicyEvent[];
  readonly policySettings: PolicySetting[];
}

/** Policies in memory. A change is thought out and made in one go, so that nothing comes between. */
export class MemoryPolicies extends Policies {
  private sequence = 0;

  constructor(private readonly tables: PolicyTables) {
    super();
  }

  async change<T>(
    names: readonly string[] | 'all',
    think: (known: PolicyKnowledge) => PolicyChange<T>,
  ): Promise<T> {
    const versions = this.sorted().filter(
      ({ document }) => names === 'all' || names.includes(document.name),
    );
    const inForce = this.sorted().filter(({ active }) => active);
    const change = think({ versions, inForce, settings: this.sortedSettings() });
    this.write(change);
    return change.answer;
  }

  async list(): Promise<readonly PolicyVersion[]> {
    return this.sorted();
  }

  async ofName(name: string): Promise<readonly PolicyVersion[]> {
    return this.sorted().filter(({ document }) => document.name === name);
  }

  async active(): Promise<readonly PolicyVersion[]> {
    return this.sorted().filter(({ active }) => active);
  }

  async due(
    nowMs: number,
    limit: number,
  ): Promise<readonly { readonly name: string; readonly version: number }[]> {
    return this.tables.policyVersions
      .filter(({ state, activateAtMs }) => state === 'scheduled' && (activateAtMs ?? 0) <= nowMs)
      .map(({ document, version, activateAtMs }) => ({
        name: document.name,
        version,
        activateAtMs,
      }))
      .sort(
        (a, b) =>
          (a.activateAtMs ?? 0) - (b.activateAtMs ?? 0) ||
          (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version - b.version),
      )
      .slice(0, limit)
      .map(({ name, version }) => ({ name, version }));
  }

  async events(name: string, limit: number): Promise<readonly StoredPolicyEvent[]> {
    return this.tables.policyEvents
      .filter((event) => event.name === name)
      .reverse()
      .slice(0, Math.min(MAX_POLICY_EVENTS, limit));
  }

  async settings(): Promise<readonly PolicySetting[]> {
    return this.sortedSettings();
  }

  async put(setting: PolicySetting): Promise<void> {
    const { policySettings } = this.tables;
    const at = policySettings.findIndex(({ project }) => project === setting.project);
    if (at >= 0) policySettings.splice(at, 1);
    if (setting.project === null || setting.requireApproval) policySettings.push(setting);
  }

  private write({ versions, events }: Pick<PolicyChange<unknown>, 'versions' | 'events'>): void {
    const { policyVersions, policyEvents } = this.tables;
    for (const next of versions) {
      const at = policyVersions.findIndex(
        ({ document, version }) => document.name === next.document.name && version === next.version,
      );
      if (at < 0) policyVersions.push(next);
      else policyVersions[at] = next;
    }
    for (const event of events) policyEvents.push({ ...event, sequence: (this.sequence += 1) });
    for (const name of new Set(events.map((event) => event.name))) this.forget(name);
  }

  private forget(name: string): void {
    const { policyEvents } = this.tables;
    let extra = policyEvents.filter((event) => event.name === name).length - MAX_POLICY_EVENTS;
    for (let at = 0; extra > 0 && at < policyEvents.length;) {
      if (policyEvents[at]?.name !== name) {
        at += 1;
        continue;
      }
      policyEvents.splice(at, 1);
      extra -= 1;
    }
  }

  private sorted(): PolicyVersion[] {
    return [...this.tables.policyVersions].sort((a, b) =>
      a.document.name < b.document.name
        ? -1
        : a.document.name > b.document.name
          ? 1
          : b.version - a.version,
    );
  }

  private sortedSettings(): readonly PolicySetting[] {
    const key = ({ project }: PolicySetting): string => project ?? '';
    return [...this.tables.policySettings].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }
}
