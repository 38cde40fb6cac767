import { types } from 'node:util';
import type { ClientProxy } from '@nestjs/microservices';
import { firstValueFrom, timeout } from 'rxjs';
import { CodedError } from './coded-error';

/** Who answers which pattern, and what the product makes of an answer and of none. */
export interface MessageRoutes {
  clientFor(pattern: string): ClientProxy;
  /** The answer, checked; throws when it is not what the pattern promises. */
  read(pattern: string, answer: unknown): unknown;
  /** The error for a question that nobody answered in time or at all. */
  unanswered(pattern: string, cause: unknown): Error;
  /** How long an answer to the pattern may take, where that is not as long as to all others. */
  limitMs?(pattern: string): number | null;
}

const DEFAULT_LIMIT_MS = 10_000;

/** Asks another service and waits for the answer, within a bound. A refusal comes as a `CodedError`. */
export class NestMessages {
  constructor(
    private readonly routes: MessageRoutes,
    private readonly limitMs: number = DEFAULT_LIMIT_MS,
  ) {}

  async send<Answer>(pattern: string, request: unknown): Promise<Answer> {
    const answers = this.routes.clientFor(pattern).send<unknown>(pattern, request);
    const limitMs = this.routes.limitMs?.(pattern) ?? this.limitMs;
    const answer = await firstValueFrom(answers.pipe(timeout(limitMs)), {
      defaultValue: undefined,
    }).catch((error: unknown) => {
      throw codedIn(error) ?? this.routes.unanswered(pattern, error);
    });
    return this.routes.read(pattern, answer) as Answer;
  }
}

function codedIn(error: unknown): CodedError | null {
  if (typeof error !== 'object' || error === null || types.isNativeError(error)) return null;
  if (!('code' in error) || !('message' in error)) return null;
  return new CodedError(String(error.code), String(error.message));
}
