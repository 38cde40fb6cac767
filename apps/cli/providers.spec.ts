import { against } from './testing/against';
import type { ProviderView } from '#libs/contracts';
import { example } from './testing/examples';

const change = { changeSuspensions: () => ({ document: { done: 'resumed', changed: 0 } }) };
const because = ['--because', 'it overheats'];

describe('providers suspend and resume', () => {
  it.each([
    { args: [], target: { scope: 'provider', key: 'akash' } },
    { args: ['--region', 'de'], target: { scope: 'provider-region', key: 'akash/de' } },
    { args: ['--host', 'h-7'], target: { scope: 'host', key: 'akash/h-7' } },
    {
      args: ['--offer', 'akash/de/h100/marketplace'],
      target: { scope: 'offer', key: 'akash/de/h100/marketplace' },
    },
  ])('means $target.scope with $args', async ({ args, target }) => {
    const suspend = ['providers', 'suspend', 'akash', '--for', '6h', ...because, ...args];
    const { heard, exitCode } = await against(change, suspend);
    expect(exitCode).toBe(0);
    const why = 'it overheats';
    expect(heard[0]?.body).toEqual({ do: 'suspend', ...target, because: why, for: '6h' });
    const resume = await against(change, ['providers', 'resume', 'akash', ...because, ...args]);
    expect(resume.heard[0]?.body).toEqual({ do: 'resume', ...target, because: why });
    expect(resume.stdout).toContain(`nothing kept ${target.key}`);
  });

  it.each([
    { reason: 'no reason', argv: ['suspend', 'akash', '--for', '6h'] },
    { reason: 'no time', argv: ['suspend', 'akash', ...because] },
    {
      reason: 'an offer of another provider',
      argv: ['resume', 'akash', '--offer', 'aws/x', ...because],
    },
    { reason: 'two things', argv: ['resume', 'akash', '--host', 'h', '--region', 'r', ...because] },
  ])('asks nothing when given $reason', async ({ argv }) => {
    const { heard, exitCode } = await against(change, ['providers', ...argv]);
    expect(exitCode).not.toBe(0);
    expect(heard).toEqual([]);
  });
});

describe('the list of providers', () => {
  const [provider] = example('listProviders')['items'] as readonly ProviderView[];
  const listed = async (wanted: object) =>
    (
      await against(
        { listProviders: () => ({ document: { items: [{ ...provider, ...wanted }] } }) },
        ['providers'],
      )
    ).stdout;

  it('keeps what was not measured apart from zero', async () => {
    const measured = { ...provider?.health[0], interruptionsPerHour: 0, startupP99Ms: null };
    const text = await listed({ health: [measured] });
    expect(text).toMatch(/ 0\.0 /);
    expect(text).toContain('not measured');
  });

  it('tells of a circuit that is not closed, and of suspensions', async () => {
    expect(await listed({})).not.toContain('answer');
    expect(await listed({ circuit: 'open' })).toContain('does not answer and is left alone');
    expect(await listed({ circuit: 'half-open' })).toContain('the next call tries it again');
  });
});
