import { loopTerms } from '#apps/dispatcher/loop-terms';
import type { ProviderDescriptor } from '#libs/provider-kit';
import { code, duration, generatedFrom, table } from './markdown';

type Row = readonly [string, (descriptor: ProviderDescriptor) => string];

const asDeclared: readonly Row[] = [
  ['kind', ({ kind }) => kind],
  ['a lease is', ({ runs }) => (runs === 'vm' ? 'a machine that boots user data' : 'a container')],
  [
    'a finished workload',
    ({ restartsWorkload }) =>
      restartsWorkload ? 'is started again, so the supervisor idles' : 'stays finished',
  ],
  ['a repeated acquire finds the first by', ({ idempotency }) => code(idempotency)],
  ['reads may lag behind writes by', ({ quietMs }) => duration(quietMs)],
  ['one call takes at most', ({ callTimeoutMs }) => duration(callTimeoutMs)],
  [
    'calls',
    ({ rateLimit: { perSecond, burst, concurrency } }) =>
      `${perSecond}/s, bursts of ${burst}, ${concurrency} at a time`,
  ],
  [
    'billed per',
    ({ billing: { incrementMs, minimumMs } }) =>
      `${duration(incrementMs)}, at least ${duration(minimumMs)}`,
  ],
  ['settled in', ({ settlementCurrency }) => settlementCurrency],
  [
    'notice of an interruption',
    ({ interruptionNoticeMs: ms }) => (ms === 0 ? 'none' : duration(ms)),
  ],
  ['can prove', ({ proves }) => (proves.length === 0 ? 'nothing' : proves.join(', '))],
  ['shows logs', ({ offers }) => (offers.readLogs ? 'yes' : 'no, the supervisor ships them')],
];

const asDispatched: readonly Row[] = [
  [
    'a lost acquire is',
    (descriptor) =>
      loopTerms(descriptor).repeatable ? 'repeated at once' : 'looked for first, then repeated',
  ],
  ['absence is believed after', (descriptor) => duration(loopTerms(descriptor).quietMs)],
  [
    'a live lease is looked at every',
    (descriptor) => duration(loopTerms(descriptor).observeEveryMs),
  ],
  ['a start is given up after', (descriptor) => duration(loopTerms(descriptor).startLimitMs)],
  ['silence is given up after', (descriptor) => duration(loopTerms(descriptor).silenceLimitMs)],
];

/** One provider as its descriptor declares it, and what follows for the dispatch loop. */
export function providerPage(descriptor: ProviderDescriptor): string {
  const rows = (of: readonly Row[]): readonly (readonly string[])[] =>
    of.map(([name, say]) => [name, say(descriptor)]);
  return [
    `# ${descriptor.displayName}`,
    generatedFrom('the descriptor'),
    `Set-up, behaviour and open questions: [libs/providers/${descriptor.id}](../../libs/providers/${descriptor.id}/README.md).`,
    '## Declared',
    table(['', code(descriptor.id)], rows(asDeclared)),
    '## What follows for the loop',
    table(['', code(descriptor.id)], rows(asDispatched)),
  ].join('\n\n');
}
