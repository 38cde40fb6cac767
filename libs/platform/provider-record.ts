import { CIRCUIT_OPEN, asProviderId, type ProviderId } from '#libs/domain';
import type { CallMetrics, CallReport, CircuitChange, CircuitRecord } from '#libs/provider-kit';
import type { Clock, Log } from '#libs/runtime';
import type { CallTally, Health, Suspensions } from '#libs/storage';

/** How often what calls came to is handed in. */
const TALLY_EVERY_MS = 10_000;

interface ProviderRecordParts {
  readonly stores: { readonly health: Pick<Health, 'tally'>; readonly suspensions: Suspensions };
  readonly metrics: CallMetrics;
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn'>;
}

/**
 * What this process's calls show of providers, on record for all: how many calls got an answer, and circuits. An open circuit
 * is a suspension of the provider until it ends, so that nobody places there meanwhile, everybody sees it, and a process that
 * starts again goes on where it was. What cannot be written is lost, with a warning; calls do not wait for it.
 */
export class ProviderRecord implements CallMetrics {
  private readonly tallies = new Map<ProviderId, { calls: number; unanswered: number }>();
  private readonly openUntilMs = new Map<string, number>();
  private writing: Promise<unknown> = Promise.resolve();
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly parts: ProviderRecordParts) {}

  /** Reads which circuits are open, and begins to hand in tallies. */
  async begin(): Promise<void> {
    const { stores, clock } = this.parts;
    for (const { key, reason, untilMs } of await stores.suspensions.inForce(clock.nowMs()))
      if (reason === CIRCUIT_OPEN)
        this.openUntilMs.set(key, Math.max(untilMs, this.openUntilMs.get(key) ?? 0));
    this.timer = setInterval(() => this.handIn(), TALLY_EVERY_MS);
    this.timer.unref();
  }

  /** Hands in what is left; resolves when all is written. */
  async end(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    this.handIn();
    await this.writing;
  }

  observeCall(report: CallReport): void {
    this.parts.metrics.observeCall(report);
    // Feeds are not supply: where prices are read from may be somebody else.
    if (report.verb === 'readFeed') return;
    const tally = this.tallies.get(report.providerId) ?? { calls: 0, unanswered: 0 };
    tally.calls += 1;
    if (report.errorKind === 'unavailable') tally.unanswered += 1;
    this.tallies.set(report.providerId, tally);
  }

  circuitOf(providerId: ProviderId): CircuitRecord {
    return {
      openUntilMs: () => this.openUntilMs.get(providerId) ?? null,
      changed: (change) => this.write(() => this.record(providerId, change)),
    };
  }

  private async record(providerId: ProviderId, change: CircuitChange): Promise<void> {
    const { stores, clock } = this.parts;
    const circuit = { scope: 'provider' as const, key: providerId };
    if (change.is === 'closed') {
      const because = 'the provider answers again';
      const lift = { ...circuit, ofReason: CIRCUIT_OPEN, by: null, because };
      await stores.suspensions.lift({ ...lift, atMs: clock.nowMs() });
      return;
    }
    const fromMs = clock.nowMs();
    const { untilMs } = change;
    await stores.suspensions.add([
      { ...circuit, jobId: null, fromMs, untilMs, reason: CIRCUIT_OPEN },
    ]);
  }

  private handIn(): void {
    const atMs = this.parts.clock.nowMs();
    const tallies = [...this.tallies].map(([providerId, tally]): CallTally => ({
      providerId: asProviderId(providerId),
      ...tally,
      atMs,
    }));
    this.tallies.clear();
    if (tallies.length > 0) this.write(() => this.parts.stores.health.tally(tallies));
  }

  /** One after the other, so that a circuit that closes at once is not lifted before it was written. */
  private write(work: () => Promise<unknown>): void {
    this.writing = this.writing.then(work).catch((error: unknown) => {
      this.parts.log.warn({ error }, 'What was seen of a provider could not be written down.');
    });
  }
}
