import type { Rng } from '#libs/testkit';
import type { Agenda } from './workers';

/** The money contract's clauses; dropping any must break seeds, or the simulator would not be known to bite. */
export const clauses = [
  'stable-key',
  'write-ahead',
  'confirm-refusals',
  'wait-quiet',
  'sweep',
] as const;
export type Clause = (typeof clauses)[number];

/** What the parts of the world know of it. */
export interface Scene {
  readonly agenda: Agenda;
  readonly rng: Rng;
  /** Clauses of the money contract that do without in this play. */
  readonly dropped: ReadonlySet<Clause>;
}
