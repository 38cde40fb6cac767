import type { AppliedView, PolicyDiffView } from '#libs/contracts';
import { counted } from './amounts';
import type { Paint } from './paint';
import { printable } from './table';

type Change = PolicyDiffView['changes'][number];
type Applied = AppliedView['policies'][number];

const signs: { readonly [C in Applied['change']]: (paint: Paint) => string } = {
  none: () => ' ',
  new: (paint) => paint.good('+'),
  changed: (paint) => paint.warn('~'),
  end: (paint) => paint.bad('-'),
};

/** Each policy with what changes about it, then all of it in one line. */
export function renderApplied({ policies, dryRun }: AppliedView, paint: Paint): string {
  const changed = policies.filter(({ change }) => change !== 'none');
  const blocks = changed.map((policy) => renderPolicy(policy, dryRun, paint));
  const same = policies.length - changed.length;
  const count = `${counted(changed.length, 'change')}, ${same} the same`;
  const awaits = changed.filter(({ state }) => state.startsWith('awaiting-'));
  const last = dryRun ? `${count}; nothing was done` : count;
  const hint = awaits.map(
    ({ name, version }) =>
      `somebody else has to agree: fairlead policies approve ${name} ${version}`,
  );
  return [...blocks, last, ...(dryRun ? [] : hint)].join('\n');
}

function renderPolicy(policy: Applied, dryRun: boolean, paint: Paint): string {
  const { name, change, version, state, changes, more } = policy;
  const becomes = dryRun ? 'would be' : 'is';
  const head = `${signs[change](paint)} ${paint.strong(name)} version ${version} ${becomes} ${state}`;
  return [head, ...renderChanges(change === 'changed' ? changes : [], more, paint)].join('\n');
}

/** The difference of two versions, place by place. */
export function renderDiff(
  { name, from, to, changes, more }: PolicyDiffView,
  paint: Paint,
): string {
  const before = from === null ? 'nothing' : `version ${from}`;
  const head = `${paint.strong(name)}: ${before} → version ${to}`;
  if (changes.length === 0) return `${head}: the same`;
  return [head, ...renderChanges(changes, more, paint)].join('\n');
}

function renderChanges(changes: readonly Change[], more: boolean, paint: Paint): readonly string[] {
  return [
    ...changes.flatMap((change) => renderChange(change, paint)),
    ...(more ? ['    and more'] : []),
  ];
}

function renderChange({ pointer, kind, before, after }: Change, paint: Paint): readonly string[] {
  return [
    `    ${printable(pointer === '' ? '(document)' : pointer)}`,
    ...(kind === 'added' ? [] : [paint.bad(`    - ${valueOf(before)}`)]),
    ...(kind === 'removed' ? [] : [paint.good(`    + ${valueOf(after)}`)]),
  ];
}

function valueOf(value: unknown): string {
  return printable(typeof value === 'string' ? value : JSON.stringify(value)).replaceAll(
    '\n',
    '\n      ',
  );
}

export function renderExport(files: readonly string[]): string {
  return files.length === 0 ? 'nothing is in force' : files.map(printable).join('\n');
}
