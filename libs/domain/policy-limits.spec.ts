import { asJobId } from './ids';
import { usd } from './money';
import type { Offer } from './offer';
import {
  circumstances,
  NO_PROFILE,
  type CompiledLimit,
  type LimitMaxima,
  type LimitUsage,
  type ProfileInForce,
} from './policy';
import { countsUsage, limitRefusals, usageOf, type LeasedOffer } from './policy-limits';
import { temporaryRejections } from './decision';
import { renderRejection } from './explain';
import { jobOf, offerOf } from './testing/job';

const NOW_MS = 1_800_000_000_000;

const offer = (wanted: Partial<Offer> = {}): Offer =>
  offerOf({
    providerKind: 'decentralised',
    gpu: { model: 'H100', count: 4, memoryGib: 80, interconnect: 'any' },
    pricePerHour: usd(10),
    ...wanted,
  });

const limit = (
  maxima: LimitMaxima,
  covers: CompiledLimit['covers'] = () => true,
): CompiledLimit => ({
  id: 'acme/cap',
  because: 'so',
  applies: () => true,
  covers,
  maxima,
});

const usage = (held: Partial<LimitUsage>): LimitUsage => ({
  jobs: 0,
  gpus: 0,
  spendPerHour: usd(0),
  tokenSpendPerHour: usd(0),
  ...held,
});

const refusalsOf = (
  maxima: LimitMaxima,
  about: Offer = offer(),
  held: Partial<LimitUsage> = {},
  profile: ProfileInForce = NO_PROFILE,
) =>
  limitRefusals(about, {
    job: jobOf({}),
    around: circumstances(NOW_MS, {}),
    limits: [limit(maxima)],
    usage: { 'acme/cap': usage(held) },
    profile,
  });

const inTokens = offer({ settlementToken: 'TOKEN' });

describe('a limit', () => {
  it.each<[string, LimitMaxima, Offer, Partial<LimitUsage>, string | null]>([
    ['price within', { maxPricePerHour: usd(10) }, offer(), {}, null],
    ['price above', { maxPricePerHour: usd(9.99) }, offer(), {}, 'limit-exceeded'],
    ['GPUs within', { maxGpus: 8 }, offer(), { gpus: 4 }, null],
    ['GPUs above with those held', { maxGpus: 8 }, offer(), { gpus: 5 }, 'limit-reached'],
    ['GPUs above by themselves', { maxGpus: 3 }, offer(), {}, 'limit-exceeded'],
    ['no GPUs at all', { maxGpus: 0 }, offer({ gpu: null }), { gpus: 9 }, null],
    ['jobs within', { maxJobs: 3 }, offer(), { jobs: 2 }, null],
    ['jobs above', { maxJobs: 3 }, offer(), { jobs: 3 }, 'limit-reached'],
    ['no jobs allowed', { maxJobs: 0 }, offer(), {}, 'limit-exceeded'],
    [
      'token spend within',
      { maxTokenSpendPerHour: usd(15) },
      inTokens,
      { tokenSpendPerHour: usd(5) },
      null,
    ],
    [
      'token spend above',
      { maxTokenSpendPerHour: usd(14) },
      inTokens,
      { tokenSpendPerHour: usd(5) },
      'limit-reached',
    ],
    [
      'token spend of an offer in fiat',
      { maxTokenSpendPerHour: usd(1) },
      offer(),
      { tokenSpendPerHour: usd(5) },
      null,
    ],
    ['token share within', { maxTokenShareBps: 5_000 }, inTokens, { spendPerHour: usd(10) }, null],
    [
      'token share above',
      { maxTokenShareBps: 4_999 },
      inTokens,
      { spendPerHour: usd(10) },
      'limit-reached',
    ],
    ['token share of an offer in fiat', { maxTokenShareBps: 0 }, offer(), {}, null],
    [
      'token share below the allowance',
      { maxTokenShareBps: 0, tokenAllowancePerHour: usd(10) },
      inTokens,
      {},
      null,
    ],
  ])('%s', (_reason, maxima, about, held, code) => {
    const reasons = refusalsOf(maxima, about, held);
    expect(reasons.map((reason) => reason.code)).toEqual(code === null ? [] : [code]);
  });

  it('says its numbers, and passes when others end', () => {
    const [reason] = refusalsOf({ maxGpus: 8 }, offer(), { gpus: 6 });
    if (reason === undefined) throw new Error('nothing was refused');
    expect(reason).toEqual({
      code: 'limit-reached',
      ruleId: 'acme/cap',
      because: 'so',
      measure: 'gpus',
      max: 8,
      have: 10,
    });
    expect(renderRejection(reason)).toContain('10 GPUs where 8 GPUs are allowed: so');
    expect(temporaryRejections.has('limit-reached')).toBe(true);
    expect(temporaryRejections.has('limit-exceeded')).toBe(false);
  });

  it('refuses by each of its maxima', () => {
    expect(refusalsOf({ maxPricePerHour: usd(1), maxJobs: 0 })).toHaveLength(2);
  });

  it('leaves alone what it does not cover', () => {
    const uncovered = limit({ maxPricePerHour: usd(1) }, (_job, { country }) => country === 'DE');
    const input = {
      job: jobOf({}),
      around: circumstances(NOW_MS, {}),
      usage: {},
      profile: NO_PROFILE,
    };
    expect(limitRefusals(offer(), { ...input, limits: [uncovered] })).toEqual([]);
  });
});

describe('what a project holds', () => {
  const held: readonly LeasedOffer[] = [
    { jobId: asJobId('a'), offer: offer({ settlementToken: 'TOKEN' }), leases: 2 },
    { jobId: asJobId('a'), offer: offer({ gpu: null, country: 'DE' }), leases: 1 },
    { jobId: asJobId('b'), offer: offer({ country: 'DE', settlementToken: 'TOKEN' }), leases: 1 },
  ];

  it('is counted for each limit, of what it covers; the spend is that of all', () => {
    const inGermany = limit({ maxJobs: 1 }, (_job, { country }) => country === 'DE');
    const around = circumstances(NOW_MS, {});
    expect(
      usageOf([inGermany, limit({ maxPricePerHour: usd(1) })], jobOf({}), held, around),
    ).toEqual({
      'acme/cap': { jobs: 2, gpus: 4, spendPerHour: usd(40), tokenSpendPerHour: usd(10) },
    });
  });

  it('matters to limits on more than the price', () => {
    expect(countsUsage(limit({ maxPricePerHour: usd(1) }))).toBe(false);
    expect(countsUsage(limit({ maxTokenShareBps: 1 }))).toBe(true);
  });
});

describe('a profile', () => {
  const spot = offer({ interruptible: true, market: 'spot' });
  const uses = (use: 'allowed' | 'with-checkpoint' | 'never'): ProfileInForce => ({
    ...NO_PROFILE,
    interruptible: { use, id: 'acme/profiles/general' },
  });
  const reliable = (bps: number): ProfileInForce => ({
    ...NO_PROFILE,
    minReliability: { bps, id: 'acme/profiles/general' },
  });

  it.each<[string, ProfileInForce, Offer, boolean]>([
    ['that allows interruptions', uses('allowed'), spot, false],
    ['that wants checkpoints, of a job without', uses('with-checkpoint'), spot, true],
    ['that wants none', uses('never'), spot, true],
    ['that wants none, of a steady offer', uses('never'), offer(), false],
    ['that wants more than is assumed of spot', reliable(9_900), spot, true],
    ['that wants less than is assumed of spot', reliable(5_000), spot, false],
  ])('%s', (_reason, profile, about, isRefused) => {
    const reasons = refusalsOf({}, about, {}, profile);
    expect(reasons.map((reason) => reason.code)).toEqual(isRefused ? ['policy-requires'] : []);
  });
});
