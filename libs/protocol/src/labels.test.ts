import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { EdgeError } from './errors.js';
import { matches, parseSelector } from './labels.js';

const lamp = { site: 'a', tier: 'x', 'example.org/kind': 'lamp' };

describe('a label selector', () => {
  it.each([
    ['', true],
    ['site=a', true],
    ['site==a', true],
    ['site=b', false],
    ['site!=b', true],
    ['site!=a', false],
    ['other!=a', true],
    ['tier in (x,y)', true],
    ['tier in ( y , z )', false],
    ['tier not in (y,z)', true],
    ['tier notin (y,z)', true],
    ['tier notin (x)', false],
    ['other not in (y)', true],
    ['site', true],
    ['other', false],
    ['!other', true],
    ['!site', false],
    ['site=a,tier in (x,y),!old', true],
    ['site=a,tier in (x,y),old', false],
    ['example.org/kind=lamp', true],
    ['constructor', false],
  ])('%s selects the lamp: %s', (text, expected) => {
    expect(matches(parseSelector(text), lamp)).toBe(expected);
  });

  it.each(['a=b=c', 'a in', 'a in (b', 'in (b)', '=a', 'a b', '!', '-a', 'a=ü', 'a in (b;c)'])(
    '%s is refused with the part that cannot be read',
    (text) => {
      expect(() => parseSelector(text)).toThrow(EdgeError);
    },
  );

  it('never throws anything but invalid_selector', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        try {
          matches(parseSelector(text), lamp);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_selector' });
        }
      }),
    );
  });
});
