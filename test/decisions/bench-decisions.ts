import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { jsonReport } from './json-report';
import { ours } from './ours';
import { oursServing } from './ours-serving';
import { writePlots } from './plots';
import { scenarioNames, verdictsOn, type Results, type ScenarioName } from './results';
import { runS1 } from './s1';
import { runS2 } from './s2';
import { runS4 } from './s4';
import { runS5 } from './s5';
import { textReport } from './text-report';
import { TraceFileError } from './trace-files';

const USAGE =
  'npm run bench:decisions -- --traces DIR [--golden DIR] [--scenario s1|s2|s4|s5] [--json] [--emit-plots DIR]';

/** A problem with how the command was called, in words for the caller. */
class UsageError extends Error {}

interface Options {
  readonly traces: string;
  readonly golden: string;
  readonly scenarios: readonly ScenarioName[];
  readonly isJson: boolean;
  readonly plots: string | null;
}

/** Where a command writes. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/** Plays the traces and says how good the decisions are. Returns 0 when every verdict holds, 1 when not, 2 when it cannot tell. */
export function benchDecisions(args: readonly string[], output: Output): number {
  try {
    return play(readOptions([...args]), output);
  } catch (error) {
    output.err(`${explain(error)}\n`);
    return 2;
  }
}

function play(options: Options, output: Output): number {
  const results = run(options);
  const isOk = verdictsOn(results).every(({ holds }) => holds);
  if (options.plots !== null) writePlots(results, options.plots);
  const report = options.isJson ? JSON.stringify(jsonReport(results)) : textReport(results);
  output.out(`${report}\n`);
  return isOk ? 0 : 1;
}

function run({ traces, golden, scenarios }: Options): Results {
  const wants = (scenario: ScenarioName): boolean => scenarios.includes(scenario);
  return {
    s1: wants('s1') ? runS1(traces, golden, ours) : null,
    s2: wants('s2') ? runS2(traces, golden, ours) : null,
    s4: wants('s4') ? runS4(traces, golden, ours) : null,
    s5: wants('s5') ? runS5(traces, golden, oursServing) : null,
  };
}

function readOptions(args: string[]): Options {
  const {
    traces,
    golden,
    scenario,
    json = false,
    'emit-plots': plots = null,
  } = readArguments(args);
  if (traces === undefined) throw new UsageError('--traces says where the traces are');
  const chosen = scenarioNames.filter((name) => scenario === undefined || name === scenario);
  if (chosen.length === 0) {
    throw new UsageError(
      `no scenario is called ${scenario}; there are ${scenarioNames.join(', ')}`,
    );
  }
  return {
    traces,
    golden: golden ?? join(traces, 'golden'),
    scenarios: chosen,
    isJson: json,
    plots,
  };
}

interface Arguments {
  traces?: string;
  golden?: string;
  scenario?: string;
  json?: boolean;
  'emit-plots'?: string;
}

function readArguments(args: string[]): Arguments {
  const options = {
    traces: { type: 'string' },
    golden: { type: 'string' },
    scenario: { type: 'string' },
    json: { type: 'boolean' },
    'emit-plots': { type: 'string' },
  } as const;
  try {
    return parseArgs({ args, options }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function explain(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n${USAGE}`;
  if (error instanceof TraceFileError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
