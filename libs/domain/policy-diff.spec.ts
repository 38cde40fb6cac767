import { diffDocuments, MAX_DOCUMENT_CHANGES } from './policy-diff';

describe('the difference of two documents', () => {
  it.each<{ reason: string; before: unknown; after: unknown; changes: readonly unknown[] }>([
    {
      reason: 'the same in another order',
      before: { a: 1, b: [1] },
      after: { b: [1], a: 1 },
      changes: [],
    },
    {
      reason: 'a field that is new, gone or different',
      before: { a: 1, b: { c: 'x' } },
      after: { b: { c: 'y' }, d: true },
      changes: [
        { pointer: '/a', kind: 'removed', before: 1, after: null },
        { pointer: '/b/c', kind: 'changed', before: 'x', after: 'y' },
        { pointer: '/d', kind: 'added', before: null, after: true },
      ],
    },
    {
      reason: 'rules by their id, wherever they stand',
      before: { rules: [{ id: 'a', because: 'x' }, { id: 'b' }] },
      after: { rules: [{ id: 'b' }, { id: 'a', because: 'y' }, { id: 'c' }] },
      changes: [
        { pointer: '/rules/a/because', kind: 'changed', before: 'x', after: 'y' },
        { pointer: '/rules/c', kind: 'added', before: null, after: { id: 'c' } },
      ],
    },
    {
      reason: 'the first rule of all',
      before: { rules: [] },
      after: { rules: [{ id: 'a' }] },
      changes: [{ pointer: '/rules/a', kind: 'added', before: null, after: { id: 'a' } }],
    },
    {
      reason: 'other lists as wholes',
      before: { tags: ['a', 'b'] },
      after: { tags: ['b', 'a'] },
      changes: [{ pointer: '/tags', kind: 'changed', before: ['a', 'b'], after: ['b', 'a'] }],
    },
    {
      reason: 'a document that was not there',
      before: null,
      after: { a: 1 },
      changes: [{ pointer: '', kind: 'added', before: null, after: { a: 1 } }],
    },
    {
      reason: 'names that a pointer has to escape',
      before: { 'a/b~c': 1 },
      after: {},
      changes: [{ pointer: '/a~1b~0c', kind: 'removed', before: 1, after: null }],
    },
  ])('tells $reason', ({ before, after, changes }) => {
    expect(diffDocuments(before, after)).toEqual({ changes, more: false });
  });

  it('is bounded', () => {
    const many = Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`k${index}`, 1]));
    const { changes, more } = diffDocuments({}, many);
    expect([changes.length, more]).toEqual([MAX_DOCUMENT_CHANGES, true]);
  });
});
