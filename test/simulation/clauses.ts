import { asAttemptId, type Attempt, type AttemptId } from '#libs/domain';
import type { CallContext, LeaseRequest, ProviderAdapter } from '#libs/provider-kit';
import type { Attempts, Stores } from '#libs/storage';
import type { SimulatedCloud } from './clouds';
import { gated, type Worker } from './workers';
import type { Clause, Scene } from './scene';

export interface Tampered {
  readonly stores: Stores;
  /** What the dispatch loop writes attempts through. */
  readonly dispatchAttempts: Attempts;
  readonly adapter: (cloud: SimulatedCloud) => ProviderAdapter;
}

/** The worker's view of stores and clouds, with the dropped clauses taken out of it. (`sweep` and `wait-quiet` are dropped where they are set up.) */
export function clausesIn(world: Scene, plain: Stores, worker: Worker): Tampered {
  const drops = (clause: Clause): boolean => world.dropped.has(clause);
  const stores = gatedStores(plain, worker);
  const refusalsTrusted = drops('confirm-refusals')
    ? trustRefusals(stores.attempts)
    : stores.attempts;
  return {
    stores,
    dispatchAttempts: drops('write-ahead') ? writeBehind(refusalsTrusted) : refusalsTrusted,
    adapter: (cloud) => (drops('stable-key') ? freshKeys(cloud) : cloud),
  };
}

function gatedStores(plain: Stores, worker: Worker): Stores {
  return {
    jobs: gated(plain.jobs, worker),
    attempts: gated(plain.attempts, worker),
    suspensions: gated(plain.suspensions, worker),
    events: gated(plain.events, worker),
    decisions: gated(plain.decisions, worker),
    offers: gated(plain.offers, worker),
    health: gated(plain.health, worker),
    supply: gated(plain.supply, worker),
    costEntries: gated(plain.costEntries, worker),
    policies: gated(plain.policies, worker),
    calibrations: gated(plain.calibrations, worker),
    commitments: gated(plain.commitments, worker),
    feeds: gated(plain.feeds, worker),
    prices: gated(plain.prices, worker),
    fxRates: gated(plain.fxRates, worker),
    priceSheets: gated(plain.priceSheets, worker),
  };
}

/** Without *confirm every refusal*: an error from acquire is taken at its word, and the attempt is over. */
function trustRefusals(attempts: Attempts): Attempts {
  return overriding(attempts, (next, change, update) => {
    if (next.phase !== 'confirming') return update(next, change);
    const over = {
      ...next,
      phase: 'released' as const,
      outcome: 'refused' as const,
      billedFromMs: null,
      dueAtMs: null,
    };
    return update(over, { ...change, wakeJob: true });
  });
}

/** Without *write ahead*: the step into `acquiring` and the mark before the call are kept in the worker's memory until the call has returned. */
function writeBehind(attempts: Attempts): Attempts {
  const unwritten = new Map<AttemptId, Attempt>();
  const proxy = overriding(attempts, async (next, change, update) => {
    const isAhead = next.phase === 'acquiring' && next.failedCalls === 0 && next.outcome === null;
    if (isAhead && change.suspensions.length === 0) {
      unwritten.set(next.id, next);
      return { ...next };
    }
    unwritten.delete(next.id);
    return update(next, change);
  });
  return new Proxy(proxy, {
    get(object, name) {
      if (name === 'get') {
        return async (id: AttemptId): Promise<Attempt | null> => {
          const stored = await attempts.get(id);
          const mine = unwritten.get(id);
          return mine !== undefined && stored?.revision === mine.revision ? mine : stored;
        };
      }
      return Reflect.get(object, name, object) as unknown;
    },
  });
}

/** Without a *stable key*: every acquire call makes up its own, so that a repeat finds nothing. */
function freshKeys(cloud: SimulatedCloud): ProviderAdapter {
  let calls = 0;
  return new Proxy<ProviderAdapter>(cloud, {
    get(object, name) {
      if (name !== 'acquire') {
        const member: unknown = Reflect.get(object, name, object);
        return typeof member === 'function' ? (member.bind(object) as unknown) : member;
      }
      return (request: LeaseRequest, ctx: CallContext) => {
        calls += 1;
        return cloud.acquireAs(asAttemptId(`${request.leaseKey}#${calls}`), request, ctx);
      };
    },
  });
}

type Update = Attempts['update'];

function overriding(
  attempts: Attempts,
  update: (next: Attempt, change: Parameters<Update>[1], real: Update) => Promise<Attempt>,
): Attempts {
  const real: Update = (next, change) => attempts.update(next, change);
  return new Proxy(attempts, {
    get(object, name) {
      if (name === 'update')
        return (next: Attempt, change: Parameters<Update>[1]) => update(next, change, real);
      const member: unknown = Reflect.get(object, name, object);
      return typeof member === 'function' ? (member.bind(object) as unknown) : member;
    },
  });
}
