import { parseArgs } from 'node:util';
import type { CostReportView } from '#libs/contracts';
import { formatUsd, microUsd, sumUsd } from '#libs/domain';
import { readExamples } from './demo/examples';
import { KEY_FILE, startRouter, type DemoRouter } from './demo/router';
import { Story, type JobResult } from './demo/story';

/**
 * `npm run demo [-- --json] [-- --keep]`: starts the whole product on emulated providers, runs the examples for real, pulls
 * the plug on one of them, and shows what came of it and what it cost. Exits with 1 when something did not go as it should.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  // With --json the story goes to standard error, so that standard output holds the one object.
  const say = (line: string): void =>
    void (values.json ? process.stderr : process.stdout).write(`${line}\n`);
  const router = await startRouter();
  try {
    const told = await tell(router, say);
    const ok =
      told.leasesLeft === 0 && told.addsUp && told.jobs.every(({ asExpected }) => asExpected);
    if (values.json) process.stdout.write(`${JSON.stringify({ ...told, ok })}\n`);
    if (values.keep) await keepServing(router, say);
    return ok ? 0 : 1;
  } finally {
    await router.close();
  }
}

interface Told {
  readonly jobs: readonly JobResult[];
  readonly leasesLeft: number;
  /** Whether the cost report charges exactly what the jobs cost. */
  readonly addsUp: boolean;
}

async function tell(router: DemoRouter, say: (line: string) => void): Promise<Told> {
  const story = new Story(router, say);
  const examples = await readExamples();
  say(`Fairlead is up at ${router.url}, on emulated providers.`);
  await story.waitForOffers();
  const followed = [];
  for (const example of examples) {
    if (example.role === 'plan-only') await story.explainPlan(example);
    else followed.push(await story.submit(example));
  }
  for (const job of followed) await story.showDecision(job);
  await story.follow(followed);
  const leasesLeft = await story.settle();
  const jobs: JobResult[] = [];
  for (const job of followed) {
    const result = await story.result(job);
    await story.showLogs(job, result);
    jobs.push(result);
  }
  showCosts(jobs, say);
  const addsUp = showReport(await story.chargesByProvider(), jobs, say);
  say(`leases left running: ${leasesLeft}`);
  return { jobs, leasesLeft, addsUp };
}

/** The API's own report beside the jobs' costs; true when the two agree to the micro-dollar. */
function showReport(
  { rows, total }: CostReportView,
  jobs: readonly JobResult[],
  say: (line: string) => void,
): boolean {
  say('\nThe cost report of the API, by provider:');
  const row = (name: string, billed: number): void =>
    say(`${name.padEnd(18)}  ${formatUsd(microUsd(billed)).padStart(11)}`);
  for (const { group, billedMicroUsd } of rows) row(group['provider'] ?? 'none', billedMicroUsd);
  row('total', total.billedMicroUsd);
  const ofJobs = sumUsd(jobs.map(({ costMicroUsd }) => microUsd(costMicroUsd)));
  const addsUp = total.billedMicroUsd === ofJobs;
  const verdict = addsUp ? 'adds up to' : 'DOES NOT ADD UP TO';
  say(`It ${verdict} what the jobs cost, ${formatUsd(ofJobs)}.`);
  return addsUp;
}

function showCosts(jobs: readonly JobResult[], say: (line: string) => void): void {
  say(
    '\nWhat it cost, and what the cheapest compliant on-demand offer of a hyperscaler would have:',
  );
  const row = (name: string, where: string, cost: number, baseline: number | null): string => {
    const saved =
      baseline === null || baseline === 0 ? '' : `${Math.round((1 - cost / baseline) * 100)} %`;
    const other = baseline === null ? 'none' : formatUsd(microUsd(baseline));
    return [
      name.padEnd(18),
      where.padEnd(12),
      formatUsd(microUsd(cost)).padStart(11),
      other.padStart(11),
      saved.padStart(6),
    ].join('  ');
  };
  say(
    [
      'job'.padEnd(18),
      'tried'.padEnd(12),
      'billed'.padStart(11),
      'baseline'.padStart(11),
      'saved'.padStart(6),
    ].join('  '),
  );
  for (const { name, providersTried, costMicroUsd, baselineMicroUsd } of jobs) {
    say(row(name, providersTried.join(','), costMicroUsd, baselineMicroUsd));
  }
  const compared = jobs.filter(({ baselineMicroUsd }) => baselineMicroUsd !== null);
  const billed = sumUsd(compared.map(({ costMicroUsd }) => microUsd(costMicroUsd)));
  say(
    row(
      'total',
      '',
      billed,
      sumUsd(compared.map(({ baselineMicroUsd }) => microUsd(baselineMicroUsd ?? 0))),
    ),
  );
}

async function keepServing({ url }: DemoRouter, say: (line: string) => void): Promise<void> {
  say(`\nStill serving at ${url}; the key is in ${KEY_FILE}. Ctrl-C ends it.`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(
      `The demonstration failed: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exit(1);
  },
);
