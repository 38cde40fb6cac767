import { readDocument } from './read-document';

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
});
