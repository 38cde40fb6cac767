import type { Job, Offer, PolicyDocument } from '#libs/domain';
import type { Ids } from '#libs/runtime';
import type { StoredDecision } from '#libs/storage';
import { aJob, BUILT_AT_MS, fakeDescriptor, fakeOffers, ManualClock } from '#libs/testkit';
import { SilentDoorbell } from '../../../libs/queue/testing/silent-doorbell';
import { MemoryTables, memoryStores } from '../../../test/simulation/memory-stores';
import { MakeDecision } from '../make-decision';
import { ReplayDecision } from '../replay-decision';
import { Snapshots } from '../snapshots';

/** A policy with one rule that keeps interruptible offers out. */
export const noSpot = (name: string): PolicyDocument => ({
  kind: 'RoutingPolicy',
  name,
  description: 'Nothing that can be taken back.',
  rules: [{ id: 'no-spot', forbid: 'offer.interruptible', because: 'we do not like surprises' }],
  preferences: {},
});

/** The policy engine's use cases over stores in memory, on a clock that stands still until it is moved. */
export class Desk {
  readonly clock = new ManualClock(BUILT_AT_MS);
  readonly tables = new MemoryTables();
  readonly stores = memoryStores(this.tables);
  readonly doorbell = new SilentDoorbell();
  readonly snapshots = new Snapshots(this.stores);
  readonly replay = new ReplayDecision(this.stores);
  readonly decide: MakeDecision;

  constructor() {
    let made = 0;
    const ids: Ids = { next: (kind) => `${kind}-${(made += 1)}` };
    this.decide = new MakeDecision(this.stores, this.snapshots, this.doorbell, ids, this.clock);
  }

  sells(offers: readonly Offer[] = fakeOffers): Promise<number> {
    return this.stores.offers.replace(fakeDescriptor.id, offers, this.clock.nowMs());
  }

  async inForce(document: PolicyDocument): Promise<void> {
    const nowMs = this.clock.nowMs();
    const { version } = await this.stores.policies.create(document, 'key-test', nowMs);
    await this.stores.policies.activate(document.name, version, nowMs);
  }

  async submitted(wanted: Partial<Parameters<typeof aJob>[0]> = {}): Promise<Job> {
    const job = aJob({ submittedAtMs: this.clock.nowMs(), ...wanted, id: wanted.id ?? 'job-1' });
    await this.stores.jobs.submit({ job, idempotency: null, reservation: null, events: [] });
    return job;
  }

  /** The job as it is stored. */
  job(): Job {
    const job = [...this.tables.jobs.values()].at(-1);
    if (job === undefined) throw new Error('there is no job');
    return job;
  }

  /** The decision that was recorded last. */
  decision(): StoredDecision {
    const record = [...this.tables.decisions.values()].at(-1);
    if (record === undefined) throw new Error('there is no decision');
    return record;
  }

  rankedIds(): readonly string[] {
    return this.decision().summary.ranked.map(({ offer }) => offer.id);
  }
}
