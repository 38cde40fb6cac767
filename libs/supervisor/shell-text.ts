/** Keeps backslashes as they are written, so that a script reads as shell; only `\${` is unescaped. */
export function shell(strings: TemplateStringsArray): string {
  return strings.raw.join('').replaceAll('\\${', '${');
}
