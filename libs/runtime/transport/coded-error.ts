import { Catch, Logger, type RpcExceptionFilter } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';

/** What a caller is told of an error that it can do nothing about. */
export const INTERNAL_CODE = 'internal';

/** An error that crosses from one service to another: a code to act on, and a sentence. */
export class CodedError extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'CodedError';
  }
}

/** The answer that stands for an error. What is not coded is logged here and told to nobody. */
@Catch()
export class CodedErrorFilter implements RpcExceptionFilter<unknown> {
  private readonly logger = new Logger('Messages');

  catch(error: unknown): Observable<never> {
    if (error instanceof CodedError)
      return throwError(() => ({ code: error.code, message: error.message }));
    this.logger.error(error);
    return throwError(() => ({ code: INTERNAL_CODE, message: 'the service has failed' }));
  }
}
