import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { Principal } from './principal';
import { Refusal } from './refusal';

/** Streams of events and output that a key may have open at once. */
export const STREAMS_PER_KEY = 50;
/** Streams that a process keeps open at once, of all keys together. */
export const STREAMS_PER_PROCESS = 1_000;
/** When to come back for a stream that was refused. */
const RETRY_AFTER_MS = 5_000;

/** The response that a stream goes into, as far as it matters here. */
export interface Answer {
  once(event: 'close', gone: () => void): unknown;
}

/** Counts open streams, each from its request until it has ended or its reader has gone. */
@Injectable()
export class OpenStreams {
  private readonly counts = new Map<string, number>();
  private total = 0;

  /**
   * Opens a stream, or refuses it when there are too many. What makes it is told when its reader has gone: a generator that
   * waits for news would notice only with the next piece, which may never come.
   */
  open(
    { id }: Pick<Principal, 'id'>,
    answer: Answer,
    make: (gone: AbortSignal) => Readable,
  ): Readable {
    const ofKey = this.counts.get(id) ?? 0;
    if (ofKey >= STREAMS_PER_KEY)
      throw tooMany(`the key has ${STREAMS_PER_KEY} streams open already`);
    if (this.total >= STREAMS_PER_PROCESS) throw tooMany('too many streams are open already');
    const leaving = new AbortController();
    const stream = make(leaving.signal);
    answer.once('close', () => leaving.abort());
    this.counts.set(id, ofKey + 1);
    this.total += 1;
    stream.once('close', () => this.closed(id));
    return stream;
  }

  private closed(id: string): void {
    const left = (this.counts.get(id) ?? 0) - 1;
    if (left > 0) this.counts.set(id, left);
    else this.counts.delete(id);
    this.total -= 1;
  }
}

function tooMany(detail: string): Refusal {
  return new Refusal('rate-limited', { detail, retryAfterMs: RETRY_AFTER_MS });
}
