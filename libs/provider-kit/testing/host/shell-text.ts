/** Shell as it is written: backslashes stay, only `\${` becomes `${`, and values are put in where they are named. */
export function shellText(strings: TemplateStringsArray, ...values: readonly string[]): string {
  return strings.raw
    .map((text, index) => text.replaceAll('\\${', '${') + (values[index] ?? ''))
    .join('')
    .trimStart();
}

/** One shell word. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
