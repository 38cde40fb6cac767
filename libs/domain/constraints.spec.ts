import fc from 'fast-check';
import { placeMatcher } from './constraints';

describe('places', () => {
  it.each([
    ['aws', 'aws/us-east-1', true],
    ['aws', 'awsome/us-east-1', false],
    ['aws/us-*', 'aws/us-east-1', true],
    ['aws/us-*', 'aws/eu-west-1', false],
    ['*/us-*', 'akash/us-1', true],
    ['*/*-gov-*', 'aws/us-gov-west-1', true],
    ['*', 'aws/us-east-1', true],
    ['a*/us', 'akash/us', true],
    ['aws/us-east-1', 'aws/us-east-1', true],
    ['aws/us.east-1', 'aws/us-east-1', false],
    ['aws/a*a', 'aws/a', false],
    ['aws/a*a', 'aws/aa', true],
    ['AWS', 'aws/us-east-1', false],
  ])('%s and %s: %s', (glob, place, expected) => {
    expect(placeMatcher(glob)(place)).toBe(expected);
  });

  it('match as the pattern with `.*` for every star would', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    const place = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    fc.assert(
      fc.property(word, place, (glob, name) => {
        const pattern = new RegExp(`^p/${glob.replaceAll('*', '.*')}$`);
        expect(placeMatcher(`p/${glob}`)(`p/${name}`)).toBe(pattern.test(`p/${name}`));
      }),
      { numRuns: 2_000 },
    );
  });

  it('answer at once for a pattern of many stars', () => {
    const matches = placeMatcher(`aws/${'*a'.repeat(2_000)}b`);
    expect(matches(`aws/${'a'.repeat(5_000)}`)).toBe(false);
  });
});
