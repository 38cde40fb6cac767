import { asJobId, asOfferId, asProviderId } from './ids';
import type { Offer } from './offer';
import { indexSuspensions, suspensionKey, type Suspension } from './suspension';

const job = asJobId('job-1');
const offer = {
  id: asOfferId('offer-1'),
  providerId: asProviderId('aws'),
  region: 'us-east-1',
  hostId: 'h-7',
};

const suspended = (wanted: Partial<Suspension>): Suspension => ({
  scope: 'offer',
  key: suspensionKey(wanted.scope ?? 'offer', offer),
  jobId: null,
  fromMs: 0,
  untilMs: 100,
  reason: 'no-capacity',
  ...wanted,
});

const found = (...all: readonly Suspension[]) => indexSuspensions(all, job, 50).find(offer);

describe('suspensions', () => {
  it.each(['offer', 'host', 'provider-region', 'provider'] as const)(
    'of scope %s reach the offer',
    (scope) => {
      expect(found(suspended({ scope }))?.scope).toBe(scope);
      expect(found(suspended({ scope, key: 'another' }))).toBeNull();
    },
  );

  it('of a host leave alone what names none, and the like-named host of another provider', () => {
    const host = suspended({ scope: 'host' });
    const reaches = (other: Partial<Pick<Offer, 'hostId' | 'providerId'>>) =>
      indexSuspensions([host], job, 50).find({ ...offer, ...other }) !== null;
    expect(reaches({ hostId: 'h-7' })).toBe(true);
    expect(reaches({ hostId: null })).toBe(false);
    expect(reaches({ hostId: 'h-7', providerId: asProviderId('akash') })).toBe(false);
  });

  it('for one job leave the others alone', () => {
    expect(found(suspended({ scope: 'offer-for-job', jobId: job }))).not.toBeNull();
    expect(found(suspended({ scope: 'offer-for-job', jobId: asJobId('job-2') }))).toBeNull();
  });

  it('hold from their beginning to just before their end', () => {
    expect(found(suspended({ fromMs: 50, untilMs: 51 }))).not.toBeNull();
    expect(found(suspended({ fromMs: 51 }))).toBeNull();
    expect(found(suspended({ untilMs: 50 }))).toBeNull();
  });

  it('are told by the longest, and of two that end together by the same in either order', () => {
    const short = suspended({ untilMs: 60, reason: 'a' });
    const long = suspended({ scope: 'provider', untilMs: 70, reason: 'z' });
    expect(found(short, long)).toBe(long);
    expect(found(long, short)).toBe(long);
    const twin = suspended({ untilMs: 60, reason: 'b' });
    expect(found(short, twin)).toBe(short);
    expect(found(twin, short)).toBe(short);
    const wide = suspended({ scope: 'provider', untilMs: 60, reason: '0' });
    expect(found(short, wide)).toBe(wide);
  });
});
