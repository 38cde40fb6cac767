import { describeAdapterConformance, emulatedHarness } from '#libs/provider-kit/testing';
import type { Idempotency } from '#libs/provider-kit';
import { fakeDescriptor } from './fake-cloud-core';
import { memoryPlugin } from './memory-plugin';

const unlikeAProcess = {
  unseenWorkloads: 'the in-memory cloud runs no workloads',
  speaksHttp: false,
};

describe.each(['client-token', 'deterministic-name', 'tag-lookup'] satisfies Idempotency[])(
  'with idempotency by %s',
  (idempotency) => {
    const descriptor = { ...fakeDescriptor, idempotency };
    describeAdapterConformance(
      descriptor,
      emulatedHarness(memoryPlugin({ descriptor }), unlikeAProcess),
    );
  },
);
