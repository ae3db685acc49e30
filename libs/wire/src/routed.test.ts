import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { RoutedMessage } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { decodeRouted, encodeRouted } from './routed.js';

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const id = randomUUID();
const topic = 'default/nodes/n1/user/plant/a/t';
const full: RoutedMessage = {
  ...{ id, topic, node: 'n1', device: 'lamp', at: 1_700_000_000_123, traceparent: trace, contentType: 'text/plain' },
  vars: { id, topic, node: 'n1', device: 'lamp', project: 'default', 1: 'a' },
  hops: [randomUUID(), 'not-a-uuid'],
  payload: Buffer.from('x'),
};
const read = (message: RoutedMessage): RoutedMessage => {
  const again = decodeRouted(encodeRouted(message));
  return { ...again, payload: Buffer.from(again.payload) };
};

describe('a message of a route', () => {
  it('comes out as it went in', () => {
    expect(read(full)).toEqual(full);
    const plain = { id: 'm-1', topic: 'a', at: 5, vars: { id: 'm-1', topic: 'a' }, payload: Buffer.alloc(0) };
    expect(read(plain)).toEqual(plain);
  });

  it('keeps what captures stand for, also under the name of something of its own', () => {
    const vars = { ...full.vars, id: '7', topic: 'cars' };
    expect(read({ ...full, vars }).vars).toEqual(vars);
  });

  it.each(['00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x', '01-a-b-c'])(
    'keeps a trace of another form, %s, as it is',
    (traceparent) => {
      expect(read({ ...full, traceparent }).traceparent).toBe(traceparent);
    },
  );

  it('keeps its payload byte for byte', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (payload) => {
        expect([...read({ ...full, payload }).payload]).toEqual([...payload]);
      }),
    );
  });

  it('costs little beside its payload and topic', () => {
    const { device, contentType, ...usual } = { ...full, payload: Buffer.alloc(256) };
    expect([device, contentType]).toEqual(['lamp', 'text/plain']);
    expect(encodeRouted({ ...usual, hops: [randomUUID()] }).byteLength).toBeLessThan(256 + topic.length + 128);
  });

  it('of random bytes never crashes the reader', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => decodeRouted(bytes)).toThrow(expect.objectContaining({ code: 'bad_request' }));
      }),
    );
  });
});
