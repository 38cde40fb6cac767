import type { Bench, Benchmark } from './bench';
import { Endings } from './bench';
import { startBenchServer, type BenchServer } from './bench-server';
import { decideBenchmarks } from './decide';
import { decisions } from './decisions';
import { endToEnd } from './end-to-end';
import { intake } from './intake';
import type { Row } from './measure';
import { memory } from './memory';
import { policies } from './policies';
import { refresh } from './refresh';

export interface Report {
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** All of them, in the order in which they run. */
const benchmarks: readonly Benchmark[] = [
  ...decideBenchmarks,
  memory,
  refresh,
  policies,
  decisions,
  intake,
  endToEnd,
];

/** The names of all rows. */
export const rowNames: readonly string[] = benchmarks.flatMap(({ rows }) => rows);

/** Whether `only` asks for the row: by its name, or by the beginning of it up to a dot. */
function isAskedFor(row: string, only: string | null): boolean {
  return only === null || row === only || row.startsWith(`${only}.`);
}

/** Measures the rows that `only` asks for, all when it is null. What is started is given to `endings`, which the caller closes. */
export async function runBenchmarks(only: string | null, endings: Endings): Promise<Report> {
  const notes: string[] = [];
  const rows: Row[] = [];
  const server = startedOnce(endings);
  for (const benchmark of benchmarks) {
    if (!benchmark.rows.some((name) => isAskedFor(name, only))) continue;
    const own = new Endings();
    endings.add(() => own.close());
    const bench: Bench = {
      server,
      note: (text) => notes.push(text),
      atEnd: (end) => own.add(end),
    };
    rows.push(...(await benchmark.measure(bench)).filter(({ name }) => isAskedFor(name, only)));
    await own.close();
  }
  return { rows, notes };
}

/** Its end is known before anything that uses it is started, so that it goes last. */
function startedOnce(endings: Endings): () => Promise<BenchServer> {
  let server: Promise<BenchServer> | null = null;
  endings.add(async () => (await server?.catch(() => null))?.stop());
  return () => (server ??= startBenchServer());
}
