/** A refusal of the Console API, as its body and headers say it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly extra: { readonly data?: unknown; readonly retryAfterSeconds?: number } = {},
  ) {
    super(message);
    this.name = 'ApiError';
  }

  body(): Readonly<Record<string, unknown>> {
    const type = this.status < 500 ? 'client_error' : 'server_error';
    const { data } = this.extra;
    return {
      error: 'Error',
      message: this.message,
      code: this.code,
      type,
      ...(data === undefined ? {} : { data }),
    };
  }
}
