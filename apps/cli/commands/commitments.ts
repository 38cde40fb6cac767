import { Option } from 'commander';
import type { AddCommand } from '../command';
import { Failure } from '../failure';
import { renderCalibration, renderCommitments } from '../render/commitments';

interface SetOptions {
  readonly provider: string;
  readonly region?: string;
  readonly instanceType?: string;
  readonly gpu?: string;
  readonly from?: string;
  readonly until: string;
  readonly machines?: string;
  readonly hours?: string;
  readonly amount?: string;
}

/** Commitments: list, set, end. */
export const addCommitments: AddCommand = (program, run) => {
  const commitments = program
    .command('commitments')
    .description('list, set and end reservations and prepaid contracts');
  commitments
    .command('ls', { isDefault: true })
    .description('list what is paid for already and what is gone of it')
    .action(() =>
      run(async ({ api, paint, show }) => {
        const list = await api.commitments();
        show(list, () => renderCommitments(list.items, paint));
      }),
    );
  commitments
    .command('set')
    .description('say what is paid for already; exactly one of --machines, --hours and --amount')
    .argument('<name>', 'the name of the commitment')
    .requiredOption('--provider <id>', 'whose machines')
    .option('--region <region>', 'only there')
    .option('--instance-type <type>', 'only this kind of machine')
    .option('--gpu <model>', 'only machines with this GPU')
    .option('--from <day>', 'in force from then on; now by default')
    .requiredOption('--until <day>', 'not in force any more from then on')
    .addOption(new Option('--machines <n>', 'so many at a time').conflicts(['hours', 'amount']))
    .addOption(new Option('--hours <n>', 'so many machine hours').conflicts(['amount']))
    .option('--amount <amount>', 'so much of the list cost, for example "$5000"')
    .action((name: string, { machines, hours, ...rest }: SetOptions) =>
      run(async ({ api, paint, show }) => {
        if (machines === undefined && hours === undefined && rest.amount === undefined)
          throw new Failure('usage', 'no quantity is given', {
            remedy: 'give --machines, --hours or --amount',
          });
        const commitment = await api.setCommitment(name, {
          ...rest,
          ...numbered('machines', machines),
          ...numbered('hours', hours),
        });
        show(commitment, () => renderCommitments([commitment], paint));
      }),
    );
  commitments
    .command('end')
    .description('end a commitment now; leases that it pays for keep what was settled')
    .argument('<name>', 'the name of the commitment')
    .action((name: string) =>
      run(async ({ api, show }) => {
        await api.endCommitment(name);
        show({ name, ended: true }, () => `${name} pays for nothing new`);
      }),
    );
};

/** How good predictions have been. */
export const addCalibration: AddCommand = (program, run) => {
  program
    .command('calibration')
    .description('compare predicted with realised cost, by provider and market')
    .option('--provider <id>', 'only this one')
    .action((query: { readonly provider?: string }) =>
      run(async ({ api, paint, show }) => {
        const list = await api.calibration(query);
        show(list, () => renderCalibration(list.items, paint));
      }),
    );
};

/** What is no number is left for the router to refuse, which says what it wants. */
function numbered<N extends string>(name: N, text: string | undefined): { [K in N]?: number } {
  return text === undefined ? {} : ({ [name]: Number(text) } as { [K in N]: number });
}
