export interface CircuitSettings {
  /** Consecutive calls without an answer that open the circuit. */
  readonly failuresToOpen: number;
  /** How long it stays open before one call may try again. */
  readonly openForMs: number;
}

export const CIRCUIT_DEFAULTS: CircuitSettings = { failuresToOpen: 5, openForMs: 30_000 };

/** How a call bears on the circuit: the provider answered, it did not, or the call tells nothing. */
export type CircuitNews = 'answered' | 'no-answer' | 'nothing';

/**
 * Keeps calls away from a provider that does not answer. Closed until `failuresToOpen` calls in a row got no answer, then open for
 * `openForMs`, then half open: one call may try, and what becomes of it closes or opens the circuit again.
 */
export class Circuit {
  private failures = 0;
  private openUntilMs: number | null = null;
  private isProbing = false;

  constructor(private readonly settings: CircuitSettings = CIRCUIT_DEFAULTS) {}

  /** How long to stay away, or null when a call may be made. */
  refusalMs(nowMs: number): number | null {
    if (this.openUntilMs === null) return null;
    if (nowMs < this.openUntilMs) return this.openUntilMs - nowMs;
    return this.isProbing ? this.settings.openForMs : null;
  }

  /** Notes that an admitted call sets out; returns whether it is the one that tries a half-open circuit. */
  setOut(nowMs: number): boolean {
    const isProbe = this.openUntilMs !== null && nowMs >= this.openUntilMs && !this.isProbing;
    if (isProbe) this.isProbing = true;
    return isProbe;
  }

  /** Takes in what became of a call. */
  hear(news: CircuitNews, isProbe: boolean, nowMs: number): void {
    if (isProbe) this.isProbing = false;
    if (news === 'answered') this.close();
    if (news === 'no-answer') this.countFailure(isProbe, nowMs);
  }

  private close(): void {
    this.failures = 0;
    this.openUntilMs = null;
  }

  /** Calls that were under way when the circuit opened must not keep it open longer; only the probe may. */
  private countFailure(isProbe: boolean, nowMs: number): void {
    this.failures += 1;
    const isDue = this.openUntilMs === null && this.failures >= this.settings.failuresToOpen;
    if (isProbe || isDue) this.openUntilMs = nowMs + this.settings.openForMs;
  }
}
