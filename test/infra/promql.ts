/** What an expression of Prometheus speaks of. */
export interface Mentions {
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
}

const WORDS = new Set(['or', 'and', 'unless', 'by', 'without', 'on', 'ignoring', 'offset', 'bool']);

/** The names of metrics and labels in an expression; enough of the language for alerts and panels, and no check of its grammar. */
export function mentionsIn(expression: string): Mentions {
  const labels: string[] = [];
  const keep = (list: string): string => {
    labels.push(...(list.match(/[a-z_]\w*/gi) ?? []));
    return ' ';
  };
  const bare = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\{([^}]*)\}/g, (_, list: string) => keep(list))
    .replaceAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g, (_, list: string) => keep(list))
    .replaceAll(/\[[^\]]*\]|\boffset\s+\w+/g, ' ');
  const names = [...bare.matchAll(/[a-z_:][\w:]*(?!\w)(?!\s*\()/gi)].map(([name]) => name);
  return { metrics: names.filter((name) => !WORDS.has(name)), labels };
}

/** The metrics in a text in the format of Prometheus, with the labels that each has been seen with. */
export function metricsIn(exposition: string): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const line of exposition.split('\n')) {
    const [, name, list] = /^([a-z_:][\w:]*)(?:\{(.*)\})? \S/i.exec(line) ?? [];
    if (name === undefined) continue;
    const labels = found.get(name) ?? new Set<string>();
    for (const [, label = ''] of (list ?? '').matchAll(/(\w+)="/g)) labels.add(label);
    found.set(name, labels);
  }
  return found;
}
