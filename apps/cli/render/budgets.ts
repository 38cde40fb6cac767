import type { BudgetView } from '#libs/contracts';
import { dollars, share } from './amounts';
import type { Paint } from './paint';
import { table } from './table';

/** What is committed and spent of each budget. */
export function renderBudgets(budgets: readonly BudgetView[], paint: Paint): string {
  if (budgets.length === 0) return 'no budgets; set one with `fairlead budgets set PROJECT`';
  return table(
    [
      { title: 'PROJECT' },
      { title: 'MONTH' },
      ...['SPENT', 'COMMITTED', 'SOFT LIMIT', 'HARD LIMIT', 'USED'].map(
        (title) => ({ title, align: 'right' }) as const,
      ),
    ],
    budgets.map((budget) => [
      budget.project,
      budget.period,
      dollars(budget.spentMicroUsd),
      dollars(budget.committedMicroUsd),
      dollars(budget.softLimitMicroUsd),
      dollars(budget.hardLimitMicroUsd),
      usedOf(budget, paint),
    ]),
  );
}

function usedOf(
  { committedMicroUsd, softLimitMicroUsd, hardLimitMicroUsd }: BudgetView,
  paint: Paint,
): string {
  const limit = hardLimitMicroUsd ?? softLimitMicroUsd;
  if (limit === null) return '';
  const used = share(committedMicroUsd, limit);
  if (hardLimitMicroUsd !== null && committedMicroUsd >= hardLimitMicroUsd) return paint.bad(used);
  const isAboveSoft = softLimitMicroUsd !== null && committedMicroUsd > softLimitMicroUsd;
  return isAboveSoft ? paint.warn(used) : used;
}
