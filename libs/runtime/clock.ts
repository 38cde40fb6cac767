import type { IdKind } from '#libs/domain';

/** Time as a port: epoch milliseconds. Only the composition root knows the real one. */
export abstract class Clock {
  abstract nowMs(): number;
}

/** New identifiers as a port: `job-…`, `att-…`, `dec-…`; sortable by time where the real one is used. */
export abstract class Ids {
  abstract next(kind: IdKind): string;
}
