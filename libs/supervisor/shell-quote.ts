const NUL = '\0';

/**
 * Quotes any string as one shell word. `$` is closed off from a following `$` or `(`, because Kubernetes rewrites
 * `$$` and `$(NAME)` in the commands and variables that carry a bootstrap. Throws RangeError on NUL, which no process can be given.
 */
export function shellQuote(value: string): string {
  if (value.includes(NUL)) throw new RangeError('a NUL character cannot be passed to a process');
  const guarded = value.replaceAll("'", `'\\''`).replaceAll(/\$(?=[$(])/g, () => "$''");
  return `'${guarded}'`;
}
