import type { WhyView } from '#libs/contracts';
import {
  formatUsd,
  microUsd,
  type AttemptOutcome,
  type AttemptPhase,
  type JobOutcome,
} from '#libs/domain';
import type { Story } from './story';

type Facts = Omit<WhyView, 'sentences'>;

const phaseWords: { readonly [P in AttemptPhase]: string } = {
  planned: 'is about to be placed at',
  acquiring: 'is asking for a lease at',
  confirming: 'was refused, and makes sure that nothing is left, at',
  starting: 'is starting at',
  running: 'is running at',
  releasing: 'is giving back its lease at',
  released: 'was at',
};

const outcomeWords: { readonly [O in JobOutcome]: string } = {
  completed: 'It completed.',
  'workload-failed': 'It failed: its workload ended with an error or ran too long.',
  'retries-exhausted': 'It was given up after its last retry.',
  'queue-timeout': 'It was given up because no capacity came in time.',
  'deadline-passed': 'It was given up because its deadline had passed.',
  'budget-exhausted': 'It was ended because its budget was used up.',
  unsupported: 'It was ended because a provider could not do what was asked.',
  cancelled: 'It was cancelled.',
};

const attemptWords: { readonly [O in AttemptOutcome]: string } = {
  succeeded: 'succeeded',
  'workload-failed': 'ended with an error',
  interrupted: 'was interrupted by the provider',
  refused: 'was refused by the provider',
  'start-timeout': 'did not start in time',
  'went-silent': 'was not heard of any more',
  'max-duration': 'ran as long as it may',
  'out-of-budget': 'used up the budget',
  cancelled: 'was cancelled',
  'price-drifted': 'became too dear',
  moved: 'was moved to a better place',
  unneeded: 'was given up because another one made it unnecessary',
  'gang-broken': 'was given up because a machine beside it was refused or lost',
};

/** The same answer in plain words, most important first. */
export function sentencesOf(facts: Facts, story: Story): string[] {
  return [
    ...standing(facts),
    ...choice(facts, story),
    ...history(facts),
    ...rules(facts),
    ...waiting(facts),
    ...money(facts),
  ];
}

function standing({ outcome, where, state }: Facts): readonly string[] {
  if (outcome !== null) return [outcomeWords[outcome]];
  if (where !== null)
    return [
      `It ${phaseWords[where.phase]} ${where.offerId} (attempt ${where.number}, ${perHour(where.pricePerHourMicroUsd)}).`,
    ];
  return [state === 'stopping' ? 'It is about to end.' : 'It waits for a place.'];
}

function choice({ chosen, nextBest }: Facts, { decision }: Story): readonly string[] {
  if (chosen === null || chosen.expectedCostMicroUsd === null || decision === null) return [];
  const { rankedCount, rejectedCount } = decision.summary;
  const place = chosen.rank === 1 ? 'the cheapest to finish' : `number ${chosen.rank}`;
  const first = `${chosen.offerId} was ${place} of ${rankedCount} ${plural(rankedCount, 'offer')} that could serve it (${rejectedCount} could not): ${usd(chosen.expectedCostMicroUsd)} expected under policy ${chosen.policyVersion}.`;
  const notes = predictionNotes(chosen.effective);
  if (nextBest === null) return [first, ...notes];
  const more = nextBest.differenceMicroUsd;
  const compared = more >= 0 ? `${usd(more)} more` : `${usd(-more)} less`;
  return [first, `The next best, ${nextBest.offerId}, was expected to cost ${compared}.`, ...notes];
}

/** What else went into the expectation: what is paid for already, and what earlier predictions taught. */
function predictionNotes(effective: NonNullable<Facts['chosen']>['effective']): readonly string[] {
  if (effective === null) return [];
  const { commitment, calibration } = effective;
  const paid = commitment === null ? [] : [`Commitment ${commitment} pays for the lease there.`];
  const corrected = Object.entries({
    interruption: calibration.interruption,
    'start-up': calibration.startUp,
    waiting: calibration.waiting,
  }).flatMap(([term, factor]) => (factor === 1 ? [] : [`${term} ×${factor}`]));
  if (corrected.length === 0) return paid;
  return [...paid, `Earlier predictions there were corrected: ${corrected.join(', ')}.`];
}

function history({ attempts }: Facts): readonly string[] {
  return attempts.flatMap(({ number, offerId, outcome, exitCode }) => {
    if (outcome === null || outcome === 'succeeded') return [];
    const code =
      exitCode === null || outcome !== 'workload-failed' ? '' : ` (exit code ${exitCode})`;
    return [`Attempt ${number} at ${offerId} ${attemptWords[outcome]}${code}.`];
  });
}

function rules({ rules: refusing }: Facts): readonly string[] {
  return refusing.map(
    ({ ruleId, offersRefused, because }) =>
      `Rule ${ruleId} refused ${offersRefused} ${plural(offersRefused, 'offer')}${because === null ? '' : `: ${because}`}.`,
  );
}

function waiting({ waitingFor, feasibility }: Facts): readonly string[] {
  if (waitingFor === null) return [];
  const { awaited } = waitingFor;
  const can = feasibility === null ? [] : feasibility.sentences;
  if (awaited.length === 0) return can;
  const count = `${awaited.length} ${plural(awaited.length, 'offer')}`;
  return [`It stands in line for ${count} that would serve it, first ${awaited[0]}.`, ...can];
}

function money({ cost, baseline }: Facts): readonly string[] {
  const spent = `It has cost ${usd(cost.soFarMicroUsd)} so far${cost.maxMicroUsd === null ? '' : ` of at most ${usd(cost.maxMicroUsd)}`}.`;
  if (cost.baselineMicroUsd === null || cost.savingMicroUsd === null || baseline === null)
    return [spent];
  const saved = cost.savingMicroUsd;
  const compared = saved >= 0 ? `${usd(saved)} were saved` : `it cost ${usd(-saved)} more`;
  return [
    spent,
    `The same work at ${baseline.offerId} would have cost ${usd(cost.baselineMicroUsd)}: ${compared}.`,
  ];
}

function usd(micros: number): string {
  return formatUsd(microUsd(micros));
}

function perHour(micros: number): string {
  return `${usd(micros)}/h`;
}

function plural(count: number, word: string): string {
  return count === 1 ? word : `${word}s`;
}
