import { types } from 'node:util';
import type { LoggerService } from '@nestjs/common';
import { trace } from '@opentelemetry/api';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { BaseConfig } from './config';
import { redacted, redactedText } from './redact';

export type LogLevel = BaseConfig['logLevel'];

/** One line of JSON per event: a sentence, and ids as fields. Fields come first: `log.warn({ jobId }, 'It …')`. */
export type Log = Logger;

export interface LogOptions {
  readonly name: string;
  readonly level: LogLevel;
  /** Standard output unless said. */
  readonly destination?: DestinationStream;
}

/** A log that writes no secrets and says which trace a line belongs to. */
export function createLog({ name, level, destination }: LogOptions): Log {
  return pino(
    {
      name,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'message',
      errorKey: 'err',
      formatters: { level: (label) => ({ level: label }), log: redacted },
      serializers: { err: (value: unknown) => value },
      hooks: {
        logMethod(args, method) {
          const [first, ...rest] = args;
          // An error in place of the fields would pass by the redaction.
          if (types.isNativeError(first))
            method.call(this, { err: first }, redactedText(first.message));
          else method.apply(this, [first, ...rest.map(cleaned)] as typeof args);
        },
      },
      mixin: traceFields,
    },
    destination,
  );
}

function cleaned(value: unknown): unknown {
  return typeof value === 'string' ? redactedText(value) : value;
}

function traceFields(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId };
}

/** What Nest says while it puts a module together is of interest to nobody but us. */
const startupContexts: ReadonlySet<string> = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'NestMicroservice',
  'RouterExplorer',
  'RoutesResolver',
]);

/** Lets Nest write to our log. */
export class NestLog implements LoggerService {
  constructor(private readonly target: Log) {}

  log(message: unknown, ...more: unknown[]): void {
    const context = contextIn(more);
    if (startupContexts.has(context)) this.write('debug', message, context);
    else this.write('info', message, context);
  }

  fatal(message: unknown, ...more: unknown[]): void {
    this.write('fatal', message, contextIn(more));
  }

  error(message: unknown, ...more: unknown[]): void {
    this.write('error', message, contextIn(more));
  }

  warn(message: unknown, ...more: unknown[]): void {
    this.write('warn', message, contextIn(more));
  }

  debug(message: unknown, ...more: unknown[]): void {
    this.write('debug', message, contextIn(more));
  }

  verbose(message: unknown, ...more: unknown[]): void {
    this.write('trace', message, contextIn(more));
  }

  private write(level: Exclude<LogLevel, 'silent'>, message: unknown, context: string): void {
    if (types.isNativeError(message))
      this.target[level]({ context, err: message }, message.message);
    else if (typeof message === 'string') this.target[level]({ context }, message);
    else this.target[level]({ context, detail: message }, 'Nest says');
  }
}

/** Nest passes the name of the speaker last. */
function contextIn(more: readonly unknown[]): string {
  const last = more.at(-1);
  return typeof last === 'string' ? last : 'Nest';
}
