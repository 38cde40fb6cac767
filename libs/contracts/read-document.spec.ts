import { MAX_YAML_DEPTH, MAX_YAML_NODES, readDocument } from './read-document';

const smallest = { name: 'hello', image: 'alpine:3.22', command: ['echo', 'hello'] };

describe('documents', () => {
  it('reads YAML and JSON to the same job', () => {
    const yaml = 'name: hello\nimage: alpine:3.22\ncommand: [echo, hello]\n';
    const read = readDocument(yaml, 'yaml');
    expect(read).toEqual({ ok: true, value: smallest });
    expect(readDocument(JSON.stringify(smallest), 'json')).toEqual(read);
  });

  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
    .split('')
    .map((name, index) => `${name}: &${name} [${`*${'abcdefghi'[index]},`.repeat(9)}]`)
    .join('\n')}`;
  const refused = [
    ['an alias bomb', bomb, 'yaml'],
    ['a key twice', 'name: a\nname: b', 'yaml'],
    ['two documents', 'a: 1\n---\nb: 2', 'yaml'],
    ['broken JSON', '{"a":', 'json'],
    ['too much text', ' '.repeat(1024 * 1024 + 1), 'json'],
    ['endless nesting', '['.repeat(500_000), 'yaml'],
  ] as const;
  it.each(refused)('refuses %s', (_reason, text, format) => {
    expect(readDocument(text, format)).toMatchObject({ ok: false });
  });

  it('reads as many keys as a document may have, and finds the one that comes twice', () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `k${index}: v\n`);
    const read = readDocument(lines.join(''), 'yaml');
    expect(read.ok && Object.keys(Object(read.value))).toHaveLength(20_000);
    expect(readDocument(`${lines.join('')}k7: w\n`, 'yaml')).toMatchObject({
      ok: false,
      problems: [{ pointer: '/k7', code: 'duplicate-key' }],
    });
  });

  it('points to keys that come twice further down, each of them', () => {
    const text = 'env: {a: 1, a/b: 2, "a/b": 3}\nlist:\n  - 1: x\n    "1": y\n';
    const read = readDocument(text, 'yaml');
    const pointers = read.ok ? [] : read.problems.map(({ pointer }) => pointer);
    expect(pointers.toSorted()).toEqual(['/env/a~1b', '/list/0/1']);
  });

  const crowded = [
    ['empty entries', '- \n'.repeat(349_525)],
    ['short keys', Array.from({ length: 100_000 }, (_, index) => `k${index}: v\n`).join('')],
    ['a flow list', `[${'1,'.repeat(500_000)}1]`],
    ['empty lines', '\n'.repeat(1024 * 1024)],
    ['just too many values', `[${'1,'.repeat(MAX_YAML_NODES)}1]`],
  ] as const;
  it.each(crowded)('refuses a large document of %s by the number of its parts', (_what, text) => {
    expect(readDocument(text, 'yaml')).toMatchObject({
      ok: false,
      problems: [{ pointer: '', code: 'too-large' }],
    });
  });

  it('reads a large document of few parts', () => {
    const value = 'x'.repeat(1_000_000);
    expect(readDocument(`a: ${value}\n`, 'yaml')).toEqual({ ok: true, value: { a: value } });
  });

  it('reads what is nested as deep as may be, and nothing deeper', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}1${']'.repeat(depth)}`;
    expect(readDocument(nested(MAX_YAML_DEPTH), 'yaml').ok).toBe(true);
    for (const text of [nested(MAX_YAML_DEPTH + 1), '- '.repeat(MAX_YAML_DEPTH + 2)])
      expect(readDocument(text, 'yaml')).toMatchObject({ problems: [{ code: 'too-deep' }] });
  });

  it('refuses keys that are no words', () => {
    for (const text of ['? [a, b]\n: 1\n', 'a: &x b\n*x : 1\n'])
      expect(readDocument(text, 'yaml')).toMatchObject({ ok: false });
  });
});
