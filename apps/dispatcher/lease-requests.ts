import type { Attempt, Job } from '#libs/domain';
import {
  ProviderError,
  type AdapterRegistry,
  type LeaseRequest,
  type LeaseWorkload,
} from '#libs/provider-kit';
import type { Jobs } from '#libs/storage';
import {
  attemptToken,
  renderBootstrap,
  renderContainer,
  renderUserData,
  type BootstrapOptions,
  type SupervisorEnd,
} from '#libs/supervisor';

/** Where a job runs when it does not say. */
const WORKING_DIRECTORY = '/workspace';
/** The supervisor ends the workload this long before the lease must end, so that the last checkpoint gets out. */
const LAST_SAVE_MS = 60_000;
/** Frameworks that use several processes per GPU need more shared memory than Docker's 64 MiB. */
const GPU_SHARED_MEMORY_MIB = 8_192;

/** Builds what a provider is asked for. The same attempt always yields the same bytes, so that a repeat is a repeat. */
export abstract class LeaseRequests {
  abstract for(attempt: Attempt): Promise<LeaseRequest>;
}

/** What the router knows that a workload needs; secrets never leave it but inside a lease request. */
export interface WorkloadSettings {
  /** Base address of the gateway as workloads reach it. */
  readonly controlUrl: string;
  /** The key of attempt tokens. */
  readonly serverSecret: string;
  /** The value of a named secret, or null when the router holds none of that name for the project. */
  readonly secretOf: (project: string, name: string) => string | null;
  readonly heartbeatMs: number;
}

/** Puts the supervisor in front of a job's command, in the form that the provider runs. */
export class SupervisedRequests implements LeaseRequests {
  constructor(
    private readonly jobs: Jobs,
    private readonly adapters: AdapterRegistry,
    private readonly settings: WorkloadSettings,
  ) {}

  async for(attempt: Attempt): Promise<LeaseRequest> {
    const job = await this.jobs.get(attempt.jobId);
    if (job === null) throw new Error(`attempt ${attempt.id} has no job`);
    return {
      leaseKey: attempt.id,
      offer: attempt.offer,
      workload: this.workload(attempt, job),
      labels: { job: job.id, project: job.spec.project, name: job.spec.name },
      limits: { maxDurationMs: attempt.maxLeaseMs, maxPricePerHour: attempt.offer.pricePerHour },
    };
  }

  private workload(attempt: Attempt, { spec }: Job): LeaseWorkload {
    const { descriptor } = this.adapters.for(attempt.offer.providerId);
    if (descriptor.runs === 'vm') {
      const dockerRun = {
        image: spec.image,
        gpus: attempt.offer.gpu !== null,
        entrypoint: null,
        ports: [],
        shmMib: attempt.offer.gpu === null ? null : GPU_SHARED_MEMORY_MIB,
      };
      const bootstrap = this.bootstrap(attempt, spec, 'poweroff');
      return {
        image: spec.image,
        script: renderUserData({ bootstrap, dockerRun }).userData,
        env: {},
      };
    }
    const onEnd = descriptor.restartsWorkload ? 'idle' : 'exit';
    const { command, env } = renderContainer(renderBootstrap(this.bootstrap(attempt, spec, onEnd)));
    return { image: spec.image, script: command.at(-1) ?? '', env };
  }

  private bootstrap(attempt: Attempt, spec: Job['spec'], onEnd: SupervisorEnd): BootstrapOptions {
    return {
      attemptId: attempt.id,
      controlUrl: this.settings.controlUrl,
      token: attemptToken(this.settings.serverSecret, attempt.id),
      command: spec.command,
      env: {
        ...spec.env,
        ...this.secrets(spec),
        FAIRLEAD_JOB: attempt.jobId,
        FAIRLEAD_ATTEMPT: attempt.id,
        ...placeAmong(attempt, spec),
      },
      workingDirectory: spec.workingDirectory ?? WORKING_DIRECTORY,
      inputs: spec.inputs.map(({ path, uri }) => ({
        path,
        url: uri.startsWith('data:') ? null : uri,
      })),
      outputs: deliversOutputs(attempt) ? spec.outputs.map(({ path }) => ({ path })) : [],
      checkpoint: checkpointFor(attempt, spec),
      maxDurationMs: Math.max(
        1_000,
        Math.min(spec.sla.maxDurationMs, attempt.maxLeaseMs - LAST_SAVE_MS),
      ),
      heartbeatMs: this.settings.heartbeatMs,
      onEnd,
    };
  }

  /**
   * A secret that the router does not hold for the project can be had nowhere: the job cannot run, and is told so. Asked again
   * for every lease, since what was allowed at submission may be withdrawn.
   */
  private secrets({ project, secrets }: Job['spec']): Record<string, string> {
    return Object.fromEntries(
      Object.entries(secrets).map(([variable, name]) => {
        const value = this.settings.secretOf(project, name);
        if (value === null)
          throw new ProviderError(
            'unsupported',
            `this router holds no secret "${name}" for project "${project}"`,
          );
        return [variable, value];
      }),
    );
  }
}

/** What a workload with others beside it is told of its place among them. */
function placeAmong({ role, slot }: Attempt, { nodes }: Job['spec']): Record<string, string> {
  if (role === 'node') return { FAIRLEAD_NODES: String(nodes), FAIRLEAD_NODE_RANK: String(slot) };
  return role === 'replica' ? { FAIRLEAD_REPLICA: String(slot) } : {};
}

/** The nodes of a gang have one result together, which the first delivers. */
function deliversOutputs({ role, slot }: Attempt): boolean {
  return role !== 'node' || slot === 0;
}

/** What was settled for this lease comes before what the job says, which leaves it open then. */
function checkpointFor(
  { agreed }: Attempt,
  { checkpoint }: Job['spec'],
): BootstrapOptions['checkpoint'] {
  if (checkpoint === null) return null;
  const { path, intervalMs } = checkpoint;
  return { path, intervalMs: agreed?.checkpointEveryMs ?? intervalMs, signal: null };
}
