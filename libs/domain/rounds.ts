import type { Attempt, AttemptOutcome } from './attempt';
import type { OfferId } from './ids';
import type { RetryCause, JobOutcome } from './job';

type Meaning =
  | { readonly is: 'end'; readonly outcome: JobOutcome }
  | { readonly is: 'again'; readonly uses: RetryCause | null };

/** What the end of an attempt means for the job. `uses: null` costs no retry: the workload never had a chance. */
export const meaningOf: { readonly [O in AttemptOutcome]: Meaning } = {
  succeeded: { is: 'end', outcome: 'completed' },
  'workload-failed': { is: 'again', uses: 'error' },
  interrupted: { is: 'again', uses: 'interruption' },
  'went-silent': { is: 'again', uses: 'interruption' },
  'start-timeout': { is: 'again', uses: 'start-failure' },
  refused: { is: 'again', uses: null },
  moved: { is: 'again', uses: null },
  'price-drifted': { is: 'again', uses: null },
  unneeded: { is: 'again', uses: null },
  'gang-broken': { is: 'again', uses: null },
  'max-duration': { is: 'end', outcome: 'workload-failed' },
  'out-of-budget': { is: 'end', outcome: 'budget-exhausted' },
  cancelled: { is: 'end', outcome: 'cancelled' },
};

/** The tries of a job, oldest first; attempts that were planned together are one. */
export function roundsOf<A extends Pick<Attempt, 'round'>>(
  attempts: readonly A[],
): readonly (readonly A[])[] {
  const rounds = new Map<number, A[]>();
  for (const attempt of attempts) {
    const known = rounds.get(attempt.round);
    if (known === undefined) rounds.set(attempt.round, [attempt]);
    else known.push(attempt);
  }
  return [...rounds.values()];
}

/** The attempts of the last round, or none. */
export function lastRound<A extends Pick<Attempt, 'round'>>(attempts: readonly A[]): readonly A[] {
  return roundsOf(attempts).at(-1) ?? [];
}

/** Ends that say nothing about the round: the attempt was given up because of another. */
const followers: ReadonlySet<AttemptOutcome | null> = new Set<AttemptOutcome | null>([
  'unneeded',
  'gang-broken',
]);

/**
 * The attempt that a round stands and falls with. Of a hedged start the one that ran; of a gang the first that failed, since one
 * that is lost takes the others with it, and any of those that succeeded once all have.
 */
export function decisiveOf<A extends Pick<Attempt, 'role' | 'outcome'>>(
  round: readonly A[],
): A | undefined {
  const own = round.filter(({ outcome }) => !followers.has(outcome));
  if (round.some(({ role }) => role === 'node'))
    return own.find(({ outcome }) => outcome !== 'succeeded') ?? round.find(isFollower) ?? own[0];
  return own.find(({ outcome }) => outcome !== 'refused') ?? own.at(-1) ?? round.at(-1);
}

function isFollower({ outcome }: Pick<Attempt, 'outcome'>): boolean {
  return followers.has(outcome);
}

/** How many tries have been used up that count; the limit counts retries, so the first failure uses the first. */
export function retriesUsed(attempts: readonly Attempt[]): number {
  return roundsOf(attempts).filter((round) => {
    const outcome = decisiveOf(round)?.outcome ?? null;
    const meaning = outcome === null ? null : meaningOf[outcome];
    return meaning?.is === 'again' && meaning.uses !== null;
  }).length;
}

/**
 * The offers that have refused the job since it last got a lease, each once: every other one has its turn before the first
 * is asked again, however long confirming the refusals took.
 */
export function triedInRound(attempts: readonly Attempt[]): ReadonlySet<OfferId> {
  let tried = new Set<OfferId>();
  for (const round of roundsOf(attempts)) {
    if (decisiveOf(round)?.outcome !== 'refused') {
      tried = new Set();
      continue;
    }
    const refusing = new Set(
      round.filter(({ outcome }) => outcome === 'refused').map(({ offer }) => offer.id),
    );
    const isAgain = [...refusing].some((id) => tried.has(id));
    tried = new Set(isAgain ? refusing : [...tried, ...refusing]);
  }
  return tried;
}
