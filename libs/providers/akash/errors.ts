import type { ProviderErrorKind } from '#libs/domain';
import { ProviderError } from '#libs/provider-kit';

/** A refusal as the Console API words it. */
export interface Refusal {
  readonly status: number;
  readonly code: string | null;
  readonly message: string;
  readonly retryAfterMs: number | null;
}

interface Row {
  readonly status: number;
  readonly code?: string;
  readonly message?: RegExp;
  readonly kind: ProviderErrorKind;
}

/**
 * First match wins. A 402 is read by its status, because older servers answer it with `unknown_error`; the one code that
 * changes its meaning says that a recharge is on its way.
 */
const meanings: readonly Row[] = [
  { status: 400, message: /insufficient (funds|balance)/i, kind: 'funds-exhausted' },
  { status: 400, message: /cannot be settled yet/i, kind: 'unavailable' },
  { status: 400, kind: 'request-rejected' },
  { status: 401, kind: 'credentials-rejected' },
  { status: 402, code: 'balance_top_up_pending', kind: 'rate-limited' },
  { status: 402, kind: 'funds-exhausted' },
  { status: 403, message: /wallet/i, kind: 'credentials-rejected' },
  { status: 403, kind: 'quota-exceeded' },
  { status: 405, kind: 'unsupported' },
  { status: 409, code: 'wallet_provisioning', kind: 'unavailable' },
  { status: 409, kind: 'request-rejected' },
  { status: 413, kind: 'request-rejected' },
  { status: 422, kind: 'request-rejected' },
  { status: 429, kind: 'rate-limited' },
  { status: 500, kind: 'unavailable' },
  { status: 501, kind: 'unsupported' },
  { status: 502, kind: 'unavailable' },
  { status: 503, kind: 'unavailable' },
  { status: 504, kind: 'unavailable' },
];

/** What a refusal means. */
export function kindOf(refusal: Refusal): ProviderErrorKind {
  return meanings.find((row) => matches(row, refusal))?.kind ?? 'unmapped';
}

/** The refusal of `call` as an error; the server's own words stay out because they may quote the workload. */
export function errorFor(call: string, refusal: Refusal): ProviderError {
  return new ProviderError(
    kindOf(refusal),
    `Akash answered ${call} with ${refusal.status} ${refusal.code ?? ''}`.trim(),
    {
      providerCode: refusal.code ?? String(refusal.status),
      retryAfterMs: refusal.retryAfterMs,
    },
  );
}

function matches(row: Row, refusal: Refusal): boolean {
  return (
    row.status === refusal.status &&
    (row.code === undefined || row.code === refusal.code) &&
    (row.message === undefined || row.message.test(refusal.message))
  );
}
