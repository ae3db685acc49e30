import { describe, expect, it } from 'vitest';
import { UsageError } from '../world/index.js';
import { containerOf, labelArguments, labelChanges, nounOf, referenceOf, seconds } from './index.js';

describe('a duration', () => {
  it.each([
    ['90s', 90],
    ['10m', 600],
    ['1h30m', 5400],
    ['30d', 2_592_000],
    ['2w', 1_209_600],
  ])('%s is %i seconds', (text, expected) => {
    expect(seconds(text)).toBe(expected);
  });

  it.each(['', '5', 'm', '5 m', '-5m', '5m!', '1.5h', '5x'])('is not "%s"', (text) => {
    expect(() => seconds(text)).toThrow(UsageError);
  });
});

describe('labels on the command line', () => {
  it('are key=value, the last of a key counts, and a value may be empty', () => {
    expect(labelArguments(['site=a', 'site=b', 'x='])).toEqual({ site: 'b', x: '' });
  });

  it('are taken away with a dash', () => {
    expect(labelChanges(['site=a', 'old-', 'a.b/c-d-', 'x=y-z'])).toEqual({
      site: 'a',
      old: null,
      'a.b/c-d': null,
      x: 'y-z',
    });
  });

  it.each([['site'], ['=a'], ['a b=c'], ['a=b c'], ['-'], ['a=b=c']])('are not "%s"', (text) => {
    expect(() => labelChanges([text])).toThrow(/is not a label: /);
  });

  it('that are wrong are told in words', () => {
    expect(() => labelArguments(['a b=c'])).toThrow('"a b=c" is not a label: a label key has letters');
  });
});

describe('a reference', () => {
  it.each([
    [['app/web'], { noun: 'app', name: 'web' }],
    [['apps', 'web'], { noun: 'app', name: 'web' }],
    [['Node', 'edge-1'], { noun: 'node', name: 'edge-1' }],
  ])('%j is an object', (given, expected) => {
    expect(referenceOf(given, ['app', 'node'])).toEqual(expected);
  });

  it.each([[['app']], [['app/']], [['app/web/c']], [['secret/x']], [['app/Web']], [['web']]])('%j is none', (given) => {
    expect(() => referenceOf(given, ['app', 'node'])).toThrow(UsageError);
  });

  it('without its noun says how to name it', () => {
    expect(() => referenceOf(['web'], ['node', 'app'])).toThrow('name it as app/web');
    expect(() => referenceOf(['node'], ['node', 'app'])).toThrow('name one object: node/NAME');
  });

  it('has nouns in several spellings', () => {
    expect(['cert', 'certs', 'certificates'].map((word) => nounOf(word, ['certificate']))).toEqual(
      Array(3).fill('certificate'),
    );
  });
});

describe('a container', () => {
  it.each([
    ['web', { app: 'web' }],
    ['app/web', { app: 'web' }],
    ['web/proxy', { app: 'web', container: 'proxy' }],
    ['talk/talk', { app: 'talk', container: 'talk' }],
    ['app/web/proxy', { app: 'web', container: 'proxy' }],
    ['app', { app: 'app' }],
  ])('%s is %j', (text, expected) => {
    expect(containerOf(text)).toEqual(expected);
  });

  it.each(['app/a/b/c', 'a/b/c', '', 'app/', 'A'])('is not "%s"', (text) => {
    expect(() => containerOf(text)).toThrow(UsageError);
  });
});
