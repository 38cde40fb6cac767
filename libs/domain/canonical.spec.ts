import fc from 'fast-check';
import { canonicalJson } from './canonical';

/** The same value with the keys of every object in reverse. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, field]) => [key, reversed(field)]),
  );
}

describe('canonicalJson', () => {
  it('is JSON of the same value, the same for every order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it('sorts by code unit, spends no spaces, and leaves out what is undefined', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined, B: -0, é: true })).toBe(
      '{"B":0,"b":[1,{"c":"x","d":null}],"é":true}',
    );
  });

  it.each([
    NaN,
    Infinity,
    1n,
    undefined,
    () => 1,
    new Map(),
    new Date(0),
    [undefined],
    { a: [NaN] },
  ])('refuses %p, which JSON would lose', (value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });
});
