import { anAttempt, anOffer, aSpec, BUILT_AT_MS } from '#libs/testkit';
import type { Attempt } from './attempt';
import { usd } from './money';
import { checkpointAtOf, transfersOf } from './transfers';

const outputs = [
  { path: 'a', sizeGb: 10, dataClass: 'public' },
  { path: 'b', sizeGb: 4, dataClass: 'public', location: 'acme/south' },
] as const;
const spec = aSpec({ outputs, checkpoint: { path: 'c', intervalMs: 1, sizeGb: 20 } });
const offer = anOffer({ country: 'US', egressPerGb: usd(0.09) });

const attempt = (round: number, wanted: Partial<Attempt> = {}): Attempt => ({
  ...anAttempt({ id: `att-${round}`, jobId: 'job-1', offer }),
  round,
  phase: 'released',
  outcome: 'interrupted',
  report: {
    ...anAttempt({ id: 'a', jobId: 'b' }).report,
    startedAtMs: BUILT_AT_MS + round,
  },
  ...wanted,
});

const moved = (one: Attempt, all: readonly Attempt[]) =>
  transfersOf(one, all, spec).map(({ attempt: { id }, kind, gb, amount }) => [
    id,
    kind,
    gb,
    amount,
  ]);

describe('data that has moved', () => {
  it('is the outputs of an attempt that succeeded, each by where it goes', () => {
    const last = attempt(1, { outcome: 'succeeded' });
    expect(moved(last, [last])).toEqual([['att-1', 'outputs', 14, usd(0.9 + 0.08)]]);
    expect(moved(attempt(1), [attempt(1)])).toEqual([]);
  });

  it('is the checkpoint, charged where it was left, once something runs elsewhere', () => {
    const other = attempt(2, { offer: anOffer({ providerId: 'zeta' }) });
    expect(moved(other, [attempt(1), other])).toEqual([['att-1', 'checkpoint', 20, usd(1.8)]]);
    const same = attempt(2);
    expect(moved(same, [attempt(1), same])).toEqual([]);
    const neverRan = { ...other, report: { ...other.report, startedAtMs: null } };
    expect(moved(neverRan, [attempt(1), neverRan])).toEqual([]);
  });

  it('is told once for a gang', () => {
    const node = attempt(1, { outcome: 'succeeded', role: 'node', slot: 1 });
    expect(moved(node, [node])).toEqual([]);
  });

  it('leaves a checkpoint with the last attempt that ran', () => {
    const elsewhere = attempt(2, { offer: anOffer({ providerId: 'zeta', region: 'west' }) });
    const refused = attempt(3, { report: { ...elsewhere.report, startedAtMs: null } });
    expect(checkpointAtOf([attempt(1), elsewhere, refused], spec)).toBe('zeta/west');
    expect(checkpointAtOf([], spec)).toBeNull();
    expect(checkpointAtOf([attempt(1)], aSpec({}))).toBeNull();
  });
});
