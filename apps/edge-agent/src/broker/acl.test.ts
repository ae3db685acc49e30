import { describe, expect, it } from 'vitest';
import { mayPublish, maySubscribe, type Principal } from './acl.js';

const place = { project: 'default', node: 'n1' };
const none = { publish: [], subscribe: [] };
const device: Principal = {
  kind: 'device',
  id: 'd1',
  grants: { publish: ['default/nodes/n1/user/d1/#'], subscribe: ['default/nodes/n1/user/all'] },
};
const app: Principal = {
  kind: 'app',
  id: 'a1',
  grants: { publish: ['$hw/events/device/d1/twin/update', 'x/+'], subscribe: ['$hw/events/device/+/twin/#', 'x/#'] },
};
const local: Principal = { kind: 'local', id: 'l1' };

describe('a client may publish', () => {
  it.each<[string, Principal, string, boolean]>([
    ['its own twin', device, '$hw/events/device/d1/twin/update', true],
    ['its own state', device, '$hw/events/device/d1/state/update', true],
    ["another device's twin", device, '$hw/events/device/d2/twin/update', false],
    ['what only the agent says of its own twin', device, '$hw/events/device/d1/twin/update/delta', false],
    ['a topic that its grants name', device, 'default/nodes/n1/user/d1/temperature', true],
    ['a topic beside it', device, 'default/nodes/n1/user/d2/temperature', false],
    ['something free', device, 'hello', false],
    ['$SYS', device, '$SYS/x/heartbeat', false],
    ['a twin that its grants name', app, '$hw/events/device/d1/twin/update', true],
    ['one that they do not name', app, '$hw/events/device/d2/twin/update', false],
    ['a free topic that they name', app, 'x/1', true],
    ['one level deeper', app, 'x/1/2', false],
    ['nothing without grants', { kind: 'app', id: 'a', grants: none }, 'x', false],
    ['anything free on the node itself', local, 'anything/at/all', true],
    ['any twin there', local, '$hw/events/device/d2/twin/update', true],
    ['not what only the agent says there', local, '$hw/events/device/d2/twin/update/document', false],
    ['not an unknown topic of the platform', local, '$hw/events/device/d2/twin/forged', false],
    ['not $SYS there', local, '$SYS/x', false],
  ])('%s', (_what, who, topic, expected) => {
    expect(mayPublish(who, topic, place)).toBe(expected);
  });
});

describe('a client may subscribe', () => {
  it.each<[string, Principal, string, boolean]>([
    ['all of its own device', device, '$hw/events/device/d1/#', true],
    ['one topic of it', device, '$hw/events/device/d1/twin/update/delta', true],
    ['all devices', device, '$hw/events/device/+/twin/update/delta', false],
    ['another device', device, '$hw/events/device/d2/#', false],
    ['everything', device, '#', false],
    ['what its grants name', device, 'default/nodes/n1/user/all', true],
    ['more than they name', device, 'default/nodes/n1/user/+', false],
    ['membership of its node', device, '$hw/events/node/n1/membership/updated', true],
    ['membership of another node', device, '$hw/events/node/n2/membership/updated', false],
    ['what covers the grant of an app', app, 'x/1/2', true],
    ['the twins that it names', app, '$hw/events/device/d9/twin/update/delta', true],
    ['the states that it does not name', app, '$hw/events/device/d9/state/update/result', false],
    ['everything on the node itself', local, '#', true],
    ['not $SYS there', local, '$SYS/#', false],
  ])('%s', (_what, who, filter, expected) => {
    expect(maySubscribe(who, filter, place)).toBe(expected);
  });
});
