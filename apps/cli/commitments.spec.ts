import { exitCodes } from './exit-codes';
import { against } from './testing/against';
import { example } from './testing/examples';
import type { Replies } from './testing/stand-in';

const stored: Replies = { putCommitment: () => ({ document: example('putCommitment') }) };
const set = ['commitments', 'set', 'year', '--provider', 'nimbus', '--until', '2099-01-01'];

describe('commitments on the command line', () => {
  it('sends the quantity as a number, and what else was said as it is', async () => {
    const { heard, exitCode } = await against(stored, [...set, '--gpu', 'H100', '--machines', '8']);
    expect(exitCode).toBe(0);
    expect(heard[0]).toMatchObject({
      path: { name: 'year' },
      body: { provider: 'nimbus', until: '2099-01-01', gpu: 'H100', machines: 8 },
    });
  });

  it('refuses to guess a quantity', async () => {
    const { stderr, exitCode } = await against({}, set);
    expect(exitCode).toBe(exitCodes.usage.code);
    expect(stderr).toContain('give --machines, --hours or --amount');
    const two = await against({}, [...set, '--hours', '1', '--machines', '1']);
    expect(two.exitCode).toBe(exitCodes.usage.code);
  });

  it('ends one by its name', async () => {
    const ended: Replies = { endCommitment: () => 'empty' };
    const { stdout, heard } = await against(ended, ['commitments', 'end', 'year']);
    expect(stdout).toContain('year pays for nothing new');
    expect(heard[0]?.path).toEqual({ name: 'year' });
  });
});
