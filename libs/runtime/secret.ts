import { inspect } from 'node:util';
import { z } from 'zod';

const MASK = '***';

/** A text that must not be seen: however it is printed, three stars come out. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself; for the one place that needs it. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}

/** A setting that becomes a secret when it is read. */
export const secretText = z.string().transform((text) => new Secret(text));
