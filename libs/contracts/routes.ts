import type { Route } from './route';
import { jobRoutes } from './routes-jobs';
import { costRoutes } from './routes-costs';
import { platformRoutes } from './routes-platform';
import { priceRoutes } from './routes-prices';
import { policyRoutes } from './routes-policies';
import { supervisorRoutes } from './routes-supervisor';

/** Every operation of the API. What is not here cannot be called. */
export const routes: readonly Route[] = [
  ...jobRoutes,
  ...policyRoutes,
  ...priceRoutes,
  ...costRoutes,
  ...platformRoutes,
  ...supervisorRoutes,
];
