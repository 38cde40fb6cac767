import { isDeepStrictEqual } from 'node:util';
import { builtinPolicies } from '#apps/policy-engine/builtin/builtin-policies';
import { compilePolicies } from '#apps/policy-engine/compile-policy';
import {
  decideIndexed,
  indexOffers,
  keptDecision,
  type CompiledPolicy,
  type DecisionScene,
  type Offer,
} from '#libs/domain';
import { goldenCases, jobOf } from '../golden/golden-cases';
import type { Bench, Benchmark } from './bench';
import { besideDefinition, median, percentile, timeEach, timeRow, type Row } from './measure';
import { syntheticBook } from './offer-books';
import { ruleSet } from './rule-sets';

interface Size {
  readonly name: string;
  readonly offers: number;
  /** Times that each of the jobs is decided on the index. */
  readonly rounds: number;
  /** How many of the jobs are decided by the definition as well. */
  readonly compared: number;
  /** What the slowest decision in a hundred should take at most. */
  readonly p99AimMs?: number;
}

const sizes: readonly Size[] = [
  { name: 'decide.1k', offers: 1_000, rounds: 60, compared: Infinity },
  { name: 'decide.10k', offers: 10_000, rounds: 40, compared: Infinity, p99AimMs: 1 },
  { name: 'decide.100k', offers: 100_000, rounds: 15, compared: 4, p99AimMs: 5 },
];

/** The policies in force: those that are shipped alone, and with as many rules of one's own. */
const ruleCounts: readonly (readonly [suffix: string, rules: number])[] = [
  ['', 0],
  ['.10-rules', 10],
  ['.200-rules', 200],
];

const P99 = 0.99;
const WARM_UP_ROUNDS = 10;
const LOOPS = 100;

/** How long one decision takes, all that is kept of it included, over books of several sizes and under policies of several sizes. */
export const decideBenchmarks: readonly Benchmark[] = sizes.map((size) => ({
  rows: ruleCounts.flatMap(([suffix]) => rowsOf(size, suffix)),
  measure: async (bench) => measureSize(size, bench),
}));

function rowsOf({ name }: Size, suffix: string): readonly string[] {
  return [`${name}${suffix}`, `${name}${suffix}.p99`, `${name}${suffix}.first`];
}

function measureSize(size: Size, bench: Bench): readonly Row[] {
  const book = syntheticBook(size.offers);
  const bareMs = timeEach(LOOPS, () => totalPrice(book));
  bench.note(
    `${size.name}: ${size.offers} offers, ${goldenCases.length} jobs in turn, one or more for each row of the workload guide, under ` +
      'the built-in policies, alone and with 10 and 200 rules of a company. Median and 99th percentile of a decision on the index, ' +
      `with everything that is kept of it, once each job has been seen (${WARM_UP_ROUNDS} rounds); "first" is the slowest of the first round, in ` +
      'which the answers of a new policy are gathered. "definition" is the plain function on the same, and "equal" whether both ' +
      'kept the same of all that were compared. The limit is a loop over the offers that adds up their prices.',
  );
  return ruleCounts.flatMap(([suffix, rules]) => measure(size, suffix, rules, book, bareMs));
}

function measure(
  size: Size,
  suffix: string,
  rules: number,
  book: readonly Offer[],
  bareMs: readonly number[],
): readonly Row[] {
  const scenes = scenesUnder(policyOf(rules));
  const index = indexOffers(book);
  const decideNext = (n: number): void => void decideIndexed(index, nth(scenes, n));
  const firstMs = timeEach(scenes.length, decideNext);
  timeEach(WARM_UP_ROUNDS * scenes.length, decideNext);
  const oursMs = timeEach(size.rounds * scenes.length, decideNext);
  const compared = scenes.slice(0, size.compared);
  let equal = true;
  const definitionMs = timeEach(compared.length, (n) => {
    const kept = keptDecision(nth(compared, n), book);
    equal &&= isDeepStrictEqual(decideIndexed(index, nth(compared, n)), kept);
  });
  const beside = { definitionMs: median(definitionMs), equal };
  const aim = size.p99AimMs === undefined ? {} : { aim: size.p99AimMs };
  const [name = '', p99 = '', first = ''] = rowsOf(size, suffix);
  return [
    besideDefinition(timeRow(name, median(oursMs), median(bareMs)), beside),
    besideDefinition(timeRow(p99, percentile(oursMs, P99), percentile(bareMs, P99)), {
      ...beside,
      ...aim,
    }),
    besideDefinition(timeRow(first, Math.max(...firstMs), median(bareMs)), beside),
  ];
}

/** The least that any decision has to do: read every offer's price. */
function totalPrice(book: readonly Offer[]): number {
  let total = 0;
  for (const { pricePerHour } of book) total += pricePerHour;
  return total;
}

/** The jobs of the workload guide under a policy, each a new object every time, as jobs come from a database. */
export function scenesUnder(policy: CompiledPolicy): readonly DecisionScene[] {
  const health = {};
  return goldenCases.map((golden) => ({
    job: jobOf(golden),
    policy,
    health,
    suspensions: [],
    nowMs: 0,
  }));
}

/** The built-in policies and so many rules besides. */
export function policyOf(rules: number): CompiledPolicy {
  const own = rules === 0 ? [] : [{ document: ruleSet(rules), version: 1 }];
  const result = compilePolicies([...builtinPolicies, ...own]);
  if (result.ok) return result.policy;
  throw new Error(result.problems.map(({ message }) => message).join('; '));
}

function nth<T>(all: readonly T[], n: number): T {
  const one = all[n % all.length];
  if (one === undefined) throw new Error('there is nothing to decide');
  return one;
}
