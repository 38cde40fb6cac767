import {
  Catch,
  HttpException,
  Logger,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { BaseRpcExceptionFilter } from '@nestjs/microservices';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  MessageUnanswered,
  PROBLEM_MEDIA_TYPE,
  problem,
  problemCatalogue,
  type Problem,
  type ProblemCode,
} from '#libs/contracts';
import { Refusal } from './refusal';

/** What the framework refuses by itself, by status. */
const frameworkCodes: Readonly<Record<number, ProblemCode>> = {
  400: 'malformed-request',
  404: 'not-found',
  413: 'too-large',
  415: 'unsupported-media-type',
  429: 'rate-limited',
};

/** Turns every error into a problem document. What nobody foresaw is logged here, with the request id, and told to nobody else. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('gateway');

  /** Questions of other services in the same process are answered as if this filter were not there. */
  catch(error: unknown, host: ArgumentsHost): unknown {
    if (host.getType() !== 'http') return new BaseRpcExceptionFilter().catch(error, host);
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const document = documentFor(error);
    if (document.status >= 500)
      this.logger.error({ requestId: request.id, route: request.routeOptions?.url, error });
    if (document.retryAfterMs !== undefined)
      reply.header('retry-after', String(Math.ceil(document.retryAfterMs / 1_000)));
    if (document.status === 401) reply.header('www-authenticate', 'Bearer realm="fairlead"');
    return reply
      .status(document.status)
      .header('content-type', PROBLEM_MEDIA_TYPE)
      .send({ ...document, instance: request.id });
  }
}

/** The problem that an error amounts to. */
export function documentFor(error: unknown): Problem {
  if (error instanceof Refusal) return problem(error.code, error.more);
  if (error instanceof MessageUnanswered)
    return problem('unavailable', { detail: `nobody answered ${error.pattern}` });
  const code = frameworkCodes[statusOf(error)] ?? 'internal';
  return problem(code, problemCatalogue[code].status < 500 ? detailOf(error) : {});
}

function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  const claimed = error instanceof Error && 'statusCode' in error ? error.statusCode : 500;
  return typeof claimed === 'number' ? claimed : 500;
}

function detailOf(error: unknown): { readonly detail?: string } {
  return error instanceof Error ? { detail: error.message } : {};
}
