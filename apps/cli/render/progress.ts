import type { EventView } from '#libs/contracts';
import type { Job } from '../api-client';
import { counted, dollars, duration, perHour } from './amounts';
import { renderJobLine } from './job';
import type { Paint } from './paint';
import { printable } from './table';

type Fields = EventView['data'];

const text = (fields: Fields, name: string): string => {
  const value = fields[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};
const money = (fields: Fields, name: string): string => {
  const value = fields[name];
  return typeof value === 'number' ? dollars(value) : '?';
};
const because = (fields: Fields): string => {
  const reason = text(fields, 'errorKind') || text(fields, 'outcome');
  return reason === '' ? '' : ` (${reason})`;
};

/** What each event means for somebody who waits for the job; events without a row are told by their name. */
export const meanings: Readonly<Record<string, (fields: Fields) => string>> = {
  'job.submitted': (fields) => `submitted to project ${text(fields, 'project')}`,
  'job.decided': (fields) =>
    `decided: ${text(fields, 'ranked')} can serve, ${text(fields, 'rejected')} refused`,
  'job.placed': (fields) =>
    `placed at ${text(fields, 'offer')} (attempt ${text(fields, 'number')}), expected ${money(fields, 'expectedCost')}`,
  'job.waiting': (fields) => `waiting for capacity${awaitedIn(fields)}`,
  'job.reconsidered': (fields) => {
    const to = text(fields, 'to') === '' ? '' : ` to ${text(fields, 'to')}`;
    return `looked at again: ${text(fields, 'do')}${to} (${text(fields, 'because')})`;
  },
  'job.feasibility-changed': (fields) => text(fields, 'because'),
  'job.cancel-requested': (fields) => `cancel requested by ${text(fields, 'by')}`,
  'job.ended': (fields) => `ended: ${text(fields, 'outcome')}, ${money(fields, 'costMicroUsd')}`,
  'budget.soft-limit': (fields) =>
    `the budget of ${text(fields, 'project')} has passed its soft limit of ${money(fields, 'softLimit')}`,
  'attempt.acquire': (fields) => `asking for ${text(fields, 'offer')}`,
  'attempt.lease-granted': (fields) => `lease granted at ${text(fields, 'offer')}`,
  'attempt.lease-refused': (fields) => `refused by ${text(fields, 'offer')}${because(fields)}`,
  'attempt.lease-gone': (fields) => `nothing left running at ${text(fields, 'offer')}`,
  'attempt.workload-started': (fields) => `running at ${text(fields, 'offer')}`,
  'attempt.workload-exited': (fields) => `workload ended${because(fields)}`,
  'attempt.interrupted': (fields) => `interrupted at ${text(fields, 'offer')}${because(fields)}`,
  'attempt.abandon': (fields) => `giving up ${text(fields, 'offer')}${because(fields)}`,
  'attempt.notice': (fields) => `${text(fields, 'offer')} will be taken back soon`,
  'workload.started': () => 'the supervisor starts the workload',
  'workload.exited': (fields) =>
    `the workload ended with ${text(fields, 'code')} (${text(fields, 'reason')})`,
  'workload.lost': () => 'the machine was started anew; what ran there is lost',
  'attempt.price-drifted': (fields) =>
    `charged ${money(fields, 'seen')}/h instead of ${money(fields, 'quoted')}/h`,
};

function awaitedIn({ awaited }: Fields): string {
  const count = typeof awaited === 'number' ? awaited : 0;
  return count === 0 ? '' : `: ${counted(count, 'offer')} would serve`;
}

/** One event on one line, with the time since the job was submitted. */
export function renderEvent(event: EventView, submittedAtMs: number, paint: Paint): string {
  const meaning = meanings[event.type]?.(event.data) ?? event.type;
  const since = `+${duration(Math.max(0, Date.parse(event.at) - submittedAtMs))}`;
  return `${paint.faint(since.padStart(8))}  ${printable(meaning)}`;
}

/** State, cost and what is to be expected, between the events. */
export function renderStatus(job: Job, nowMs: number, paint: Paint): string {
  const since = `+${duration(Math.max(0, nowMs - Date.parse(job.submittedAt)))}`;
  const parts = [job.state, `${dollars(job.costMicroUsd)} so far`, ...outlookOf(job, nowMs)];
  return `${paint.faint(since.padStart(8))}  ${parts.join(', ')}`;
}

/** The replicas of a service; of a job with a deadline the chance to miss it and how long there is to move. */
function outlookOf({ outlook, service, deadlineAt }: Job, nowMs: number): readonly string[] {
  if (service !== null) {
    const { ready, target, extra, availabilityBps } = service;
    const share = (availabilityBps / 100).toFixed(2);
    return [`${ready} ready of ${target} and ${extra} extra`, `${share} % of the time enough`];
  }
  if (outlook === null || deadlineAt === null) return [];
  const late = `${(outlook.latenessBps / 100).toFixed(1)} % chance to be late`;
  const leftMs = outlook.noReturnAt === null ? 0 : Date.parse(outlook.noReturnAt) - nowMs;
  return leftMs <= 0 ? [late] : [late, `no return in ${duration(leftMs)}`];
}

/** How it ended, and where to look next. */
export function renderEnd(job: Job, exitCode: number, paint: Paint): string {
  const code = exitCode === 0 ? '' : `, exit code ${exitCode}`;
  const { baseline } = job;
  const than =
    baseline === null
      ? ''
      : `; baseline ${perHour(baseline.pricePerHourMicroUsd)} at ${baseline.offerId}`;
  return [
    `${renderJobLine(job, paint).replace(/ so far$/, '')}${code}${than}`,
    paint.faint(`output: fairlead logs ${job.id}   reasons: fairlead why ${job.id}`),
  ].join('\n');
}
