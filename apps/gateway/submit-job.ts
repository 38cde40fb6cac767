import { Injectable } from '@nestjs/common';
import { Messages, type MessageReply } from '#libs/contracts';
import {
  asJobId,
  lineKey,
  microUsd,
  sumUsd,
  ZERO_USD,
  type CostTermName,
  type Job,
  type JobId,
  type JobSpec,
  type MicroUsd,
} from '#libs/domain';
import { Doorbell } from '#libs/queue';
import {
  Budgets,
  Jobs,
  periodAt,
  type NewEvent,
  type Reservation,
  type Submission,
} from '#libs/storage';
import type { Principal } from './principal';
import { Refusal } from './refusal';
import { tellSoftLimit } from './tell-soft-limit';
import { ClockAndIds } from './clock-and-ids';

export interface Order {
  readonly spec: JobSpec;
  readonly by: Principal;
  readonly idempotency: { readonly key: string; readonly bodyDigest: string } | null;
  /** The job that this one repeats. */
  readonly retryOf: JobId | null;
}

export interface Accepted {
  readonly job: Job;
  /** The order came before; nothing was done. */
  readonly replayed: boolean;
}

/** What is charged in the end; the other terms weigh risks and waiting. */
const chargedTerms: readonly CostTermName[] = [
  'run',
  'interruption',
  'start-up',
  'egress',
  'token-risk',
];

/** Take in a job: reserve its expected cost where its project has a budget, store it, wake the policy engine. */
@Injectable()
export class SubmitJob {
  constructor(
    private readonly jobs: Jobs,
    private readonly budgets: Budgets,
    private readonly messages: Messages,
    private readonly doorbell: Doorbell,
    private readonly stamps: ClockAndIds,
  ) {}

  async run(order: Order): Promise<Accepted> {
    const nowMs = this.stamps.clock.nowMs();
    const reservation = await this.reservationFor(order.spec, nowMs);
    const job = newJob(asJobId(this.stamps.ids.next('job')), order, nowMs);
    const result = await this.jobs.submit(submissionOf(order, job, reservation));
    switch (result.kind) {
      case 'repeated':
        return { job: result.job, replayed: true };
      case 'key-reused':
        throw new Refusal('key-reused');
      case 'over-budget':
        throw new Refusal('over-budget', { detail: overBudget(result.budget) });
      case 'created': {
        const told = result.softLimitCrossed
          ? await tellSoftLimit(this.jobs, this.budgets, result.job, nowMs)
          : result.job;
        const tag = `r${told.revision}`;
        this.doorbell.ring({ queue: 'decide', id: told.id, providerId: null, atMs: nowMs, tag });
        return { job: told, replayed: false };
      }
    }
  }

  /** Only projects with a budget pay for the question what the job will cost. */
  private async reservationFor(spec: JobSpec, nowMs: number): Promise<Reservation | null> {
    const period = periodAt(nowMs);
    const budget = await this.budgets.of(spec.project, period);
    if (budget === null) return null;
    const plan = await this.messages.send('policy.plan', { spec, atMs: nowMs });
    return { project: spec.project, period, amount: expectedCharge(spec, plan) };
  }
}

/** What the best offer is expected to charge, never more than the job allows; without an offer, all that it allows. */
function expectedCharge(spec: JobSpec, { summary }: MessageReply<'policy.plan'>): MicroUsd {
  const best = summary.ranked[0];
  const { maxCost } = spec.budget;
  if (best === undefined) return maxCost ?? ZERO_USD;
  const charged = sumUsd(chargedTerms.map((name) => best.terms[name]));
  return maxCost === null ? charged : microUsd(Math.min(charged, maxCost));
}

function newJob(id: JobId, { spec, by }: Order, nowMs: number): Job {
  return {
    id,
    spec,
    submittedAtMs: nowMs,
    submittedBy: by.name,
    state: 'queued',
    outcome: null,
    endedAtMs: null,
    cancelRequestedAtMs: null,
    decisionId: null,
    lineKey: lineKey(nowMs, spec.priority),
    baseline: null,
    revision: 0,
    dueAtMs: nowMs,
  };
}

function submissionOf(order: Order, job: Job, reservation: Reservation | null): Submission {
  const { by, idempotency, retryOf, spec } = order;
  const data = {
    name: spec.name,
    project: spec.project,
    submittedBy: by.name,
    ...(retryOf === null ? {} : { retryOf }),
  };
  const event: NewEvent = {
    type: 'job.submitted',
    data,
    jobId: job.id,
    attemptId: null,
    atMs: job.submittedAtMs,
  };
  return {
    job,
    idempotency: idempotency === null ? null : { scope: by.id, ...idempotency },
    reservation,
    events: [event],
  };
}

function overBudget(budget: { readonly project: string; readonly period: string }): string {
  return `the hard limit of ${budget.project} for ${budget.period} leaves too little for the expected cost`;
}
