import { Module, type DynamicModule, type ModuleMetadata, type Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import type { Assembly } from '#libs/runtime';
import { ADMIN_KEY_FILE, ensureAdminKey } from './admin-key';
import { ApiKeysController } from './api-keys.controller';
import { AskFeasibility } from './ask-feasibility';
import { Admission, AdmittedGuard } from './auth';
import { CancelJob } from './cancel-job';
import { CommitmentsController } from './commitments.controller';
import { ClockAndIds } from './clock-and-ids';
import { DecisionsController } from './decisions.controller';
import { EventWaits } from './event-waits';
import { gatewayAdapter, prepareHttp } from './http';
import { gatewayParts, type GatewayNeeds } from './parts';
import { ExplainJob } from './explain-job';
import { FindJob } from './find-job';
import { IssueApiKey } from './issue-api-key';
import { HistoryController, JobDataController } from './job-data.controller';
import { JobsController, SubmitController } from './jobs.controller';
import { ListJobs } from './list-jobs';
import { PriceHistory } from './price-history';
import { PricesController, PriceSheetsController } from './prices.controller';
import { ListOffers } from './list-offers';
import { MoneyController } from './money.controller';
import { OffersController } from './offers.controller';
import { PoliciesController } from './policies.controller';
import { PolicySettingsController, PolicyStepsController } from './policy-steps.controller';
import { OpenStreams } from './open-streams';
import { ProblemFilter } from './problem-filter';
import { RateLimits } from './rate-limits';
import { ReadLogs } from './read-logs';
import { ReportCosts } from './report-costs';
import { RetryJob } from './retry-job';
import { RouterController } from './router.controller';
import { StreamEvents } from './stream-events';
import { SubmitJob } from './submit-job';
import { ChangeSuspensions } from './change-suspensions';
import { SuspensionsController } from './suspensions.controller';
import { SupervisorController, WorkloadFilesController } from './supervisor.controller';

const useCases: readonly Provider[] = [
  Admission,
  AskFeasibility,
  CancelJob,
  ChangeSuspensions,
  ClockAndIds,
  EventWaits,
  ExplainJob,
  FindJob,
  IssueApiKey,
  ListJobs,
  ListOffers,
  PriceHistory,
  OpenStreams,
  RateLimits,
  ReadLogs,
  ReportCosts,
  RetryJob,
  StreamEvents,
  SubmitJob,
];

/**
 * The gateway: REST, access and event streams. Brings no stores of its own: what it needs must be provided by `imports` or
 * `providers`, under the abstract classes as tokens: Jobs, Attempts, Events, Decisions, Offers, Suspensions, Logs, Artifacts, ApiKeys,
 * Budgets and EventSignal (storage), Doorbell, Messages, Clock, Ids, JobSecrets and GatewaySettings. `prepareHttp` belongs to it: without
 * that, every route is closed.
 */
@Module({})
export class GatewayModule {
  static with(parts: Pick<ModuleMetadata, 'imports' | 'providers'>): DynamicModule {
    return {
      module: GatewayModule,
      imports: parts.imports ?? [],
      controllers: [
        SubmitController,
        JobsController,
        HistoryController,
        JobDataController,
        DecisionsController,
        OffersController,
        SuspensionsController,
        PricesController,
        PriceSheetsController,
        PoliciesController,
        PolicyStepsController,
        PolicySettingsController,
        MoneyController,
        CommitmentsController,
        ApiKeysController,
        SupervisorController,
        WorkloadFilesController,
        RouterController,
      ],
      providers: [
        ...useCases,
        { provide: APP_GUARD, useClass: AdmittedGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
        ...(parts.providers ?? []),
      ],
      exports: [IssueApiKey],
    };
  }
}

/** The gateway on what a process has opened, and the server that it must run on. */
export function gatewayAssembly(
  needs: GatewayNeeds,
): Required<Pick<Assembly, 'http'>> & { readonly module: DynamicModule } {
  const { providers } = gatewayParts(needs);
  return {
    module: GatewayModule.with({ providers }),
    http: {
      adapter: gatewayAdapter,
      bodyParser: false,
      prepare: prepareHttp,
    },
  };
}

export { ADMIN_KEY_FILE, ensureAdminKey, IssueApiKey };
