/** Something that the person at the keyboard can act on; shown without a stack. */
export class SetupError extends Error {}

/** One line for the person who waits. */
export function tell(line) {
  process.stderr.write(`fairlead: ${line}\n`);
}
