import { routes } from '#libs/contracts';

export const JOB = 'job-019aa5c2f3b07e31';
const AT = '2026-11-21T09:30:00.000Z';
/** The example that the contract shows for an operation. */
export function example(operation: string): Readonly<Record<string, unknown>> {
  const route = routes.find(({ id }) => id === operation);
  const document = route?.answers[0]?.content[0]?.example;
  if (typeof document !== 'object' || document === null) throw new Error(`no ${operation}`);
  return { ...document };
}
export const running = example('getJob');
export const succeeded = { ...running, state: 'succeeded', outcome: 'completed', endedAt: AT };
export const failed = { ...running, state: 'failed', outcome: 'workload-failed', endedAt: AT };
export const [attempt] = example('listAttempts')['items'] as readonly object[];
export const attemptWith = (more: object) => ({ items: [{ ...attempt, ...more }] });
export const exitedWith = (code: number) =>
  attemptWith({ phase: 'released', exit: { code, reason: 'exited', at: AT } });
export const event = (sequence: number, type: string, data: object = {}) => ({
  sequence,
  at: AT,
  type,
  jobId: JOB,
  attemptId: null,
  data,
});
export const noOffer = (code: string) => {
  const { rejected, ...plan } = example('planJob');
  const [miss] = rejected as readonly object[];
  const reason = { code, text: 'because of that', remedy: 'do this', ruleId: null };
  const verdict = code === 'unavailable' || code === 'suspended' ? 'not-now' : 'never';
  const feasibility = {
    ...(plan['feasibility'] as object),
    verdict,
    sentences: [`no offer serves (${verdict})`, 'do this'],
  };
  const rejectedOne = [{ ...miss, reasons: [reason] }];
  return { ...plan, ranked: [], rankedCount: 0, rejected: rejectedOne, feasibility };
};
