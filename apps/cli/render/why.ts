import type { WhyView } from '#libs/contracts';
import { dollars, duration, perHour, relative } from './amounts';
import { renderState } from './job';
import type { Paint } from './paint';
import { renderTerms } from './plan';
import { facts, printable, table } from './table';

type Entry = readonly [string, string | null];

/** One answer for engineer, finance and ops. */
export function renderWhy(why: WhyView, nowMs: number, paint: Paint): string {
  const blocks = [
    `${paint.strong(why.jobId)} ${renderState(why, paint)}`,
    why.sentences.map(printable).join('\n'),
    facts([
      ['where', whereOf(why, nowMs)],
      ...chosenOf(why, nowMs),
      ['next best', nextBestOf(why)],
      ['cost', costOf(why, paint)],
      ['waiting for', waitingOf(why, nowMs)],
    ]),
    reasonsOf(why),
    rulesOf(why),
    attemptsOf(why, paint),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

function whereOf({ where }: WhyView, nowMs: number): string | null {
  if (where === null) return null;
  const { offerId, country, phase, number, pricePerHourMicroUsd, since } = where;
  return (
    `${offerId} in ${country ?? 'an unknown country'}, attempt ${number} ${phase} ` +
    `for ${duration(nowMs - Date.parse(since))}, ${perHour(pricePerHourMicroUsd)}`
  );
}

function chosenOf({ chosen }: WhyView, nowMs: number): readonly Entry[] {
  if (chosen === null) return [];
  const { offerId, rank, decidedAt, policyVersion, expectedCostMicroUsd, terms, decisionId } =
    chosen;
  const { effective } = chosen;
  const place = rank === null ? '' : `, rank ${rank}`;
  return [
    ['chosen', `${offerId}${place}, decided ${relative(decidedAt, nowMs)}`],
    [
      'expected',
      expectedCostMicroUsd === null
        ? null
        : `${dollars(expectedCostMicroUsd)}${terms === null ? '' : ` = ${renderTerms(terms)}`}`,
    ],
    ['job-hour', effective === null ? null : dollars(effective.perJobHourMicroUsd)],
    ['paid by', effective?.commitment ?? null],
    ['decision', `${decisionId} under policy ${policyVersion}`],
  ];
}

function nextBestOf({ nextBest }: WhyView): string | null {
  if (nextBest === null) return null;
  const { offerId, expectedCostMicroUsd, differenceMicroUsd } = nextBest;
  const difference =
    differenceMicroUsd >= 0
      ? `${dollars(differenceMicroUsd)} more`
      : `${dollars(-differenceMicroUsd)} less`;
  return `${offerId}, ${dollars(expectedCostMicroUsd)}, ${difference}`;
}

function costOf({ cost, baseline }: WhyView, paint: Paint): string {
  const max = cost.maxMicroUsd === null ? '' : ` of at most ${dollars(cost.maxMicroUsd)}`;
  const soFar = `${dollars(cost.soFarMicroUsd)}${max}`;
  if (cost.baselineMicroUsd === null || cost.savingMicroUsd === null || baseline === null)
    return soFar;
  const saving =
    cost.savingMicroUsd >= 0
      ? paint.good(`saving ${dollars(cost.savingMicroUsd)}`)
      : paint.warn(`${dollars(-cost.savingMicroUsd)} more`);
  return `${soFar}; ${dollars(cost.baselineMicroUsd)} at ${baseline.offerId}, ${saving}`;
}

function waitingOf({ waitingFor }: WhyView, nowMs: number): string | null {
  if (waitingFor === null) return null;
  const { awaited, until } = waitingFor;
  const offers = awaited.length === 0 ? 'a decision' : awaited.join(', ');
  return `${offers}${until === null ? '' : `, looked at again ${relative(until, nowMs)}`}`;
}

function reasonsOf({ reasons }: WhyView): string {
  if (reasons.length === 0) return '';
  return table(
    [{ title: 'REFUSED FOR' }, { title: 'OFFERS', align: 'right' }, { title: 'REMEDY' }],
    reasons.map(({ code, offersRefused, remedy }) => [code, String(offersRefused), remedy]),
  );
}

function rulesOf({ rules }: WhyView): string {
  if (rules.length === 0) return '';
  return table(
    [{ title: 'POLICY RULE' }, { title: 'OFFERS', align: 'right' }, { title: 'BECAUSE' }],
    rules.map(({ ruleId, offersRefused, because }) => [
      ruleId,
      String(offersRefused),
      because ?? '',
    ]),
  );
}

function attemptsOf({ attempts }: WhyView, paint: Paint): string {
  if (attempts.length === 0) return '';
  return table(
    [
      { title: 'ATTEMPT', align: 'right' },
      { title: 'OFFER' },
      { title: 'OUTCOME' },
      { title: 'EXIT', align: 'right' },
      { title: 'COST', align: 'right' },
    ],
    attempts.map(({ number, offerId, outcome, exitCode, costMicroUsd }) => [
      String(number),
      offerId,
      outcome === 'succeeded' ? paint.good(outcome) : (outcome ?? 'in progress'),
      exitCode === null ? '' : String(exitCode),
      dollars(costMicroUsd),
    ]),
  );
}
