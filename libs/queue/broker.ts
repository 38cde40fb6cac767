import type { QueueOptions, WorkerOptions } from 'bullmq';

/** What a message carries: an id, never a fact. */
export interface Message {
  readonly id: string;
}

export interface MessageOptions {
  readonly jobId: string;
  readonly delay: number;
  readonly telemetry?: { readonly metadata: string };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** One message that is being worked on, as far as the rest of this folder needs it. */
export interface Delivery {
  readonly data: unknown;
  readonly attemptsMade: number;
  readonly opts: { readonly attempts?: number };
}

/** As much of a BullMQ queue as is used. */
export interface BrokerQueue {
  add(name: string, message: Message, options: Mutable<MessageOptions>): Promise<unknown>;
  addBulk(
    messages: { name: string; data: Message; opts: Mutable<MessageOptions> }[],
  ): Promise<unknown>;
  upsertJobScheduler(
    id: string,
    repeat: { every: number },
    template: { name: string; data: Message; opts: { attempts: number } },
  ): Promise<unknown>;
  getJobSchedulers(start: number, end: number): Promise<readonly { readonly key: string }[]>;
  removeJobScheduler(id: string): Promise<boolean>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

/** As much of a BullMQ worker as is used. */
export interface BrokerWorker {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'failed', listener: (delivery: Delivery | undefined, error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

/** Where BullMQ keeps its messages. Everything above it is the same for all of them. */
export interface Broker {
  queue(name: string, options: Omit<QueueOptions, 'connection'>): BrokerQueue;
  worker(
    name: string,
    work: (delivery: Delivery) => Promise<void>,
    options: Omit<WorkerOptions, 'connection'>,
  ): BrokerWorker;
  close(): Promise<void>;
}
