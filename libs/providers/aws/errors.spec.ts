import { EC2ServiceException } from '@aws-sdk/client-ec2';
import type { ProviderErrorKind } from '#libs/domain';
import { ProviderError } from '#libs/provider-kit';
import { asProviderError } from './errors';

function answer(name: string, httpStatusCode: number, message = 'words'): EC2ServiceException {
  return new EC2ServiceException({
    name,
    message,
    $fault: 'client',
    $metadata: { httpStatusCode },
  });
}

function named(name: string): Error {
  return Object.assign(new Error('words'), { name });
}

/** As the SDK leaves it when it sent a request and no answer came. */
function sent(error: Error): Error {
  return Object.assign(error, { $metadata: { attempts: 1 } });
}

it.each<[unknown, ProviderErrorKind, string]>([
  [
    answer('InsufficientInstanceCapacity', 500),
    'no-capacity',
    'a full zone answers 500 and is still no outage',
  ],
  [answer('Unsupported', 400), 'no-capacity', 'the type is not in this zone'],
  [answer('SpotMaxPriceTooLow', 400), 'price-moved', 'the ceiling is the limit'],
  [answer('VcpuLimitExceeded', 400), 'quota-exceeded', 'quota of the account'],
  [answer('RequestLimitExceeded', 503), 'rate-limited', 'throttled'],
  [answer('InternalError', 500), 'unavailable', 'may pass'],
  [answer('OptInRequired', 401), 'credentials-rejected', 'the account is not ready'],
  [answer('InvalidAMIID.NotFound', 400), 'request-rejected', 'wrong configuration'],
  [answer('IdempotentParameterMismatch', 400), 'request-rejected', 'a token was used twice'],
  [answer('InvalidAction', 400), 'unsupported', 'our bug'],
  [answer('NeverHeardOf', 502), 'unavailable', 'any 5xx may pass'],
  [answer('NeverHeardOf', 400), 'unmapped', 'nobody knows what it means'],
  [named('AbortError'), 'unavailable', 'the time was up'],
  [named('TimeoutError'), 'unavailable', 'the time was up'],
  [sent(named('Error')), 'unavailable', 'nobody listens'],
  [sent(named('CredentialsProviderError')), 'credentials-rejected', 'no keys were found'],
  [named('TypeError'), 'unmapped', 'a defect, which must not leave in another shape'],
  ['a text', 'unmapped', 'not even an error'],
])('%s is %s, because %s', (thrown, kind) => {
  const error = asProviderError(thrown);
  expect(error).toBeInstanceOf(ProviderError);
  expect(error.kind).toBe(kind);
});

it('keeps the code, shows what EC2 says, and bounds it', () => {
  const error = asProviderError(answer('InvalidParameterValue', 400, 'x'.repeat(10_000)));
  expect(error.providerCode).toBe('InvalidParameterValue');
  expect(error.message).toContain('xxx');
  expect(error.message.length).toBeLessThan(400);
});

it('says nothing of what EC2 says about credentials', () => {
  const error = asProviderError(answer('UnauthorizedOperation', 403, 'user arn:aws:iam::1:user/x'));
  expect(error.message).not.toContain('arn:');
});
