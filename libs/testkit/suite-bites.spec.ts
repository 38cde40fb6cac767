import type { Offer } from '#libs/domain';
import type { CheckGroup } from '#libs/provider-kit/testing';
import {
  checkGroups,
  conformanceChecks,
  emulatedHarness,
  tryCheck,
} from '#libs/provider-kit/testing';
import type { Idempotency, LeaseObservation, ProviderAdapter } from '#libs/provider-kit';
import { asAttemptId, asOfferId, microUsd } from '#libs/domain';
import { ProviderError, unknownLease } from '#libs/provider-kit';
import { fakeDescriptor } from './fake-cloud-core';
import { memoryPlugin } from './memory-plugin';

type Breakage = (right: ProviderAdapter) => Partial<ProviderAdapter>;

interface Broken {
  readonly fault: string;
  readonly breakIt: Breakage;
  /** The groups that must notice; others may as well. */
  readonly noticedBy: readonly CheckGroup[];
}

/** Each calls the right adapter and gets one thing wrong. */
const brokenAdapters: readonly Broken[] = [
  {
    fault: 'makes a new lease for a repeated key',
    breakIt: (right) => {
      const keys = new Map<string, number>();
      const newKey = (key: string): string => {
        const uses = (keys.get(key) ?? 0) + 1;
        keys.set(key, uses);
        return uses === 1 ? key : `${key}-${uses}`;
      };
      return {
        acquire: (request, ctx) =>
          right.acquire({ ...request, leaseKey: asAttemptId(newKey(request.leaseKey)) }, ctx),
      };
    },
    noticedBy: ['acquire'],
  },
  {
    fault: 'throws on absence',
    breakIt: (right) => ({
      observe: async (ref, ctx) => {
        const seen = await right.observe(ref, ctx);
        if (seen.state === 'gone') throw new ProviderError('request-rejected', 'not found');
        return seen;
      },
    }),
    noticedBy: ['observe', 'release'],
  },
  {
    fault: 'hides sold-out offers',
    breakIt: (right) => ({
      listOffers: async (ctx) => (await right.listOffers(ctx)).filter((o) => o.available),
    }),
    noticedBy: ['offers'],
  },
  {
    fault: 'gives offers new ids with each call',
    breakIt: (right) => {
      let calls = 0;
      return {
        listOffers: async (ctx) => {
          calls += 1;
          return (await right.listOffers(ctx)).map((offer) => ({
            ...offer,
            id: asOfferId(`${offer.id}-${calls}`),
          }));
        },
      };
    },
    noticedBy: ['offers'],
  },
  {
    fault: 'gives prices in fractions',
    breakIt: (right) => ({
      listOffers: async (ctx) =>
        (await right.listOffers(ctx)).map((offer): Offer => {
          const pricePerHour: unknown = 0.2;
          return Object.assign({}, offer, { pricePerHour });
        }),
    }),
    noticedBy: ['offers'],
  },
  {
    fault: 'says that it released and does not',
    breakIt: () => ({ release: (ref) => Promise.resolve(unknownLease(ref.leaseKey)) }),
    noticedBy: ['release', 'listLeases'],
  },
  {
    fault: 'retries a failed call',
    breakIt: (right) => ({
      listOffers: (ctx) => right.listOffers(ctx).catch(() => right.listOffers(ctx)),
    }),
    noticedBy: ['errors', 'manners'],
  },
  {
    fault: 'lets other errors out',
    breakIt: (right) => ({
      listLeases: (ctx) =>
        right.listLeases(ctx).catch((error: unknown) => {
          throw new TypeError(String(error));
        }),
    }),
    noticedBy: ['errors', 'manners'],
  },
  {
    fault: 'calls every error unavailable',
    breakIt: (right) => ({
      acquire: (request, ctx) =>
        right.acquire(request, ctx).catch(() => {
          throw new ProviderError('unavailable', 'something went wrong');
        }),
    }),
    noticedBy: ['acquire', 'errors'],
  },
  {
    fault: 'ignores the price limit',
    breakIt: (right) => ({
      acquire: (request, ctx) =>
        right.acquire(
          {
            ...request,
            limits: { ...request.limits, maxPricePerHour: microUsd(Number.MAX_SAFE_INTEGER) },
          },
          ctx,
        ),
    }),
    noticedBy: ['acquire'],
  },
  {
    fault: 'reads one page of leases',
    breakIt: (right) => ({
      listLeases: async (ctx) => (await right.listLeases(ctx)).slice(0, 10),
    }),
    noticedBy: ['listLeases'],
  },
  {
    fault: 'needs the external id to find a lease',
    breakIt: (right) => ({
      observe: async (ref, ctx) =>
        ref.externalId === null ? unknownLease(ref.leaseKey) : right.observe(ref, ctx),
    }),
    noticedBy: ['observe'],
  },
  {
    fault: 'forgets why a lease ended',
    breakIt: (right) => ({
      observe: async (ref, ctx): Promise<LeaseObservation> => ({
        ...(await right.observe(ref, ctx)),
        cause: null,
      }),
    }),
    noticedBy: ['observe'],
  },
  {
    fault: 'pays no heed to an aborted signal',
    breakIt: (right) => ({
      acquire: (request, ctx) =>
        right.acquire(request, { ...ctx, signal: new AbortController().signal }),
    }),
    noticedBy: ['manners'],
  },
  {
    fault: 'leaves a timer after each call',
    breakIt: (right) => ({
      observe: (ref, ctx) => {
        setTimeout(() => undefined, 500);
        return right.observe(ref, ctx);
      },
    }),
    noticedBy: ['manners'],
  },
  {
    fault: 'offers logs that it does not declare',
    breakIt: () => ({ readLogs: () => Promise.resolve('') }),
    noticedBy: ['declarations'],
  },
  {
    fault: 'declares that a start takes no time',
    breakIt: (right) => ({ descriptor: { ...right.descriptor, startLimitMs: 0 } }),
    noticedBy: ['declarations'],
  },
];

/** Short, since a broken adapter may well hang. */
const BOUND_MS = 3_000;

/** The groups in which at least one check fails. */
async function groupsThatNotice(
  breakIt: Breakage,
  among: readonly CheckGroup[],
  idempotency: Idempotency = fakeDescriptor.idempotency,
): Promise<readonly CheckGroup[]> {
  const descriptor = { ...fakeDescriptor, idempotency };
  const makeHarness = emulatedHarness(memoryPlugin({ descriptor }), {
    unseenWorkloads: 'the in-memory cloud runs no workloads',
    speaksHttp: false,
    patienceMs: 200,
    wrap: (right) => ({ ...delegate(right), ...breakIt(right) }),
  });
  const checks = conformanceChecks.filter(({ group }) => among.includes(group));
  const outcomes = await Promise.all(
    checks.map((check) => tryCheck(check, descriptor, makeHarness, BOUND_MS)),
  );
  const failed = outcomes.filter(({ status }) => status === 'failed').map(({ group }) => group);
  return checkGroups.filter((group) => failed.includes(group));
}

/** The adapter's verbs as a plain object, so that single ones can be replaced. */
function delegate(right: ProviderAdapter): ProviderAdapter {
  return {
    descriptor: right.descriptor,
    listOffers: (ctx) => right.listOffers(ctx),
    acquire: (request, ctx) => right.acquire(request, ctx),
    observe: (ref, ctx) => right.observe(ref, ctx),
    release: (ref, ctx) => right.release(ref, ctx),
    listLeases: (ctx) => right.listLeases(ctx),
  };
}

describe('the conformance suite notices an adapter that', () => {
  it.each(brokenAdapters)('$fault', async ({ breakIt, noticedBy }) => {
    expect(await groupsThatNotice(breakIt, noticedBy)).toEqual(
      checkGroups.filter((group) => noticedBy.includes(group)),
    );
  });

  it('nothing is wrong with: it passes', async () => {
    expect(await groupsThatNotice(() => ({}), checkGroups)).toEqual([]);
  });
});
