import { types } from 'node:util';
import { providerErrorKinds } from '#libs/domain';
import type { ProviderErrorKind } from '#libs/domain';
import { ProviderError } from '#libs/provider-kit';

/** Each code that EC2 is documented to answer with, under the one meaning that the router gives it. */
const codesOf: { readonly [K in ProviderErrorKind]?: readonly string[] } = {
  'no-capacity': [
    'InsufficientInstanceCapacity',
    'InsufficientHostCapacity',
    'InsufficientCapacity',
    'UnfulfillableCapacity',
    'ReservationCapacityExceeded',
    'InsufficientFreeAddressesInSubnet',
    // This type does not exist in the zone or configuration that we asked for.
    'Unsupported',
  ],
  // The ceiling that we send is the caller's own limit, or the on-demand price.
  'price-moved': ['SpotMaxPriceTooLow'],
  'quota-exceeded': [
    'VcpuLimitExceeded',
    'InstanceLimitExceeded',
    'MaxSpotInstanceCountExceeded',
    'MaxFleetCountExceeded',
  ],
  'rate-limited': ['RequestLimitExceeded', 'Throttling', 'ThrottlingException'],
  unavailable: [
    'InternalError',
    'InternalErrorException',
    'InternalFailure',
    'ServiceUnavailable',
    'Unavailable',
  ],
  'credentials-rejected': [
    'AuthFailure',
    'UnauthorizedOperation',
    'AccessDeniedException',
    'UnrecognizedClientException',
    'ExpiredTokenException',
    'InvalidClientTokenId',
    'SignatureDoesNotMatch',
    'RequestExpired',
    'OptInRequired',
    'Blocked',
    'PendingVerification',
  ],
  'request-rejected': [
    'InvalidAMIID.NotFound',
    'InvalidParameterValue',
    'InvalidParameterCombination',
    'InvalidSubnetID.NotFound',
    'InvalidGroup.NotFound',
    'InvalidUserData.Malformed',
    // A lease may exist under the token; the caller confirms every refusal by a read and finds it.
    'IdempotentParameterMismatch',
  ],
  // Requests that we never mean to send.
  unsupported: ['DryRunOperation', 'InvalidAction', 'UnknownParameter', 'MissingParameter'],
};

const kindOf: ReadonlyMap<string, ProviderErrorKind> = new Map(
  providerErrorKinds.flatMap((kind) =>
    (codesOf[kind] ?? []).map((code): [string, ProviderErrorKind] => [code, kind]),
  ),
);

/** What the SDK throws for a call that was given up. */
const unanswered: ReadonlySet<string> = new Set(['AbortError', 'TimeoutError']);

const absences: ReadonlySet<string> = new Set([
  'InvalidInstanceID.NotFound',
  'InvalidInstanceID.Malformed',
  'InvalidSpotInstanceRequestID.NotFound',
]);

const MAX_DETAIL_LENGTH = 300;

/** Whether EC2 says that the named thing does not exist (or cannot: the name came from outside). */
export function isAbsence(error: unknown): boolean {
  return types.isNativeError(error) && absences.has(error.name);
}

const tokenFaults: ReadonlySet<string> = new Set([
  'ExpiredNextTokenException',
  'InvalidNextTokenException',
]);

/** Whether a listing cannot be gone on with where it was, and has to start over. */
export function isTokenGone(error: unknown): boolean {
  return error instanceof ProviderError && tokenFaults.has(error.providerCode ?? '');
}

/** Anything that a call may throw, as the one error type that may leave the adapter. */
export function asProviderError(error: unknown, service = 'EC2'): ProviderError {
  if (error instanceof ProviderError) return error;
  if (!types.isNativeError(error)) return new ProviderError('unmapped', `${service} call failed`);
  const status = statusOf(error);
  if (status === null) return withoutAnswer(error, service);
  const kind = kindOf.get(error.name) ?? kindOfStatus(status);
  return new ProviderError(kind, `${service} answered ${error.name}${detail(kind, error)}`, {
    providerCode: error.name,
  });
}

/** The SDK puts `$metadata` on whatever a request that it sent ended in, also when no answer came. */
function withoutAnswer(error: Error, service: string): ProviderError {
  if (error.name === 'CredentialsProviderError')
    return new ProviderError('credentials-rejected', 'no AWS credentials were found');
  if (unanswered.has(error.name))
    return new ProviderError('unavailable', `${service} did not answer in time`);
  return '$metadata' in error
    ? new ProviderError('unavailable', `${service} cannot be reached`)
    : new ProviderError('unmapped', `${service} call failed with ${error.name}`);
}

function kindOfStatus(status: number): ProviderErrorKind {
  return status >= 500 ? 'unavailable' : 'unmapped';
}

/** What EC2 says helps whoever set it up; what it says about credentials names them, so that stays out. */
function detail(kind: ProviderErrorKind, { message }: Error): string {
  return kind === 'credentials-rejected' || message === ''
    ? ''
    : `: ${message.slice(0, MAX_DETAIL_LENGTH)}`;
}

function statusOf(error: Error): number | null {
  if (!('$metadata' in error)) return null;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null) return null;
  return 'httpStatusCode' in metadata && typeof metadata.httpStatusCode === 'number'
    ? metadata.httpStatusCode
    : null;
}
