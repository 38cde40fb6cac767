import { exitCodes } from '../exit-codes';
import { table } from './table';

/** The table at the end of the help. */
export function renderExitCodes(): string {
  const rows = Object.values(exitCodes).map(({ code, meaning }) => [`  ${code}`, meaning]);
  return `Exit codes:\n${table([{ title: '', align: 'right' }, { title: '' }], rows)}`;
}
