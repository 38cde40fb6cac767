import { problemsOfRoute, routes, type Route } from '#libs/contracts';

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}
h2{margin-top:2.5rem;text-transform:capitalize}details{border-bottom:1px solid #ddd;padding:.4rem 0}
summary{cursor:pointer}code,pre{font:14px/1.4 ui-monospace,monospace}pre{background:#f5f5f5;padding:1rem;overflow:auto}
b{display:inline-block;min-width:4.5rem;font-weight:600;text-transform:uppercase}small{color:#555}
@media(prefers-color-scheme:dark){body{background:#161616;color:#eee}pre{background:#222}small{color:#aaa}details{border-color:#333}}`;

/** The API to browse: one page without scripts and without anything from outside, from the same table as the description. */
export function docsPage(version: string): string {
  const tags = [...new Set(routes.map(({ tag }) => tag))];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Fairlead API</title><style>${STYLE}</style></head><body>
<h1>Fairlead API <small>${escaped(version)}</small></h1>
<p>The same for programs: <a href="/openapi.json">openapi.json</a>. Send an API key as <code>Authorization: Bearer fl_…</code>.</p>
${tags.map(section).join('\n')}
</body></html>
`;
}

function section(tag: string): string {
  const entries = routes.filter((route) => route.tag === tag).map(entry);
  return `<h2 id="${escaped(tag)}">${escaped(tag)}</h2>\n${entries.join('\n')}`;
}

function entry(route: Route): string {
  const { id, method, path, summary, answers } = route;
  const results = answers.map(
    ({ status, description }) => `<li>${status} ${escaped(description)}</li>`,
  );
  const body = route.body?.[0]?.example;
  const answer = answers[0]?.content[0]?.example;
  return `<details id="${id}"><summary><b>${method}</b> <code>${escaped(path)}</code> <small>${escaped(summary)}</small></summary>
<p>For ${escaped(audience(route))}.</p>${example('Body', body)}<ul>${results.join('')}</ul>${example('Answer', answer)}
<p><small>Problems: ${problemsOfRoute(route).map(escaped).join(', ')}</small></p></details>`;
}

function audience({ access }: Route): string {
  if (access.kind === 'roles') return `keys with the role ${access.roles.join(', ')}`;
  return access.kind === 'public' ? 'everybody' : 'the supervisor of the attempt';
}

function example(title: string, value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return `<p>${title}</p><pre>${escaped(text)}</pre>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
