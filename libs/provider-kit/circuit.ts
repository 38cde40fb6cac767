export interface CircuitSettings {
  /** Consecutive calls without an answer that open the circuit. */
  readonly failuresToOpen: number;
  /** How long it stays open before one call may try again. */
  readonly openForMs: number;
}

export const CIRCUIT_DEFAULTS: CircuitSettings = { failuresToOpen: 5, openForMs: 30_000 };

/** How a call bears on the circuit: the provider answered, it did not, or the call tells nothing. */
export type CircuitNews = 'answered' | 'no-answer' | 'nothing';

/** What a call did to the circuit: it is open until then, or it is closed again. */
export type CircuitChange =
  { readonly is: 'open'; readonly untilMs: number } | { readonly is: 'closed' };

/** Where circuits outlive the process: told of every change, asked once at the start. */
export interface CircuitRecord {
  /** Until when the circuit was left open by whoever ran before, or null. */
  openUntilMs(): number | null;
  /** Must not throw, and is not waited for. */
  changed(change: CircuitChange): void;
}

/**
 * Keeps calls away from a provider that does not answer. Closed until `failuresToOpen` calls in a row got no answer, then open for
 * `openForMs`, then half open: one call may try, and what becomes of it closes or opens the circuit again.
 */
export class Circuit {
  private failures = 0;
  private isProbing = false;

  /** `openUntilMs`: it begins open until then, and half open after that. */
  constructor(
    private readonly settings: CircuitSettings = CIRCUIT_DEFAULTS,
    private openUntilMs: number | null = null,
  ) {}

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

  /** Takes in what became of a call; returns what that changed, or null. */
  hear(news: CircuitNews, isProbe: boolean, nowMs: number): CircuitChange | null {
    if (isProbe) this.isProbing = false;
    if (news === 'answered') return this.close();
    return news === 'no-answer' ? this.countFailure(isProbe, nowMs) : null;
  }

  private close(): CircuitChange | null {
    const wasOpen = this.openUntilMs !== null;
    this.failures = 0;
    this.openUntilMs = null;
    return wasOpen ? { is: 'closed' } : null;
  }

  /** Calls that were under way when the circuit opened must not keep it open longer; only the probe may. */
  private countFailure(isProbe: boolean, nowMs: number): CircuitChange | null {
    this.failures += 1;
    const isDue = this.openUntilMs === null && this.failures >= this.settings.failuresToOpen;
    if (!isProbe && !isDue) return null;
    this.openUntilMs = nowMs + this.settings.openForMs;
    return { is: 'open', untilMs: this.openUntilMs };
  }
}
