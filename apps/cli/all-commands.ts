import type { AddCommand } from './command';
import { addBudgets } from './commands/budgets';
import { addCancel } from './commands/cancel';
import { addCalibration, addCommitments } from './commands/commitments';
import { addCompletion } from './commands/completion';
import { addCosts } from './commands/costs';
import { addFeeds } from './commands/feeds';
import { addFollow } from './commands/follow';
import { addKeys } from './commands/keys';
import { addLogs } from './commands/logs';
import { addLs } from './commands/ls';
import { addOffers } from './commands/offers';
import { addPlan } from './commands/plan';
import { addPolicies } from './commands/policies';
import { addProviders } from './commands/providers';
import { addRetry } from './commands/retry';
import { addSubmit } from './commands/submit';
import { addWhy } from './commands/why';

/** Every command, in the order of the help. */
export const allCommands: readonly AddCommand[] = [
  addPlan,
  addSubmit,
  addFollow,
  addLs,
  addWhy,
  addLogs,
  addCancel,
  addRetry,
  addOffers,
  addFeeds,
  addPolicies,
  addCosts,
  addBudgets,
  addCommitments,
  addCalibration,
  addProviders,
  addKeys,
  addCompletion,
];
