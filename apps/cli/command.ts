import type { Command } from 'commander';
import type { Session } from './session';

/** Runs what a command does and keeps its exit code; nothing returned is success. */
export type RunAction = (action: (session: Session) => Promise<number | void>) => Promise<void>;

/** Adds one command to the program. */
export type AddCommand = (program: Command, run: RunAction) => void;
