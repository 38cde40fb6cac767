import { Module, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import { asJobId } from '#libs/domain';
import type { Queues } from '#libs/queue';
import { Clock, type Ids } from '#libs/runtime';
import { Policies, type Stores } from '#libs/storage';
import { MakeDecision } from './make-decision';
import { PlanJob } from './plan-job';
import { PolicyController } from './policy.controller';
import { ReplayDecision } from './replay-decision';
import { SavePolicy } from './save-policy';
import { SeedBuiltinPolicies } from './seed-builtin-policies';
import { Snapshots } from './snapshots';

export interface PolicyEngineParts {
  readonly stores: Stores;
  readonly queues: Queues;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly metrics: { observeDecision(durationMs: number): void };
}

/** Turns due jobs into decisions; the only writer of policies and decisions. */
@Module({})
export class PolicyEngineModule {
  static with({ stores, queues, clock, ids, metrics }: PolicyEngineParts): DynamicModule {
    const snapshots = new Snapshots(stores);
    const makeDecision = new MakeDecision(stores, snapshots, queues.doorbell, ids, clock);
    const seed = new SeedBuiltinPolicies(stores.policies, clock);
    return {
      module: PolicyEngineModule,
      controllers: [PolicyController],
      providers: [
        { provide: PlanJob, useValue: new PlanJob(snapshots) },
        { provide: ReplayDecision, useValue: new ReplayDecision(stores) },
        { provide: SavePolicy, useValue: new SavePolicy(stores.policies, clock) },
        { provide: Policies, useValue: stores.policies },
        { provide: Clock, useValue: clock },
        { provide: Reconcilers, useValue: new Reconcilers(queues, seed, makeDecision, metrics) },
      ],
    };
  }
}

/** Parse the id, call the use case, return. */
class Reconcilers implements OnApplicationBootstrap {
  constructor(
    private readonly queues: Queues,
    private readonly seed: SeedBuiltinPolicies,
    private readonly makeDecision: MakeDecision,
    private readonly metrics: PolicyEngineParts['metrics'],
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.seed.run();
    await this.queues.reconcile('decide', (id) => this.decide(id));
  }

  private async decide(id: string): Promise<void> {
    const startedMs = performance.now();
    await this.makeDecision.run(asJobId(id));
    this.metrics.observeDecision(performance.now() - startedMs);
  }
}
