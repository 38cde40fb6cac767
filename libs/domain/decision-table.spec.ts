import { renderDecisionTable } from './decision-table';
import { decide } from './decide';
import { renderRejection, remedies, summarise } from './explain';
import type { Rejection } from './decision';
import { asOfferId } from './ids';
import type { JobSpec } from './job';
import { microUsd, usd } from './money';
import type { Offer } from './offer';
import type { CompiledRule } from './policy';
import { jobOf, offerOf } from './testing/job';

const owned: CompiledRule = {
  id: 'acme/certified',
  because: 'auditors ask for it',
  effect: 'require',
  applies: () => true,
  holds: (_job, { certifications }) => certifications.length > 0,
};

const offers: readonly Offer[] = [
  offerOf({ id: asOfferId('nimbus/north/small/on-demand'), certifications: ['soc2'] }),
  offerOf({
    id: asOfferId('nimbus/north/large/on-demand'),
    certifications: ['soc2'],
    pricePerHour: usd(12.5),
  }),
  offerOf({ id: asOfferId('nimbus/south/small/spot'), available: false, interruptible: true }),
];

const tableOf = (wanted: Partial<JobSpec>, ranked = 20): string => {
  const policy = { version: 'acme@1', rules: [owned], preferences: {} };
  const input = { policy, offers, health: {}, suspensions: [], nowMs: 0 };
  const decision = decide({ ...input, job: jobOf(wanted) });
  return renderDecisionTable(summarise(decision, { ranked, nearestMisses: 10, awaited: 10 }));
};

it('shows the chosen offer, what each cost consists of, the refused ones and the rules that spoke', () => {
  expect(tableOf({ interruptible: false })).toBe(
    [
      '   offer                         price/h    expected  consists of',
      '✓  nimbus/north/small/on-demand    $1.00   $1.021193  run $1.00 + interruption $0.000517 + start-up $0.016667 + waiting $0.000938 + provider-failure $0.003071',
      '2  nimbus/north/large/on-demand   $12.50  $12.754123  run $12.50 + interruption $0.006462 + start-up $0.208333 + waiting $0.000938 + provider-failure $0.03839',
      '',
      'refused: 1 (interruption-not-tolerated 1, policy-requires 1, unavailable 1)',
      '✗  nimbus/south/small/spot  $1.00  sold out at the moment; may be interrupted, and the job does not tolerate that; does not meet acme/certified',
      '',
      'rules:',
      '   acme/certified: auditors ask for it',
    ].join('\n'),
  );
});

it('says how many offers it leaves out, and when none can serve', () => {
  expect(tableOf({}, 1)).toContain('\n   and 1 more dearer\n');
  expect(tableOf({ confidential: true })).toMatch(/^no offer can serve this job\n\nrefused: 3 /);
});

describe('a rejection in words', () => {
  it.each<[Rejection, string]>([
    [
      { code: 'suspended', scope: 'offer', untilMs: 0, reason: 'no-capacity' },
      'suspended until 1970-01-01T00:00:00.000Z: no-capacity',
    ],
    [{ code: 'gpu-mismatch', want: 'H100:8', have: 'none' }, 'needs H100:8, has no GPU'],
    [{ code: 'cpus-out-of-range', min: 4, max: null, have: 2 }, 'needs at least 4 CPUs, has 2'],
    [
      { code: 'memory-out-of-range', minGib: 4, maxGib: 8, haveGib: 2 },
      'needs 4 to 8 GiB of memory, has 2',
    ],
    [
      { code: 'residency-violated', allowed: ['DE', 'FR'], have: null },
      'must stay in DE, FR, is in an unknown country',
    ],
    [
      { code: 'sla-too-weak', wantBps: 9_990, haveBps: null },
      'needs 99.9 % contractual availability, promises none',
    ],
    [
      { code: 'price-too-high', maxPerHour: usd(1), havePerHour: usd(2) },
      'costs $2.00/h, above $1.00/h',
    ],
    [
      { code: 'cost-over-budget', left: microUsd(0), expected: usd(3) },
      'costs $3.00 even if nothing goes wrong, $0.00 of the budget is left',
    ],
    [
      { code: 'deadline-at-risk', chanceBps: 1_250, toleratedBps: 500 },
      'misses the deadline with a chance of 12.5 %, 5 % is allowed',
    ],
    [
      { code: 'work-would-be-lost', expectedLosses: 2.5 },
      'expects 2.5 interruptions, and the job has no checkpoint to resume from',
    ],
    [{ code: 'policy-forbids', ruleId: 'a/b', because: 'so' }, 'forbidden by a/b: so'],
    [{ code: 'policy-requires', ruleId: 'a/b', because: 'so' }, 'does not meet a/b: so'],
  ])('%j', (reason, words) => {
    expect(renderRejection(reason)).toBe(words);
    expect(remedies[reason.code]).not.toBe('');
  });
});
