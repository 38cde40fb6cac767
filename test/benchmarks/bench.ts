import type { BenchServer } from './bench-server';
import type { Row } from './measure';

/** What a benchmark is given. */
export interface Bench {
  /** A Postgres with durability as delivered, started when it is first asked for. */
  server(): Promise<BenchServer>;
  /** What a reader has to know to understand a figure. */
  note(text: string): void;
  /** Ends something that was started; called at the end, also of a run that fails or is interrupted, last added first. */
  atEnd(end: () => Promise<unknown>): void;
}

export interface Benchmark {
  /** The names of its rows. They are measured together. */
  readonly rows: readonly string[];
  measure(bench: Bench): Promise<readonly Row[]>;
}

/** What was started and has to be ended. */
export class Endings {
  private readonly ends: (() => Promise<unknown>)[] = [];
  private ending: Promise<void> | null = null;

  add(end: () => Promise<unknown>): void {
    this.ends.push(end);
  }

  /** Ends everything, last added first, whatever fails on the way; the first failure is thrown when all is done. Repeatable. */
  close(): Promise<void> {
    this.ending ??= this.closeAll();
    return this.ending;
  }

  private async closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let end = this.ends.pop(); end !== undefined; end = this.ends.pop())
      await end().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, 'something could not be ended');
  }
}
