import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { usd } from '#libs/domain';
import type { AnyProviderPlugin } from '#libs/provider-kit';
import { conformanceChecks, emulatedHarness, liveRun, tryCheck } from '#libs/provider-kit/testing';
import type { CheckOutcome, MakeHarness } from '#libs/provider-kit/testing';
import { plugins } from '#libs/providers';
import { renderReports, reportOn } from './report';
import type { ProviderReport } from './report';

const USAGE = 'npm run conformance [-- --json] [-- --provider NAME]; LIVE=NAME asks the real one';
const DEFAULT_LIVE_MAX_USD = 2;
/** Real providers take their time. */
const LIVE_CHECK_BOUND_MS = 60 * 60_000;

/** A problem with how the command was called, in words for the caller. */
class UsageError extends Error {}

interface Options {
  readonly isJson: boolean;
  /** Null for all of them. */
  readonly provider: string | null;
  /** The provider to ask for real, or null to ask the emulators. */
  readonly live: string | null;
  readonly maxUsd: number;
}

/** Set by an interrupt: no further check starts, and what was created is released. */
const stopping = new AbortController();

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env);
  const reports =
    options.live === null
      ? await checkEmulators(options.provider)
      : [await checkLive(pluginNamed(options.live), options.maxUsd)];
  const text = options.isJson ? JSON.stringify({ providers: reports }) : renderReports(reports);
  process.stdout.write(`${text}\n`);
  return reports.some(({ failed }) => failed > 0) || stopping.signal.aborted ? 1 : 0;
}

function readOptions(args: string[], env: NodeJS.ProcessEnv): Options {
  const values = readArguments(args);
  const maxUsd = Number(env['LIVE_MAX_USD'] ?? DEFAULT_LIVE_MAX_USD);
  if (!Number.isFinite(maxUsd) || maxUsd < 0) {
    throw new UsageError(`LIVE_MAX_USD must be an amount of dollars, got ${env['LIVE_MAX_USD']}`);
  }
  return {
    isJson: values.json ?? false,
    provider: values.provider ?? null,
    live: env['LIVE'] || null,
    maxUsd,
  };
}

function readArguments(args: string[]): { json?: boolean; provider?: string } {
  try {
    const options = { json: { type: 'boolean' }, provider: { type: 'string' } } as const;
    return parseArgs({ args, options }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

async function checkEmulators(provider: string | null): Promise<readonly ProviderReport[]> {
  const reports: ProviderReport[] = [];
  for (const plugin of provider === null ? plugins : [pluginNamed(provider)]) {
    const outcomes: CheckOutcome[] = [];
    await checkAll(plugin, emulatedHarness(plugin), outcomes);
    reports.push(reportOn(plugin.descriptor.id, outcomes));
  }
  return reports;
}

async function checkLive(plugin: AnyProviderPlugin, maxUsd: number): Promise<ProviderReport> {
  const adapter = plugin.adapterFromEnv(process.env);
  const { id } = plugin.descriptor;
  if (adapter === null) throw new UsageError(`the environment holds no configuration for ${id}`);
  const run = liveRun({ adapter, env: process.env, maxSpend: usd(maxUsd) });
  const outcomes: CheckOutcome[] = [];
  await Promise.race([
    checkAll(plugin, run.makeHarness, outcomes, LIVE_CHECK_BOUND_MS),
    once(stopping.signal, 'abort'),
  ]);
  return reportOn(`${id} (live)`, [...outcomes, await run.leaveNothing()]);
}

/** Adds to `outcomes` as it goes, so that an interrupted run can report as far as it came. */
async function checkAll(
  { descriptor }: AnyProviderPlugin,
  makeHarness: MakeHarness,
  outcomes: CheckOutcome[],
  boundMs?: number,
): Promise<void> {
  for (const check of conformanceChecks) {
    if (stopping.signal.aborted) break;
    outcomes.push(await tryCheck(check, descriptor, makeHarness, boundMs));
  }
}

function pluginNamed(name: string): AnyProviderPlugin {
  const found = plugins.find(({ descriptor }) => descriptor.id === name);
  if (found !== undefined) return found;
  const known = plugins.map(({ descriptor }) => descriptor.id).join(', ');
  throw new UsageError(`no provider is called ${name}; there are ${known}`);
}

function describeFailure(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    process.stderr.write('stopping; what was created is released first\n');
    stopping.abort();
  });
}

main().then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    const text =
      error instanceof UsageError ? `${error.message}\n${USAGE}` : describeFailure(error);
    process.stderr.write(`${text}\n`);
    process.exitCode = 2;
  },
);
