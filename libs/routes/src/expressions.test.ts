import { describe, expect, it } from 'vitest';
import { readFilter, readTransform, type Seen } from './expressions.js';

const seen = (payload: unknown, more: Partial<Seen> = {}): Seen => ({
  payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
  topic: 'plant/a/temperature',
  at: Date.parse('2026-01-02T03:04:05Z'),
  ...more,
});
const reading = seen({ temperature: 21.5, tags: ['x', 'y'], count: 3 }, { node: 'n1', device: 'd1' });

describe('a filter', () => {
  it.each([
    ['payload.temperature > 20', true],
    ['payload.temperature > 22', false],
    ['payload.count == 3 && node == "n1"', true],
    ['payload.count % 2 == 1', true],
    ['"x" in payload.tags', true],
    ['payload.tags.exists(tag, tag == "z")', false],
    ['has(payload.missing) && payload.missing > 1', false],
    ['topic.split("/")[1] == "a" && device.startsWith("d")', true],
    ['time > timestamp("2026-01-01T00:00:00Z")', true],
  ])('%s is %s', (text, value) => {
    expect(readFilter(text)(reading)).toBe(value);
  });

  it('sees a payload that is not JSON as a text', () => {
    expect(readFilter('payload == "on"')(seen('on'))).toBe(true);
  });

  it.each([
    ['payload.temperature >', /^filter: character 22: /],
    ['temp > 20', /^filter: character 1: Unknown variable: temp/],
    ['1 + 2', /its value is of type int/],
    ['topic.matches("(a+)+$")', /character \d+: matches\(\) is not offered: use startsWith/],
    ['payload.a.map(x, payload.a.map(y, y)) == []', /map\(\) inside another one costs too much/],
    [`payload == "${'x'.repeat(10)}" && ${'true && '.repeat(200)}true`, /filter: /],
    ['['.repeat(40) + ']'.repeat(40) + ' == []', /filter: /],
  ])('%s is refused with the place', (text, why) => {
    expect(() => readFilter(text)).toThrow(
      expect.objectContaining({ code: 'bad_request', detail: expect.stringMatching(why) as string }),
    );
  });

  it.each([
    ['payload.missing > 1', reading, /No such key: missing/],
    ['payload.tags > 1', reading, /no such overload/],
    ['payload', reading, /neither true nor false/],
    ['payload == 1', seen('x'.repeat(70_000)), /more than 65536 bytes/],
    ['payload == 1', { ...reading, payload: Buffer.of(0xff, 0xfe) }, /filter: /],
  ])('%s says why it has no answer for a message', (text, message, why) => {
    const filter = readFilter(text);
    expect(() => filter(message)).toThrow(expect.objectContaining({ detail: expect.stringMatching(why) as string }));
  });
});

describe('a transform', () => {
  const value = (text: string, message = reading): unknown =>
    JSON.parse(Buffer.from(readTransform(text)(message)).toString('utf8'));

  it.each([
    ['payload.temperature * 1.8 + 32', 70.7],
    ['{"f": payload.temperature * 2, "who": device, "n": size(payload.tags)}', { f: 43, who: 'd1', n: 2 }],
    ['payload.tags.map(tag, tag + "!")', ['x!', 'y!']],
    ['time', '2026-01-02T03:04:05.000Z'],
    ['9007199254740993', '9007199254740993'],
    ['payload', { temperature: 21.5, tags: ['x', 'y'], count: 3 }],
  ])('%s', (text, result) => {
    expect(value(text)).toEqual(result);
  });

  it('never reaches what is behind a value', () => {
    for (const text of ['payload.constructor', 'payload.__proto__', 'payload.tags.constructor', 'topic.constructor'])
      expect(() => value(text)).toThrow();
  });

  it('gives no result that is too large', () => {
    const large = seen(Array.from({ length: 6000 }, () => 1));
    expect(() => value(`payload.map(x, "${'x'.repeat(100)}")`, large)).toThrow(/bytes; 262144 is the most/);
  });
});
