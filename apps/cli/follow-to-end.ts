import type { Job } from './api-client';
import { exitCodes } from './exit-codes';
import { eventsOf, watchStatus, workloadExitCode } from './follow-job';
import { renderEnd, renderEvent, renderStatus } from './render/progress';
import type { Session } from './session';

/** Tells what happens to a job until it ends, shows it, and resolves with the exit code of its workload. */
export async function followToEnd(session: Session, job: Job): Promise<number> {
  const { api, paint, show } = session;
  const ended = await untilInterrupted(session, job.id, async (signal) => {
    await tellEvents(session, job, signal);
    return api.job(job.id, signal);
  });
  if (ended === null) return exitCodes.stopped.code;
  const exitCode = await workloadExitCode(api, ended);
  show({ ...ended, exitCode }, () => renderEnd(ended, exitCode, paint));
  return exitCode;
}

/** Does something that lasts. Ctrl-C ends it with null, leaves the job alone and says how to come back. */
export async function untilInterrupted<T>(
  { io }: Session,
  jobId: string,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T | null> {
  const stop = new AbortController();
  const forget = io.onInterrupt(() => stop.abort());
  try {
    return await action(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    io.stderr.write(
      `\nThe job goes on without you. Come back with \`fairlead follow ${jobId}\`, ` +
        `or end it with \`fairlead cancel ${jobId}\`.\n`,
    );
    return null;
  } finally {
    forget();
  }
}

async function tellEvents({ api, io, paint, tell }: Session, job: Job, signal: AbortSignal) {
  const over = new AbortController();
  const following = { api, sleep: io.sleep, jobId: job.id };
  const submittedAtMs = Date.parse(job.submittedAt);
  let told = job.costMicroUsd;
  const status = watchStatus(
    { ...following, signal: AbortSignal.any([signal, over.signal]) },
    (now) => {
      if (now.costMicroUsd === told) return;
      told = now.costMicroUsd;
      tell(renderStatus(now, io.nowMs(), paint));
    },
  );
  try {
    for await (const event of eventsOf({ ...following, signal }))
      tell(renderEvent(event, submittedAtMs, paint));
  } finally {
    over.abort();
    await status;
  }
}
