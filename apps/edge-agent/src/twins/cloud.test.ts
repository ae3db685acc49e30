import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { handle } from './machine.js';
import { at, CLOUD_UPDATED, expectedVersion, keyOf, lampNode, said, sync, topics, update, wish } from './test-lamp.js';

describe('a sync from the cloud', () => {
  it('again with the same version changes nothing and says nothing', () => {
    const once = sync(lampNode(), { k: wish('1', 1) });
    const twice = sync(once.node, { k: wish('1', 1) });
    expect(topics(once)).toEqual(['update/document', 'update/delta']);
    expect(twice.node).toBe(once.node);
    expect(twice.out).toEqual([]);
  });

  it('of a stale expected value still applies the actual value beside it, and the reverse', () => {
    const node = update(sync(lampNode(), { k: wish('1', 1) }).node, { k: { expected: { value: '2' } } }).node;
    const one = sync(node, {
      k: { ...wish('3', 2, 0), actual: { value: '9' }, actual_version: { cloud: 1, edge: 0 } },
    });
    expect(keyOf(one.node, 'k')).toMatchObject({ expected: { value: '2' }, actual: { value: '9' } });
    expect(said(one, 'edge_updated')).toMatchObject({
      twin: { k: { expected: { value: '2' }, expected_version: { cloud: 1, edge: 1 } } },
    });
    expect(said(one, 'edge_updated')).not.toHaveProperty('twin.k.actual');
    const other = sync(one.node, { k: { ...wish('4', 2, 1), actual: { value: '8' } } });
    expect(keyOf(other.node, 'k')).toMatchObject({ expected: { value: '4' }, actual: { value: '9' } });
  });

  it.each([
    ['without metadata', { k: wish('1', 2) }, '1'],
    ['that is null', { k: null }, '0'],
    ['with an empty value', { k: { expected: {}, expected_version: { cloud: 2, edge: 0 } } }, '0'],
    ['with a character that no value has', { k: wish('a b', 2) }, '0'],
    ['with nothing', { k: {} }, '0'],
  ])('of a key %s does no harm', (_what, twin, value) => {
    const node = sync(lampNode(), { k: wish('0', 1) }).node;
    expect(keyOf(sync(node, twin).node, 'k')?.expected?.value).toBe(value);
  });

  it.each(['', '{', '[]', '{"twin":[]}', '{"twin":{"k":1}}', '{"twin":{"__proto__":{}}}', '{"twin":{"a b":{}}}'])(
    'that reads %s does nothing',
    (payload) => {
      const node = lampNode();
      const handled = handle(node, { from: 'cloud', topic: CLOUD_UPDATED, payload }, at(1));
      expect(handled).toMatchObject({ node, out: [] });
    },
  );

  it('deletes by version, whether the key is optional or not', () => {
    const node = sync(lampNode(), { k: { ...wish('1', 1), optional: false } }).node;
    const tombstone = { metadata: { type: 'deleted' }, expected_version: { cloud: 2, edge: 0 } };
    const gone = sync(node, { k: tombstone });
    expect(said(gone, 'update/document')).toMatchObject({ twin: { k: { last: {}, current: null } } });
    expect(gone.changes).toMatchObject([{ value: null, by: 'hub' }]);
    expect(sync(gone.node, { k: tombstone })).toMatchObject({ node: gone.node, out: [] });
    const late = sync(gone.node, { k: wish('1', 1) });
    expect(keyOf(late.node, 'k')?.type).toBe('deleted');
    expect(said(late, 'edge_updated')).toMatchObject({ twin: { k: { metadata: { type: 'deleted' } } } });
    expect(keyOf(sync(gone.node, { k: wish('2', 3) }).node, 'k')).toMatchObject({ type: 'string' });
  });

  it('of a delete of a key that nobody knows is remembered without a document', () => {
    const tombstone = { metadata: { type: 'deleted' }, expected_version: { cloud: 2, edge: 0 } };
    const gone = sync(lampNode(), { k: tombstone });
    expect(gone.out).toEqual([]);
    expect(keyOf(sync(gone.node, { k: wish('1', 1) }).node, 'k')?.type).toBe('deleted');
  });

  it('of a delete without a version, or with a stale one, is refused with what the edge has', () => {
    const node = sync(lampNode(), { k: wish('1', 2) }).node;
    for (const version of [undefined, { cloud: 1, edge: 0 }]) {
      const handled = sync(node, { k: { metadata: { type: 'deleted' }, expected_version: version } });
      expect(handled.node).toBe(node);
      expect(said(handled, 'edge_updated')).toMatchObject({ twin: { k: { expected: { value: '1' } } } });
    }
  });

  it('does not set what a model makes read only', () => {
    const node = lampNode({ seen: { type: 'int', access: 'r' } });
    expect(sync(node, { seen: wish('1', 1) }).node).toBe(node);
  });

  it('in any order ends with the same values and versions', () => {
    const wishes = fc.uniqueArray(fc.record({ cloud: fc.nat(5), value: fc.stringMatching(/^[a-c]{1,2}$/) }), {
      selector: ({ cloud }) => cloud,
      minLength: 1,
      maxLength: 5,
    });
    const shuffled = wishes.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, fc.nat(5), ([one, other], deletedAt) => {
        const apply = (all: typeof one) =>
          all.reduce((node, { cloud, value }) => {
            const gone = { metadata: { type: 'deleted' }, expected_version: { cloud, edge: 0 } };
            return sync(node, { k: cloud === deletedAt ? gone : wish(value, cloud) }).node;
          }, lampNode());
        const [left, right] = [keyOf(apply(one), 'k'), keyOf(apply(other), 'k')];
        expect(left).toEqual(right);
      }),
    );
  });

  it('never brings a version back, whatever the edge does meanwhile', () => {
    const step = fc.oneof(
      fc.record({ cloud: fc.nat(4), edge: fc.nat(4), value: fc.constantFrom('a', 'b') }),
      fc.constantFrom('set' as const, 'delete' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let node = lampNode();
        for (const one of steps) {
          const before = expectedVersion(node, 'k') ?? { cloud: 0, edge: 0 };
          if (one === 'set') node = update(node, { k: { expected: { value: 'e' } } }).node;
          else if (one === 'delete') node = update(node, { k: null }).node;
          else node = sync(node, { k: wish(one.value, one.cloud, one.edge) }).node;
          const after = expectedVersion(node, 'k') ?? { cloud: 0, edge: 0 };
          expect(after.cloud).toBeGreaterThanOrEqual(before.cloud);
          expect(after.edge).toBeGreaterThanOrEqual(before.edge);
        }
      }),
    );
  });
});
