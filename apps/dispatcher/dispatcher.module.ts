import { Module, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import { asAttemptId, asJobId, asProviderId } from '#libs/domain';
import type { AdapterRegistry } from '#libs/provider-kit';
import type { Lane, Queues } from '#libs/queue';
import type { Clock, Ids, Log } from '#libs/runtime';
import type { Stores } from '#libs/storage';
import { AdvanceAttempt } from './advance-attempt';
import { SupervisedRequests, type WorkloadSettings } from './lease-requests';
import { MeasuredStarts } from './measured-starts';
import { PlaceJob } from './place-job';
import { ReportWorkload } from './report-workload';
import { SweepLeases } from './sweep-leases';
import { SweepOverdue } from './sweep-overdue';
import { WorkloadController } from './workload.controller';

/** A lost wake-up is found this much later at the most. */
const SWEEP_OVERDUE_EVERY_MS = 5_000;
const SWEEP_LEASES_EVERY_MS = 60_000;

export interface DispatcherParts {
  readonly stores: Stores;
  readonly queues: Queues;
  readonly adapters: AdapterRegistry;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly workload: WorkloadSettings;
  readonly metrics: DispatcherFigures;
  readonly log: Pick<Log, 'warn'>;
}

/** Acquires, observes and releases leases; fails over; sweeps for orphans. The only writer of attempts and job state. */
@Module({})
export class DispatcherModule {
  static with(parts: DispatcherParts): DynamicModule {
    const { stores, queues, adapters, clock, ids, workload, metrics, log } = parts;
    const { doorbell } = queues;
    const requests = new SupervisedRequests(stores.jobs, adapters, workload);
    const reconcilers = new Reconcilers(
      queues,
      adapters,
      { metrics, log },
      new PlaceJob(stores, doorbell, ids, clock),
      new AdvanceAttempt(
        stores.attempts,
        adapters,
        requests,
        doorbell,
        clock,
        new MeasuredStarts(stores.health),
      ),
      {
        leases: new SweepLeases(stores.attempts, adapters, clock),
        overdue: new SweepOverdue(stores, doorbell, clock),
      },
    );
    return {
      module: DispatcherModule,
      controllers: [WorkloadController],
      providers: [
        { provide: ReportWorkload, useValue: new ReportWorkload(stores.attempts, doorbell, clock) },
        { provide: Reconcilers, useValue: reconcilers },
      ],
    };
  }
}

/** The figures that the dispatcher reports. */
export interface DispatcherFigures {
  countAttempt(ended: { readonly providerId: string; readonly outcome: string }): void;
  countOrphans(providerId: string, count: number): void;
}

/** Parse the id, call the use case, return. */
class Reconcilers implements OnApplicationBootstrap {
  constructor(
    private readonly queues: Queues,
    private readonly adapters: AdapterRegistry,
    private readonly reports: Pick<DispatcherParts, 'metrics' | 'log'>,
    private readonly place: PlaceJob,
    private readonly advance: AdvanceAttempt,
    private readonly sweeps: { readonly leases: SweepLeases; readonly overdue: SweepOverdue },
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const providers = this.adapters.all().map(({ descriptor }) => descriptor);
    const lanes: readonly Lane[] = providers.map(({ id }) => ({ providerId: id, perSecond: null }));
    await Promise.all([
      this.queues.reconcile('place', (id) => this.place.run(asJobId(id))),
      this.queues.reconcile('advance', (id) => this.move(id), lanes),
      this.queues.reconcile('sweep-overdue', () => this.sweeps.overdue.run()),
      this.queues.reconcile('sweep-leases', (id) => this.sweepLeases(id)),
    ]);
    await this.queues.every('sweep-overdue', ['all'], SWEEP_OVERDUE_EVERY_MS);
    await this.queues.every(
      'sweep-leases',
      providers.map(({ id }) => id),
      SWEEP_LEASES_EVERY_MS,
    );
  }

  private async move(id: string): Promise<void> {
    const attempt = await this.advance.run(asAttemptId(id));
    if (attempt?.phase !== 'released') return;
    const { offer, outcome } = attempt;
    this.reports.metrics.countAttempt({ providerId: offer.providerId, outcome: outcome ?? 'none' });
  }

  private async sweepLeases(id: string): Promise<void> {
    const orphans = await this.sweeps.leases.run(asProviderId(id));
    if (orphans.length === 0) return;
    this.reports.metrics.countOrphans(id, orphans.length);
    const fields = { provider: id, leaseKeys: orphans };
    this.reports.log.warn(fields, 'Leases that no attempt owns were released.');
  }
}
