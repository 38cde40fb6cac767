import type { ProviderErrorKind } from './failover';
import type { SourceFreshness } from './freshness';

/**
 * What a source of prices serves: offers with their prices (`listing`, one for each provider), prices alone, past spot prices,
 * worth of tokens and currencies, or capacity bought by contract.
 */
export const feedKinds = ['listing', 'prices', 'spot-history', 'fx', 'sheet'] as const;
export type FeedKind = (typeof feedKinds)[number];

/** What a feed says of itself. */
export interface FeedTerms {
  /** `provider/what`, or `fx/source`. Offers name it as their `source`. */
  readonly id: string;
  readonly kind: FeedKind;
  /** From the end of one pass to the start of the next. */
  readonly everyMs: number;
  /** What was read is refused by decisions when it is older. */
  readonly staleAfterMs: number;
}

/** How far the reading of a feed has come, and how it has been going. */
export interface FeedState extends FeedTerms {
  /** Where the pass under way goes on, in words of the feed's own; between passes, where the next begins. Null: at the start. */
  readonly cursor: string | null;
  /** When the pass under way began, or null between passes. */
  readonly passStartedAtMs: number | null;
  /** When the last pass that came to its end began: everything that it read is at least as young. Null before the first. */
  readonly readAtMs: number | null;
  readonly triedAtMs: number | null;
  /** What the last try ended with, or null when it went well. */
  readonly error: { readonly kind: ProviderErrorKind; readonly text: string } | null;
  /** Failures since the last success. */
  readonly failures: number;
  readonly nextTryAtMs: number;
  /** Items read in the pass under way, else in the last. */
  readonly items: number;
}

/** The first wait after a failure; each further one doubles it. */
const FIRST_BACK_OFF_MS = 15_000;
/** A feed that fails is tried this often at the least, however rarely it is read when it goes well. */
const MAX_BACK_OFF_MS = 3_600_000;
const MAX_DOUBLINGS = 20;
/** Longer texts of errors are cut. */
const MAX_ERROR_CHARACTERS = 300;

/** A feed that nobody has read yet, due at once. */
export function newFeedState(terms: FeedTerms, nowMs: number): FeedState {
  const { id, kind, everyMs, staleAfterMs } = terms;
  return {
    id,
    kind,
    everyMs,
    staleAfterMs,
    cursor: null,
    passStartedAtMs: null,
    readAtMs: null,
    triedAtMs: null,
    error: null,
    failures: 0,
    nextTryAtMs: nowMs,
    items: 0,
  };
}

/** A page was read and stored: a crash from here on goes on behind it. */
export function pageRead(
  state: FeedState,
  page: { readonly cursor: string | null; readonly done: boolean; readonly items: number },
  nowMs: number,
): FeedState {
  const passStartedAtMs = state.passStartedAtMs ?? nowMs;
  const isFirst = state.passStartedAtMs === null;
  return {
    ...state,
    cursor: page.cursor,
    passStartedAtMs: page.done ? null : passStartedAtMs,
    readAtMs: page.done ? passStartedAtMs : state.readAtMs,
    triedAtMs: nowMs,
    error: null,
    failures: 0,
    nextTryAtMs: page.done ? nowMs + state.everyMs : nowMs,
    items: (isFirst ? 0 : state.items) + page.items,
  };
}

/** A try failed: the cursor stays, and the next try waits twice as long as the last wait, or as long as the source asks for. */
export function readFailed(
  state: FeedState,
  error: {
    readonly kind: ProviderErrorKind;
    readonly text: string;
    readonly retryAfterMs: number | null;
  },
  nowMs: number,
): FeedState {
  const doubled = FIRST_BACK_OFF_MS * 2 ** Math.min(state.failures, MAX_DOUBLINGS);
  const backOffMs = Math.min(Math.max(doubled, error.retryAfterMs ?? 0), MAX_BACK_OFF_MS);
  return {
    ...state,
    triedAtMs: nowMs,
    error: { kind: error.kind, text: error.text.slice(0, MAX_ERROR_CHARACTERS) },
    failures: state.failures + 1,
    nextTryAtMs: nowMs + backOffMs,
  };
}

/** How fresh a feed's prices are, or null before its first pass has come to its end. */
export function feedFreshness({ readAtMs, staleAfterMs }: FeedState): SourceFreshness | null {
  return readAtMs === null ? null : { readAtMs, staleAfterMs };
}
