import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { invariants } from '../simulation/invariants';
import { clauses } from '../simulation/scene';
import { platformSchema } from '#libs/platform';
import { baseConfigSchema, loadConfig } from '#libs/runtime';

const ROOT = join(__dirname, '..', '..');

const pages = [
  ...namesIn('.'),
  ...namesIn('infra'),
  ...namesIn('examples'),
  ...namesIn('docs', true),
  ...namesIn('libs/providers', true),
].filter((path) => path.endsWith('.md'));

describe.each(pages)('%s', (page) => {
  const text = read(page);

  it('links to what there is', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)/g)];
    const broken = links.filter(([, path = '', anchor = '']) => {
      const target = path === '' ? page : normalize(join(dirname(page), path));
      return !existsSync(join(ROOT, target)) || !hasAnchor(target, anchor);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  it('names commands that there are', () => {
    const scripts = Object.keys(JSON.parse(read('package.json')).scripts);
    const named = [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, script = '']) => script);
    expect(named.filter((script) => !scripts.includes(script))).toEqual([]);
  });

  it('names files that there are', () => {
    const paths = [...text.matchAll(/`((?:libs|apps|test|infra|docs|examples|tools)\/[\w./-]+)`/g)];
    expect(
      paths.map(([, path = '']) => path).filter((path) => !existsSync(join(ROOT, path))),
    ).toEqual([]);
  });
});

describe('README.md', () => {
  it('lists every setting with its default', () => {
    const rows = [...read('README.md').matchAll(/^\| `(\w+)`\s*\| (?:`([^`]*)`)?\s*\|/gm)];
    expect(rows.map(([, name, value]) => [name, value ?? null])).toEqual(settings());
  });
});

describe('ARCHITECTURE.md', () => {
  it('has the invariants in the words of the simulation', () => {
    const rows = [...read('ARCHITECTURE.md').matchAll(/^\| (I\d+) +\| (.*?) +\|$/gm)];
    expect(Object.fromEntries(rows.map(([, id, says]) => [id, says]))).toEqual(invariants);
  });

  it('has the clauses of the money contract by the names of their switches', () => {
    const rows = [...read('ARCHITECTURE.md').matchAll(/^\| `([a-z-]+)` +\|/gm)].map(
      ([, name]) => name,
    );
    expect(rows).toEqual([...clauses]);
  });
});

describe('docs/adr', () => {
  it('is numbered without gaps, each with context, decision and consequences', () => {
    const names = readdirSync(join(ROOT, 'docs/adr')).sort();
    expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(
      names.map((_, index) => index + 1),
    );
    for (const name of names) {
      expect(read(`docs/adr/${name}`)).toMatch(
        new RegExp(
          `^# ${name.slice(0, 4)} .*\\*\\*Context\\.\\*\\*.*\\*\\*Decision\\.\\*\\*.*\\*\\*Consequences\\.\\*\\*`,
          's',
        ),
      );
    }
  });
});

/** Variables and defaults as the runtime reads them: in the order of the schema, so that the two can be put together. */
function settings(): readonly (readonly [string, string | null])[] {
  const schema = baseConfigSchema.extend(platformSchema.shape);
  const asked: string[] = [];
  const env = new Proxy<Record<string, string | undefined>>(
    {},
    { get: (_env, name) => void asked.push(String(name)) },
  );
  const defaults = new Map<string, unknown>(Object.entries(loadConfig(schema, env)));
  return Object.keys(schema.shape).map((field, index) => [
    asked[index] ?? '',
    shown(defaults.get(field)),
  ]);
}

function shown(value: unknown): string | null {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value === undefined ? null : String(value);
}

function hasAnchor(target: string, anchor: string): boolean {
  if (anchor === '') return true;
  const headings = [...read(target).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(/\s/g, '-'),
  );
  return headings.includes(anchor.slice(1));
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function namesIn(folder: string, recursive = false): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
    .sort();
}
