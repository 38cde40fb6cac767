import { Module, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import { asJobId } from '#libs/domain';
import type { Queues } from '#libs/queue';
import { Clock, type Ids } from '#libs/runtime';
import { Policies, type Stores } from '#libs/storage';
import { ActivateDuePolicies } from './activate-due-policies';
import { ApplyPolicies } from './apply-policies';
import { MakeDecision } from './make-decision';
import { MovePolicy } from './move-policy';
import { PlanJob } from './plan-job';
import { PolicyBell } from './policy-bell';
import { FeasibilityController, PolicyLifeController } from './policy-life.controller';
import { PolicyController } from './policy.controller';
import { ReplayDecision } from './replay-decision';
import { SavePolicy } from './save-policy';
import { SeedBuiltinPolicies } from './seed-builtin-policies';
import { Snapshots } from './snapshots';
import { WarnAboutPolicy } from './warn-about-policy';
import { WhatIfPolicy } from './what-if-policy';

/** Each scheduled policy is rung for at its time; a ring that got lost is made up for this soon. */
const ACTIVATE_EVERY_MS = 15_000;

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
    const savePolicy = new SavePolicy(stores.policies, clock);
    const bell = new PolicyBell(stores.jobs, queues.doorbell);
    const movePolicy = new MovePolicy(stores.policies, bell, clock);
    const activateDue = new ActivateDuePolicies(stores.policies, movePolicy, clock);
    return {
      module: PolicyEngineModule,
      controllers: [PolicyController, PolicyLifeController, FeasibilityController],
      providers: [
        { provide: PlanJob, useValue: new PlanJob(snapshots, stores.attempts) },
        { provide: ReplayDecision, useValue: new ReplayDecision(stores) },
        { provide: SavePolicy, useValue: savePolicy },
        { provide: WarnAboutPolicy, useValue: new WarnAboutPolicy(stores, clock) },
        { provide: MovePolicy, useValue: movePolicy },
        {
          provide: ApplyPolicies,
          useValue: new ApplyPolicies(stores.policies, savePolicy, bell, clock),
        },
        { provide: WhatIfPolicy, useValue: new WhatIfPolicy(stores, savePolicy, clock) },
        { provide: Policies, useValue: stores.policies },
        { provide: Clock, useValue: clock },
        {
          provide: Reconcilers,
          useValue: new Reconcilers(queues, seed, activateDue, makeDecision, metrics),
        },
      ],
    };
  }
}

/** Parse the id, call the use case, return. */
class Reconcilers implements OnApplicationBootstrap {
  constructor(
    private readonly queues: Queues,
    private readonly seed: SeedBuiltinPolicies,
    private readonly activateDue: ActivateDuePolicies,
    private readonly makeDecision: MakeDecision,
    private readonly metrics: PolicyEngineParts['metrics'],
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.seed.run();
    await this.queues.reconcile('decide', (id) => this.decide(id));
    await this.queues.reconcile('activate-policies', () => this.activateDue.run());
    await this.queues.every('activate-policies', ['all'], ACTIVATE_EVERY_MS);
  }

  private async decide(id: string): Promise<void> {
    const startedMs = performance.now();
    await this.makeDecision.run(asJobId(id));
    this.metrics.observeDecision(performance.now() - startedMs);
  }
}
