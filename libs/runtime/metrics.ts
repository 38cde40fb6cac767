import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

/** How an attempt ended, for counting. */
export interface AttemptFigures {
  readonly providerId: string;
  readonly outcome: string;
}

/** One call of a provider, as the guard around each adapter reports it. */
interface CallFigures {
  readonly providerId: string;
  readonly verb: string;
  readonly errorKind: string | null;
  readonly durationMs: number;
}

interface RequestFigures {
  readonly method: string;
  /** The pattern of the path, never the path itself: there would be no end of them. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

const callBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const workBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];
/** The buckets that OpenTelemetry advises for HTTP. */
const httpBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** The finest delay of the event loop that is told apart; finer costs wake-ups of an idle process. */
const EVENT_LOOP_STEP_MS = 50;

/** The figures of a process. It fits wherever a part of the product reports some. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly calls = new Counter({
    name: 'fairlead_provider_calls_total',
    help: 'Calls of providers, by how they ended.',
    labelNames: ['provider', 'verb', 'error_type'],
    registers: [this.registry],
  });
  private readonly callSeconds = new Histogram({
    name: 'fairlead_provider_call_duration_seconds',
    help: 'How long calls of providers took, the wait for their rate limit included.',
    labelNames: ['provider', 'verb'],
    buckets: callBuckets,
    registers: [this.registry],
  });
  private readonly attempts = new Counter({
    name: 'fairlead_attempts_total',
    help: 'Attempts that ended, by how.',
    labelNames: ['provider', 'outcome'],
    registers: [this.registry],
  });
  private readonly orphans = new Counter({
    name: 'fairlead_orphan_leases_total',
    help: 'Leases found at providers that no attempt owns.',
    labelNames: ['provider'],
    registers: [this.registry],
  });
  private readonly rings = new Counter({
    name: 'fairlead_queue_rings_total',
    help: 'Wake-ups that were enqueued or lost.',
    labelNames: ['queue', 'fate'],
    registers: [this.registry],
  });
  private readonly workSeconds = new Histogram({
    name: 'fairlead_queue_work_duration_seconds',
    help: 'How long the work on a message took.',
    labelNames: ['queue', 'outcome'],
    buckets: workBuckets,
    registers: [this.registry],
  });
  private readonly decisionSeconds = new Histogram({
    name: 'fairlead_decision_duration_seconds',
    help: 'How long it took to decide where a job goes.',
    buckets: workBuckets,
    registers: [this.registry],
  });
  private readonly requestSeconds = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'How long HTTP requests took.',
    labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
    buckets: httpBuckets,
    registers: [this.registry],
  });

  constructor(service: string) {
    this.registry.setDefaultLabels({ service });
    collectDefaultMetrics({
      register: this.registry,
      eventLoopMonitoringPrecision: EVENT_LOOP_STEP_MS,
    });
  }

  observeCall({ providerId, verb, errorKind, durationMs }: CallFigures): void {
    this.calls.inc({ provider: providerId, verb, error_type: errorKind ?? '' });
    this.callSeconds.observe({ provider: providerId, verb }, durationMs / 1_000);
  }

  countAttempt({ providerId, outcome }: AttemptFigures): void {
    this.attempts.inc({ provider: providerId, outcome });
  }

  countOrphans(providerId: string, count: number): void {
    this.orphans.inc({ provider: providerId }, count);
  }

  countRings(queue: string, fate: string, count: number): void {
    this.rings.inc({ queue, fate }, count);
  }

  observeWork(queue: string, outcome: string, durationMs: number): void {
    this.workSeconds.observe({ queue, outcome }, durationMs / 1_000);
  }

  observeDecision(durationMs: number): void {
    this.decisionSeconds.observe(durationMs / 1_000);
  }

  observeRequest({ method, route, status, durationMs }: RequestFigures): void {
    this.requestSeconds.observe(
      { http_request_method: method, http_route: route, http_response_status_code: status },
      durationMs / 1_000,
    );
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** All figures in the text format of Prometheus. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}
