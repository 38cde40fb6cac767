import { Option } from 'commander';
import type { PlanView } from '#libs/contracts';
import type { Job } from '../api-client';
import { confirm } from '../ask';
import type { AddCommand } from '../command';
import { Failure } from '../failure';
import { followToEnd } from '../follow-to-end';
import { readJobDocument } from '../read-file';
import { renderJobLine } from '../render/job';
import { renderPlan } from '../render/plan';
import { printable } from '../render/table';
import { idempotencyKey, type Session } from '../session';

interface SubmitOptions {
  readonly yes?: boolean;
  readonly follow?: boolean;
  readonly wait?: boolean;
  readonly idempotencyKey?: string;
}

/** Shows the plan, asks once, submits; with --follow it stays until the end. */
export const addSubmit: AddCommand = (program, run) => {
  program
    .command('submit')
    .description('show the plan, ask once, and submit the job')
    .argument('<file>', 'the job as YAML or JSON; - for standard input')
    .option('-y, --yes', 'submit without a question')
    .option('--follow', 'stay until the job ends; the exit code is that of its workload')
    .option('--wait', 'submit even what no offer can serve, to wait until that changes')
    .addOption(
      new Option(
        '--idempotency-key <key>',
        'submitting the same again with the same key returns the same job (a new key by default)',
      ),
    )
    .action((file: string, options: SubmitOptions) =>
      run((session) => submit(session, file, options)),
    );
};

async function submit(
  session: Session,
  file: string,
  options: SubmitOptions,
): Promise<number | void> {
  const { api, io, paint, show, tell } = session;
  const spec = await readJobDocument(io, file);
  const plan = await api.plan(spec);
  tell(`${renderPlan(plan, paint, { all: false })}\n`);
  if (options.wait !== true) requireHope(plan);
  if (options.yes !== true) await confirm(io, questionFor(plan));
  const job = await api.submit(spec, options.idempotencyKey ?? idempotencyKey(io, spec));
  if (options.follow !== true) {
    show(job, () =>
      [renderJobLine(job, paint), ...doubts(job), nextSteps(job.id)].map(printable).join('\n'),
    );
    return;
  }
  tell([paint.strong(`${job.id} ${job.name}`), ...doubts(job)].map(printable).join('\n'));
  return followToEnd(session, job);
}

/** Refuses for itself what would stand in line for nothing. */
function requireHope({ feasibility: { verdict } }: PlanView): void {
  if (verdict === 'now' || verdict === 'not-now') return;
  throw new Failure('no-offer', 'no offer can serve this job, now or later', {
    remedy: 'change the job, or give --wait to submit it nevertheless',
  });
}

function questionFor({ rankedCount }: PlanView): string {
  return rankedCount === 0
    ? 'Submit it nevertheless, to wait in line until an offer can serve it?'
    : 'Submit it?';
}

/** Why it may wait for long, as the router said when it took the job in. */
function doubts({ feasibility }: Job): readonly string[] {
  return feasibility === null || feasibility.verdict === 'now' ? [] : feasibility.sentences;
}

function nextSteps(jobId: string): string {
  return `follow it: fairlead follow ${jobId}   reasons: fairlead why ${jobId}`;
}
