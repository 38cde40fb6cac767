import { builtinPolicies } from '#apps/policy-engine/builtin/builtin-policies';
import { compilePolicies } from '#apps/policy-engine/compile-policy';
import { decide, type CompiledPolicy, type Offer } from '#libs/domain';
import { goldenCases, jobOf } from '../golden/golden-cases';
import type { Bench, Benchmark } from './bench';
import { percentile, timeEach, timeRow, type Row } from './measure';
import { syntheticBook } from './offer-books';

interface Size {
  readonly name: string;
  readonly offers: number;
  /** Times that each of the jobs is decided. */
  readonly rounds: number;
  readonly warmUpRounds: number;
}

const sizes: readonly Size[] = [
  { name: 'decide.1k', offers: 1_000, rounds: 20, warmUpRounds: 10 },
  { name: 'decide.10k', offers: 10_000, rounds: 5, warmUpRounds: 1 },
  { name: 'decide.100k', offers: 100_000, rounds: 2, warmUpRounds: 0 },
];

const P99 = 0.99;

/** How long one decision takes over books of several sizes, beside a bare loop over the same offers. */
export const decideBenchmarks: readonly Benchmark[] = sizes.map((size) => ({
  rows: [size.name, `${size.name}.p99`],
  measure: async (bench) => measureSize(size, bench),
}));

function measureSize({ name, offers, rounds, warmUpRounds }: Size, bench: Bench): readonly Row[] {
  const book = syntheticBook(offers);
  const policy = compiledBuiltins();
  const jobs = goldenCases.map(jobOf);
  const decideNext = (n: number): number => {
    const job = jobs[n % jobs.length];
    if (job === undefined) throw new Error('there are no jobs to decide');
    const input = { job, policy, offers: book, health: {}, suspensions: [], nowMs: 0 };
    return decide(input).ranked.length;
  };
  timeEach(warmUpRounds * jobs.length, decideNext);
  timeEach(warmUpRounds * jobs.length, () => totalPrice(book));
  const oursMs = timeEach(rounds * jobs.length, decideNext);
  const bareMs = timeEach(rounds * jobs.length, () => totalPrice(book));
  bench.note(
    `${name}: median and 99th percentile of ${oursMs.length} decisions over ${offers} offers: ${jobs.length} jobs, one or more for ` +
      'each row of the workload guide, under the built-in policies. The limit is a loop over the same offers that adds up their prices.',
  );
  return [
    timeRow(name, percentile(oursMs, 0.5), percentile(bareMs, 0.5)),
    timeRow(`${name}.p99`, percentile(oursMs, P99), percentile(bareMs, P99)),
  ];
}

/** The least that any decision has to do: read every offer's price. */
function totalPrice(book: readonly Offer[]): number {
  let total = 0;
  for (const { pricePerHour } of book) total += pricePerHour;
  return total;
}

function compiledBuiltins(): CompiledPolicy {
  const result = compilePolicies(builtinPolicies);
  if (result.ok) return result.policy;
  throw new Error(result.problems.map(({ message }) => message).join('; '));
}
