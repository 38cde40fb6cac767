import type { Provider } from '@nestjs/common';
import { Messages } from '#libs/contracts';
import { Doorbell, type Queues } from '#libs/queue';
import { Clock, Ids, type Secret } from '#libs/runtime';
import {
  ApiKeys,
  Artifacts,
  Attempts,
  Budgets,
  Decisions,
  Events,
  EventSignal,
  Feeds,
  FxRates,
  Jobs,
  Logs,
  Offers,
  Prices,
  PriceSheets,
  Suspensions,
  type Storage,
} from '#libs/storage';
import { JobSecrets } from './job-secrets';
import { gatewayDefaults, GatewaySettings } from './settings';

/** Of the API; raised with its description. */
const API_VERSION = '0.1.0';

export interface GatewayNeeds {
  readonly storage: Storage;
  readonly queues: Pick<Queues, 'doorbell'>;
  readonly messages: Messages;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly serverSecret: Secret;
  readonly jobSecrets: JobSecrets;
}

/** What `GatewayModule.with` must be given, from what a process has opened. */
export function gatewayParts(needs: GatewayNeeds): {
  readonly providers: Provider[];
  readonly settings: GatewaySettings;
} {
  const { storage, queues, messages, clock, ids, serverSecret, jobSecrets } = needs;
  const settings: GatewaySettings = {
    ...gatewayDefaults,
    attemptTokenSecret: serverSecret.reveal(),
    version: API_VERSION,
  };
  return {
    settings,
    providers: [
      { provide: Jobs, useValue: storage.jobs },
      { provide: Attempts, useValue: storage.attempts },
      { provide: Events, useValue: storage.events },
      { provide: Decisions, useValue: storage.decisions },
      { provide: Offers, useValue: storage.offers },
      { provide: Suspensions, useValue: storage.suspensions },
      { provide: Feeds, useValue: storage.feeds },
      { provide: Prices, useValue: storage.prices },
      { provide: FxRates, useValue: storage.fxRates },
      { provide: PriceSheets, useValue: storage.priceSheets },
      { provide: Logs, useValue: storage.logs },
      { provide: Artifacts, useValue: storage.artifacts },
      { provide: ApiKeys, useValue: storage.apiKeys },
      { provide: Budgets, useValue: storage.budgets },
      { provide: EventSignal, useValue: storage.eventBell },
      { provide: Doorbell, useValue: queues.doorbell },
      { provide: Messages, useValue: messages },
      { provide: Clock, useValue: clock },
      { provide: Ids, useValue: ids },
      { provide: JobSecrets, useValue: jobSecrets },
      { provide: GatewaySettings, useValue: settings },
    ],
  };
}
