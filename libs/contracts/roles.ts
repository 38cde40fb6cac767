/** What an API key may be: submitters run jobs, finance reads money, ops keeps things going, admin may do everything. */
export const roles = ['submitter', 'finance', 'ops', 'admin'] as const;
export type Role = (typeof roles)[number];

/** Who may call an operation. `roles` is never open to a key without one of them. */
export type Access =
  | { readonly kind: 'public' }
  | { readonly kind: 'roles'; readonly roles: readonly Role[] }
  /** Only the supervisor of the attempt that the address names. */
  | { readonly kind: 'attempt-token' };

const allow = (...allowed: readonly Role[]): Access => ({ kind: 'roles', roles: allowed });

/** The few kinds of access that operations choose from; admin is in each of them. */
export const access = {
  public: { kind: 'public' },
  supervisor: { kind: 'attempt-token' },
  everyone: allow('submitter', 'finance', 'ops', 'admin'),
  submit: allow('submitter', 'admin'),
  /** Things that may hold a job's data: its output and what it wrote. */
  jobData: allow('submitter', 'ops', 'admin'),
  operateJobs: allow('submitter', 'ops', 'admin'),
  money: allow('finance', 'ops', 'admin'),
  setBudgets: allow('finance', 'admin'),
  audit: allow('finance', 'ops', 'admin'),
  operate: allow('ops', 'admin'),
  admin: allow('admin'),
} as const satisfies Readonly<Record<string, Access>>;

/** Whether a key with these roles may call; an unknown role grants nothing. */
export function mayCall(operation: Access, held: readonly string[]): boolean {
  return operation.kind === 'roles' && operation.roles.some((role) => held.includes(role));
}
