import type { Route } from './route';
import { jobRoutes } from './routes-jobs';
import { platformRoutes } from './routes-platform';
import { supervisorRoutes } from './routes-supervisor';

/** Every operation of the API. What is not here cannot be called. */
export const routes: readonly Route[] = [...jobRoutes, ...platformRoutes, ...supervisorRoutes];
