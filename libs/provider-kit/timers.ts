/** Time as the guard needs it. */
export interface Timers {
  nowMs(): number;
  /** Runs `action` once after `ms`; returns a cancel function. */
  setTimer(ms: number, action: () => void): () => void;
}
