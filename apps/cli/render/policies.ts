import type { PolicySettingsView } from '#libs/contracts';
import type { MovedPolicy, PolicyHistory, SavedPolicy } from '../api-client';
import { relative } from './amounts';
import type { Paint } from './paint';
import { printable, table } from './table';

type State = SavedPolicy['state'];

/** Versions in the order in which they came, with a tick at those in force. */
export function renderPolicies(
  policies: readonly SavedPolicy[],
  nowMs: number,
  paint: Paint,
): string {
  if (policies.length === 0) return 'no policies';
  return table(
    ['', 'POLICY', 'VERSION', 'STATE', 'SAVED', 'BY'].map((title) => ({ title })),
    policies.map(({ active, name, version, state, activateAt, createdAt, createdBy }) => [
      active ? paint.good('✓') : '',
      name,
      String(version),
      stateOf(state, activateAt, nowMs),
      relative(createdAt, nowMs),
      createdBy,
    ]),
  );
}

function stateOf(state: State, activateAt: string | null, nowMs: number): string {
  return state === 'scheduled' && activateAt !== null
    ? `${state}, ${relative(activateAt, nowMs)}`
    : state;
}

/** A version that was saved, and how to put it in force. */
export function renderPolicyVersion({ name, version, active }: SavedPolicy, paint: Paint): string {
  const what = paint.strong(`${name} version ${version}`);
  if (active) return `${what} says the same and is in force`;
  return [
    `saved ${what}, not in force yet`,
    `put it in force: fairlead policies activate ${name} ${version}`,
  ].join('\n');
}

/** What to do next with a version that stands there; nothing for those that need nothing. */
const next: { readonly [S in State]?: (name: string, version: number) => string } = {
  'awaiting-approval': (name, version) =>
    `somebody else has to agree: fairlead policies approve ${name} ${version}`,
  'awaiting-retirement': (name, version) =>
    `in force until somebody else agrees: fairlead policies approve ${name} ${version}`,
  approved: (name, version) => `put it in force: fairlead policies activate ${name} ${version}`,
};

/** Where a version stands after a step. */
export function renderMoved(name: string, { version, changed }: MovedPolicy, paint: Paint): string {
  if (version === null) return `${name} is out of force`;
  const { state, activateAt } = version;
  const when = activateAt === null ? '' : ` for ${activateAt}`;
  const was = changed ? '' : ', as it was before';
  const words = version.active && state === 'active' ? 'in force' : state;
  return [
    `${paint.strong(`${name} version ${version.version}`)} is ${words}${when}${was}`,
    ...(next[state] === undefined ? [] : [next[state](name, version.version)]),
  ].join('\n');
}

/** Versions, then what has happened, newest first. */
export function renderHistory(history: PolicyHistory, nowMs: number, paint: Paint): string {
  const events = table(
    ['WHEN', 'VERSION', 'WHAT', 'NOW', 'BY', 'WHY'].map((title) => ({ title })),
    history.events.map(({ at, version, type, to, by, comment }) => [
      relative(at, nowMs),
      String(version),
      type,
      to,
      by,
      comment ?? '',
    ]),
  );
  return `${renderPolicies(history.versions, nowMs, paint)}\n\n${events}`;
}

/** Where a second person is needed. */
export function renderSettings(
  { requireApproval, projects }: PolicySettingsView,
  paint: Paint,
): string {
  const everywhere = requireApproval
    ? `every change of a policy ${paint.strong('needs a second person')}`
    : 'changes of policies need no second person';
  const names = projects.map(({ project }) => project).join(', ');
  return printable(
    projects.length === 0 ? everywhere : `${everywhere}\nprojects that ask for one: ${names}`,
  );
}
