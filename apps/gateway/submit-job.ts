import { Injectable } from '@nestjs/common';
import { Messages, pointerTo, type FieldProblem } from '#libs/contracts';
import { asJobId, expectedCharge, lineKey, type Job, type JobId, type JobSpec } from '#libs/domain';
import { Doorbell } from '#libs/queue';
import {
  Budgets,
  Jobs,
  periodAt,
  type BudgetState,
  type NewEvent,
  type Reservation,
  type Submission,
} from '#libs/storage';
import { ClockAndIds } from './clock-and-ids';
import { JobSecrets } from './job-secrets';
import type { Principal } from './principal';
import { Refusal } from './refusal';

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

/** Take in a job: reserve its expected cost where its project has a budget, store it, wake the policy engine. */
@Injectable()
export class SubmitJob {
  constructor(
    private readonly jobs: Jobs,
    private readonly budgets: Budgets,
    private readonly messages: Messages,
    private readonly doorbell: Doorbell,
    private readonly stamps: ClockAndIds,
    private readonly secrets: JobSecrets,
  ) {}

  async run(order: Order): Promise<Accepted> {
    this.requireSecrets(order.spec);
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
        throw new Refusal('over-budget', { detail: overBudget(result.budget, reservation) });
      case 'created': {
        const { id, revision } = result.job;
        const tag = `r${revision}`;
        this.doorbell.ring({ queue: 'decide', id, providerId: null, atMs: nowMs, tag });
        return { job: result.job, replayed: false };
      }
    }
  }

  /** Also for a retry, since a list may have become shorter. */
  private requireSecrets({ project, secrets }: JobSpec): void {
    const problems = Object.entries(secrets)
      .filter(([, name]) => !this.secrets.allows(project, name))
      .map(([variable, name]) => secretProblem(project, variable, name));
    if (problems.length > 0) throw new Refusal('invalid-job', { problems });
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

/** The same words whether the secret exists for others or not at all. */
function secretProblem(project: string, variable: string, name: string): FieldProblem {
  return {
    pointer: pointerTo(['secrets', variable]),
    code: 'not-allowed',
    message: `project "${project}" may use no secret "${name}"`,
    remedy: 'check its name, or ask who runs the router to allow it to the project',
  };
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
    outlook: null,
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

function overBudget({ project, period }: BudgetState, reservation: Reservation | null): string {
  const limit = `the hard limit of ${project} for ${period}`;
  return reservation?.amount === null
    ? `${limit} asks what a job will cost, and no offer tells at the moment; set budget.maxCost`
    : `${limit} leaves too little for the expected cost`;
}
