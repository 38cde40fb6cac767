import { Injectable } from '@nestjs/common';
import type { Job } from '#libs/domain';
import { digestOfSecret as sha256 } from './api-key';
import type { Principal } from './principal';
import { Refusal } from './refusal';
import { SubmitJob, type Accepted } from './submit-job';

/** Links a job to the one that it repeats. */
export const RETRY_LABEL = 'fairlead/retry-of';

/** Submit the spec of a job that has ended once more, as a new job. */
@Injectable()
export class RetryJob {
  constructor(private readonly submit: SubmitJob) {}

  run(job: Job, by: Principal, idempotencyKey: string | null): Promise<Accepted> {
    if (job.outcome === null) throw new Refusal('still-running');
    const bodyDigest = sha256(`retry ${job.id}`);
    return this.submit.run({
      spec: { ...job.spec, labels: { ...job.spec.labels, [RETRY_LABEL]: job.id } },
      by,
      idempotency: idempotencyKey === null ? null : { key: idempotencyKey, bodyDigest },
      retryOf: job.id,
    });
  }
}
