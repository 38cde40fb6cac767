import { placedIn, type FieldProblem } from '#libs/contracts';

/** The texts of bodies that came as documents, kept for as long as the bodies are. */
const texts = new WeakMap<object, string>();

/** Keeps what a body was read from. */
export function rememberText(body: unknown, text: string): void {
  if (typeof body === 'object' && body !== null) texts.set(body, text);
}

/** The same problems with their lines and columns in the text that the body was read from, where it was one. */
export function placed(problems: readonly FieldProblem[], body: unknown): FieldProblem[] {
  const text = typeof body === 'object' && body !== null ? texts.get(body) : undefined;
  return [...(text === undefined ? problems : placedIn(text, problems))];
}
