import { routeSpec, type RouteSpec } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { checkAmong, checkRoute, type TargetKind } from './routes.rules.js';

const edge = (topic: string, more: object = {}): object => ({ endpoint: 'edge', topic, ...more });
const rest = (path: string, more: object = {}): object => ({ endpoint: 'rest', path, ...more });
const spec = (source: object, target: object, more: object = {}): RouteSpec =>
  routeSpec.parse({ source, target, ...more });
const HOOK = { endpoint: 'hook' };

describe('a route', () => {
  it.each<[string, RouteSpec, TargetKind]>([
    ['from a broker to a web server', spec(edge('a/+/#'), { ...HOOK, path: '/{1}/{rest}' }), 'webhook'],
    ['from a broker to itself', spec(edge('a'), edge('user/b/{node}')), 'edge'],
    ['from requests to a broker', spec(rest('/a/{x}'), edge('b/{x}', { node: '{x}' })), 'edge'],
    ['from events to the live feed', spec({ endpoint: 'events', types: ['node.*'] }, { endpoint: 'live' }), 'live'],
  ])('may lead %s', (_what, made, kind) => {
    expect(() => {
      checkRoute(made, kind);
    }).not.toThrow();
  });

  it.each<[RouteSpec, TargetKind, RegExp]>([
    [spec(edge('a/#/b'), HOOK), 'webhook', /#/],
    [spec(edge('a/+'), { ...HOOK, path: '/{2}' }), 'webhook', /^spec\.target\.path: .*2/],
    [
      spec(rest('/a/{x}/{x}'), { endpoint: 'live' }),
      'live',
      /^spec\.source\.path: .*character 8: the capture \{x\} is there twice/,
    ],
    [spec(edge('a'), HOOK, { filter: 'payload.x >' }), 'webhook', /^spec\.filter: /],
    [spec(edge('a'), HOOK, { transform: '{' }), 'webhook', /^spec\.transform: /],
    [spec(edge('a'), HOOK, { retry: { minSeconds: 9, maxSeconds: 1 } }), 'webhook', /minSeconds is above maxSeconds/],
    [spec(edge('a'), { ...HOOK, node: 'n' }), 'webhook', /node is for edge and services only/],
    [spec(rest('/a'), edge('b')), 'edge', /name the node/],
    [spec(edge('a'), { endpoint: 'edge' }), 'edge', /name the topic/],
    [spec(edge('a'), edge('$hw/b')), 'edge', /begin with \$/],
    [spec(edge('a'), edge('b/#')), 'edge', /no \+ and no #/],
    [spec(edge('a'), { endpoint: 'svc', topic: 'x' }), 'service', /a service has no topic/],
    [spec(edge('a'), { endpoint: 'live', path: '/x' }), 'live', /live has neither/],
    [spec(edge('a'), { ...HOOK, retain: true }), 'webhook', /retain is for/],
  ])('is refused with the field and the reason: %#', (made, kind, why) => {
    expect(() => {
      checkRoute(made, kind);
    }).toThrow(expect.objectContaining({ code: 'bad_request', detail: expect.stringMatching(why) as string }));
  });

  const among = (own: RouteSpec, ...others: readonly RouteSpec[]): (() => void) => {
    const named = others.map((other, at) => ({ name: `other${at + 1}`, spec: other }));
    return () => {
      checkAmong({ name: 'own', spec: own }, named);
    };
  };

  it('may not be there twice, nor take the requests of another', () => {
    const conflict = (name: string): unknown =>
      expect.objectContaining({ detail: expect.stringContaining(`"${name}"`) as string });
    expect(among(spec(edge('a'), HOOK), spec(edge('b'), HOOK), spec(edge('a'), HOOK))).toThrow(conflict('other2'));
    expect(among(spec(rest('/a/{x}'), HOOK), spec(rest('/a/{y}'), { endpoint: 'live' }))).toThrow(conflict('other1'));
    expect(among(spec(rest('/a', { methods: ['PUT'] }), HOOK), spec(rest('/a'), HOOK))).not.toThrow();
    const on = (node: string): RouteSpec => spec(edge('a', { nodes: { nodes: [node] } }), HOOK);
    expect(among(on('n1'), on('n2'))).not.toThrow();
    expect(among(on('n1'), spec(edge('a'), HOOK))).toThrow(conflict('other1'));
  });

  it('may not feed itself, over however many others; the circle is named', () => {
    expect(among(spec(edge('a/#'), edge('a/b')))).toThrow(/own → own/);
    expect(among(spec(edge('a'), edge('b')), spec(edge('b'), edge('c')), spec(edge('+'), edge('a')))).toThrow(/ → /);
    expect(among(spec(edge('a'), edge('b')), spec(edge('b'), edge('c')))).not.toThrow();
  });
});
