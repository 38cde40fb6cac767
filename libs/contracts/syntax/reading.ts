/** What became of a text that a person wrote: the value, or what is wrong and what to write instead. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string; readonly remedy: string };

export const read = <T>(value: T): Reading<T> => ({ ok: true, value });

export const refuse = (message: string, remedy: string): Reading<never> => ({
  ok: false,
  message,
  remedy,
});

const QUOTED_CHARACTERS = 60;

/** A text as it appears in a message: quoted, on one line, and never long. */
export function quoted(text: string): string {
  const short = text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS - 1)}…` : text;
  return JSON.stringify(short);
}

/** Reads all parts, or reports the first that cannot be read. */
export function readEach<In, Out>(
  parts: readonly In[],
  readOne: (part: In) => Reading<Out>,
): Reading<readonly Out[]> {
  const values: Out[] = [];
  for (const part of parts) {
    const one = readOne(part);
    if (!one.ok) return one;
    values.push(one.value);
  }
  return read(values);
}

/** The parts of a comma-separated list, without the blanks around them. */
export function listParts(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
