import { IssueApiKey } from '#apps/gateway/gateway.module';
import { openPlatform, platformSchema, type Platform, type PlatformConfig } from '#libs/platform';
import { createLog, start, type Assembly, type BaseConfig, type Runtime } from '#libs/runtime';
import type { Bench } from './bench';

export type BenchRuntime = Runtime<BaseConfig & PlatformConfig>;

/** A process of the product that runs inside this one. */
export interface BenchProcess {
  readonly url: string;
  readonly platform: Platform;
  readonly runtime: BenchRuntime;
  /** New keys that may submit jobs. */
  keys(count: number): Promise<readonly string[]>;
}

/** What workloads would be told to report to; none of them is a program that could. */
const NOBODY_CALLS = 'http://router.invalid';

interface Opened {
  readonly runtime: BenchRuntime;
  readonly platform: Platform;
}

/** Starts a process as its `main.ts` would, with the settings of an installation that sets none, on a database of its own. */
export async function startBenchProcess(
  name: string,
  bench: Bench,
  assemble: (opened: Opened) => Promise<Assembly> | Assembly,
): Promise<BenchProcess & { readonly databaseUrl: string }> {
  const server = await bench.server();
  const databaseUrl = await server.database(name);
  const env = {
    PORT: '0',
    FAIRLEAD_PUBLIC_URL: NOBODY_CALLS,
    DATABASE_URL: databaseUrl,
    FAIRLEAD_DATA_DIR: await server.folder(name),
  };
  const toStderr = { write: (line: string) => void process.stderr.write(line) };
  const log = createLog({ name, level: 'error', destination: toStderr });
  const found: { opened: Opened | null } = { opened: null };
  const running = await start(
    async (runtime: BenchRuntime) => {
      const platform = await openPlatform(runtime, { providers: 'none' });
      found.opened = { runtime, platform };
      return assemble(found.opened);
    },
    { name, schema: platformSchema, env, log },
  );
  bench.atEnd(() => running.close());
  const { opened } = found;
  if (opened === null) throw new Error('the platform was not opened');
  return { ...opened, url: running.url, databaseUrl, keys: (count) => issue(count, opened) };
}

function issue(count: number, { platform, runtime }: Opened): Promise<readonly string[]> {
  const issueApiKey = new IssueApiKey(platform.storage.apiKeys, runtime.ids, runtime.clock);
  const wishes = Array.from({ length: count }, (_, n) => ({
    name: `bench-${n}`,
    roles: ['submitter'] as const,
    projects: null,
  }));
  return Promise.all(wishes.map(async (wish) => (await issueApiKey.run(wish, 'bench')).key));
}
