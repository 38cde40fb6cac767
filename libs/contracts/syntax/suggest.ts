/** A word that is longer than this is no typing error of anything we know. */
const MAX_WORD = 64;
/** Letters that may be wrong; two swapped ones count as two. */
const TOLERATED_SHARE = 0.4;

/** The known word that `word` was probably meant to be, or null when none is near. */
export function closest(word: string, known: readonly string[]): string | null {
  if (word.length > MAX_WORD) return null;
  const wanted = plain(word);
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(wanted, plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  const tolerated = Math.max(1, Math.round(wanted.length * TOLERATED_SHARE));
  return best !== undefined && best.distance <= tolerated ? best.candidate : null;
}

/** Case, dashes and underscores make no other word. */
function plain(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, '');
}

/** Insertions, deletions and substitutions that turn one word into the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column += 1) {
      const substituted = (row[column - 1] ?? 0) + (to[column - 1] === letter ? 0 : 1);
      next.push(Math.min((row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1, substituted));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
