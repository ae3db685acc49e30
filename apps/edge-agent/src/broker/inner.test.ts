import { describe, expect, it } from 'vitest';
import { inner, innerAedes, unregistering } from './inner.js';

describe('an aedes whose inside is another one', () => {
  it.each([
    ['client', inner],
    ['broker', innerAedes],
    ['class', unregistering],
  ])('is said at once, not found out by a broken %s later', (_what, look) => {
    expect(() => look({ id: 'x' })).toThrow('the inside of aedes is another one than expected');
  });
});
