import type { CalibrationView, CommitmentView } from '#libs/contracts';
import { dollars, share } from './amounts';
import type { Paint } from './paint';
import { table } from './table';

/** What is paid for already, and how much of it is gone. */
export function renderCommitments(commitments: readonly CommitmentView[], paint: Paint): string {
  if (commitments.length === 0) return 'nothing is paid for in advance';
  return table(
    [
      { title: 'COMMITMENT' },
      { title: 'FOR' },
      { title: 'FROM' },
      { title: 'UNTIL' },
      { title: 'STATE' },
      { title: 'QUANTITY', align: 'right' },
      { title: 'USED', align: 'right' },
      { title: '', align: 'right' },
      { title: 'LEASES', align: 'right' },
    ],
    commitments.map((one) => [
      one.name,
      placeOf(one),
      one.from.slice(0, 10),
      one.until.slice(0, 10),
      one.state === 'in-force' ? paint.good(one.state) : paint.faint(one.state),
      ...usedOf(one),
      String(one.leases),
    ]),
  );
}

function placeOf({ provider, region, instanceType, gpu }: CommitmentView): string {
  return [[provider, region].filter((part) => part !== null).join('/'), instanceType, gpu]
    .filter((part) => part !== null)
    .join(' ');
}

function usedOf(one: CommitmentView): readonly string[] {
  const { machines, hours, amountMicroUsd, usedHours, usedMicroUsd } = one;
  const used = `${Math.round(usedHours * 10) / 10} h`;
  if (machines !== null) return [`${machines} machines`, used, ''];
  if (hours !== null) return [`${hours} h`, used, share(usedHours, hours)];
  const amount = amountMicroUsd ?? 0;
  return [dollars(amount), dollars(usedMicroUsd), share(usedMicroUsd, amount)];
}

/** Realised over predicted for each market, and what predictions are multiplied by. */
export function renderCalibration(markets: readonly CalibrationView[], paint: Paint): string {
  if (markets.length === 0) return 'no attempt has ended that a prediction could be compared with';
  const right = (title: string) => ({ title, align: 'right' }) as const;
  const grid = table(
    [
      { title: 'PROVIDER' },
      { title: 'MARKET' },
      ...['ATTEMPTS', 'CHARGE', 'INTERRUPTION', '', 'START-UP', '', 'WAITING', ''].map(right),
      right('IN 90 %'),
      right('JOBS'),
    ],
    markets.map((market) => [
      market.provider,
      market.market,
      tally(market.charge.weight),
      ratio(market.charge.ratio),
      ...corrected(market.interruption, paint),
      ...corrected(market.startUp, paint),
      ...corrected(market.waiting, paint),
      market.within90 === null ? '–' : `${Math.round(100 * market.within90)} %`,
      tally(market.finished),
    ]),
  );
  const note = 'realised over predicted; × is what predictions are multiplied by since';
  return `${grid}\n${paint.faint(note)}`;
}

function corrected(term: CalibrationView['startUp'], paint: Paint): readonly string[] {
  return [ratio(term.ratio), term.factor === 1 ? '' : paint.warn(`×${term.factor.toFixed(2)}`)];
}

function ratio(value: number | null): string {
  return value === null ? '–' : value.toFixed(2);
}

function tally(count: number): string {
  return String(Math.round(count * 10) / 10);
}
