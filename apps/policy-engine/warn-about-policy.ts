import {
  circumstances,
  ZERO_USD,
  type Circumstances,
  type Holds,
  type JobFacts,
  type Offer,
  type PolicyDocument,
} from '#libs/domain';
import type { Clock } from '#libs/runtime';
import type { JobFilter, Stores } from '#libs/storage';
import { analyse } from './analyse-policy';
import { compileDocument, type CompiledDocument, type RuleParts } from './compile-document';
import { factsOf } from './make-decision';
import { RuleContexts } from './policy-context';
import { problemAt, type DocumentPlace, type PolicyProblem } from './policy-problem';
import { subjectOf } from './policy-test-facts';

/** The latest jobs that a policy is tried on. */
export const SAMPLED_JOBS = 50;
/** How often rules are asked in one check; beyond that nothing is said of the rest. */
export const MAX_ASKED = 500_000;

const EVERY_JOB: JobFilter = { project: null, states: [], workload: null, label: null };

/** What deserves a look in a policy beside the others in force, the offers that there are, and the latest jobs. Stores nothing. */
export class WarnAboutPolicy {
  constructor(
    private readonly stores: Pick<Stores, 'policies' | 'offers' | 'jobs' | 'health'>,
    private readonly clock: Clock,
  ) {}

  async run(document: PolicyDocument): Promise<readonly PolicyProblem[]> {
    const nowMs = this.clock.nowMs();
    const contexts = new RuleContexts();
    const parts = compileDocument(document, contexts);
    const active = await this.stores.policies.active();
    const others = active.map((other) => compileDocument(other.document, contexts));
    const { offers } = await this.stores.offers.book();
    const { items } = await this.stores.jobs.list(EVERY_JOB, null, SAMPLED_JOBS);
    const jobs = items.map((job) => factsOf(job, ZERO_USD, nowMs));
    const around = circumstances(nowMs, await this.stores.health.snapshot());
    return [...analyse(parts, others).warnings, ...triedOn(parts, offers, jobs, around)];
  }
}

/** What rules, premiums and limits do to the offers that there are. */
export function triedOn(
  { rules, preferences, limits }: CompiledDocument,
  offers: readonly Offer[],
  jobs: readonly JobFacts[],
  around: Circumstances,
): readonly PolicyProblem[] {
  if (offers.length === 0) return [];
  const trial: Trial = { offers, jobs, around, asked: { left: MAX_ASKED } };
  return [
    ...rules.flatMap((rule) => refusesAll(rule, trial)),
    ...preferences.flatMap(({ premium, discount, compiled }) =>
      [premium, discount].flatMap((clause) => {
        const charge = compiled.charges.find(({ reads }) => reads === clause?.reads);
        if (clause === null || charge === undefined) return [];
        const isMatched: Holds =
          clause === premium ? charge.holds : (job, offer, at) => !charge.holds(job, offer, at);
        return matchesNone(isMatched, clause.place, trial);
      }),
    ),
    ...limits.flatMap(({ offers: clause, compiled }) =>
      clause === null ? [] : matchesNone(compiled.covers, clause.place, trial),
    ),
  ];
}

interface Trial {
  readonly offers: readonly Offer[];
  readonly jobs: readonly JobFacts[];
  readonly around: Circumstances;
  readonly asked: { left: number };
}

function refusesAll(
  { compiled, requires, forbids }: RuleParts,
  trial: Trial,
): readonly PolicyProblem[] {
  const { offers, around, asked } = trial;
  const concerned = trial.jobs.filter((job) => compiled.applies(job, around.nowMs));
  const stuck = concerned.filter((job) => {
    const left = offers.some((offer) => {
      asked.left -= 1;
      return (
        asked.left < 0 || compiled.holds(job, offer, around) === (compiled.effect === 'require')
      );
    });
    return !left;
  });
  const place = [...requires, ...forbids][0]?.place;
  if (stuck.length === 0 || place === undefined) return [];
  const all = offers.length === 1 ? 'the one offer' : `all ${offers.length} offers`;
  return [
    problemAt(
      place,
      `refuses ${all} that there are now for ${stuck.length} of the ${concerned.length} latest jobs that it is about`,
      'make sure that this is meant',
    ),
  ];
}

function matchesNone(
  matches: Holds,
  place: DocumentPlace,
  { offers, jobs, around, asked }: Trial,
): readonly PolicyProblem[] {
  const samples = jobs.length > 0 ? jobs : [subjectOf({}).job];
  const isMatched = samples.some((job) =>
    offers.some((offer) => {
      asked.left -= 1;
      return asked.left < 0 || matches(job, offer, around);
    }),
  );
  if (isMatched) return [];
  return [
    problemAt(
      place,
      `matches none of the ${offers.length} offers that there are now`,
      'make sure that this is meant',
    ),
  ];
}
