import assert from 'node:assert/strict';
import { providerErrorKinds } from '#libs/domain';
import type { ProviderErrorKind } from '#libs/domain';
import type { Fault, RunningEmulator } from '../../emulator';
import type { ProviderError } from '../../errors';
import { SkipCheck } from '../check';
import type { Check } from '../check';
import type { ConformanceHarness } from '../harness';
import { acquireOne, callsOf, emulatorOf, refusalOf, verbs } from '../steps';

const group = 'errors';

/** Kinds for which every provider has words, whatever was asked of it. */
const knownToEveryVerb: ReadonlySet<ProviderErrorKind> = new Set<ProviderErrorKind>([
  'rate-limited',
  'unavailable',
  'credentials-rejected',
  'unmapped',
]);
/** Kinds for which every provider has words when it is asked for a lease. */
const knownToAcquire: ReadonlySet<ProviderErrorKind> = new Set<ProviderErrorKind>([
  'no-capacity',
  'request-rejected',
]);
const MAX_CAUSES = 5;

export const errorChecks: readonly Check[] = [
  ...providerErrorKinds.map((kind): Check => ({
    group,
    name: `reports ${kind} as that, whatever the verb`,
    needs: 'emulator',
    run: (harness) => reportKind(harness, kind),
  })),
  {
    group,
    name: 'works again on the call after a failed one',
    needs: 'emulator',
    run: async (harness) => {
      const { request } = await acquireOne(harness);
      const calls = callsOf(harness, request);
      for (const verb of verbs) {
        emulatorOf(harness).inject({ verb, when: 'before', as: 'unavailable' });
        await refusalOf(calls[verb]());
        await calls[verb]();
      }
    },
  },
];

async function reportKind(harness: ConformanceHarness, kind: ProviderErrorKind): Promise<void> {
  const emulator = emulatorOf(harness);
  const { request } = await acquireOne(harness);
  const calls = callsOf(harness, request);
  const asked = verbs.filter((verb) => injected(emulator, verb, kind));
  if (asked.length === 0) throw new SkipCheck(`the provider has no words for ${kind}`);
  for (const verb of asked) {
    const error = await refusalOf(calls[verb]());
    assert.equal(error.kind, kind, `${verb} reported ${error.kind}: ${error.message}`);
    assertSafe(error, harness.secrets);
    assertRetryAfter(error);
  }
}

/** Whether the emulator could arrange the fault; it must be able to where every provider has words for it. */
function injected(
  emulator: RunningEmulator,
  verb: Fault['verb'],
  kind: ProviderErrorKind,
): boolean {
  try {
    emulator.inject({ verb, when: 'before', as: kind });
    return true;
  } catch (error) {
    const isDue = knownToEveryVerb.has(kind) || (verb === 'acquire' && knownToAcquire.has(kind));
    if (isDue) throw error;
    return false;
  }
}

function assertSafe(error: ProviderError, secrets: readonly string[]): void {
  assert.ok(error.message !== '', 'an error says something');
  const shown = [error.providerCode ?? '', ...textsOf(error)].join('\n');
  for (const secret of secrets) {
    assert.ok(!shown.includes(secret), `a credential shows in an error of kind ${error.kind}`);
  }
}

/** The texts of an error and its causes; by shape, since errors of the platform need not come from this realm. */
function textsOf(error: unknown, depth = 0): readonly string[] {
  if (typeof error !== 'object' || error === null || depth === MAX_CAUSES) return [];
  const { message = '', stack = '', cause }: Partial<Error> = error;
  return [String(message), String(stack), ...textsOf(cause, depth + 1)];
}

function assertRetryAfter({ kind, retryAfterMs }: ProviderError): void {
  if (retryAfterMs === null) return;
  assert.ok(
    Number.isSafeInteger(retryAfterMs) && retryAfterMs >= 0,
    `retryAfterMs ${retryAfterMs}`,
  );
  assert.ok(kind === 'rate-limited' || kind === 'unavailable', `${kind} has a retryAfterMs`);
}
