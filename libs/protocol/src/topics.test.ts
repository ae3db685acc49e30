import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alarmTopic,
  DEVICE_TOPICS,
  deviceId,
  deviceTopic,
  encryptedTopic,
  nodeTopic,
  parseTopic,
  userTopic,
} from './topics.js';

const at = { project: 'default', node: 'local' };
const place = { project: 'default', data: 'db', property: 'password' };

describe('a topic', () => {
  it.each([
    [deviceTopic('dev-1', 'twin/update'), { kind: 'device', device: 'dev-1', of: 'twin/update' }],
    [deviceTopic('A_b-9', 'twin/update/delta'), { kind: 'device', device: 'A_b-9', of: 'twin/update/delta' }],
    [deviceTopic('dev-1', 'updated'), { kind: 'device', device: 'dev-1', of: 'updated' }],
    [nodeTopic('local', 'membership/get'), { kind: 'node', node: 'local', of: 'membership/get' }],
    [userTopic(at, 'a/b'), { kind: 'user', ...at, path: 'a/b' }],
    [encryptedTopic('decrypt', place), { kind: 'encrypted', ...place, of: 'decrypt' }],
    [encryptedTopic('plaintext', place), { kind: 'encrypted', ...place, of: 'plaintext' }],
    [alarmTopic('web', 'clear'), { kind: 'alarm', app: 'web', action: 'clear' }],
    ['$hw/events/upload/x/y', { kind: 'upload', path: 'x/y' }],
    ['SYS/dis/upload_records', { kind: 'upload', path: 'SYS/dis/upload_records' }],
    ['$ke/events/device/dev-1/data/update', { kind: 'series', device: 'dev-1' }],
  ])('%s is read as it was built', (topic, parsed) => {
    expect(parseTopic(topic)).toEqual(parsed);
  });

  it.each([
    '',
    '/',
    '$hw',
    '$hw/events',
    '$hw/events/device',
    '$hw/events/device//twin/update',
    '$hw/events/device/dev-1',
    '$hw/events/device/dev-1/twin',
    '$hw/events/device/dev-1/twin/update/',
    '$hw/events/device/dev-1/constructor',
    '$hw/events/device/ns/dev-1/twin/update',
    '$hw/events/device/+/twin/update',
    '$hw/events/device/#',
    '$hw/events/device/dev 1/twin/update',
    `$hw/events/device/${'d'.repeat(65)}/twin/update`,
    '$HW/events/device/dev-1/twin/update',
    ' $hw/events/device/dev-1/twin/update',
    '$hw/events/node/local/membership/detail',
    '$hw/events/upload/',
    '$hw/default/encryptdatas/db/properties/password/decrypt/x',
    '$hw/alarm/web/add/x',
    '$SYS/broker',
    'default/nodes/local/user',
    'default/nodes/local/user/',
    'default/nodes/local/user/+/x',
    'default/nodes/lo cal/user/x',
    'default/nodes/local/user/a\0b',
    `default/nodes/local/user/${'x'.repeat(1024)}`,
  ])('%s is none of ours', (topic) => {
    expect(parseTopic(topic)).toBeUndefined();
  });

  it('of a device comes back for every id and every kind', () => {
    const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/).filter((text) => deviceId.safeParse(text).success);
    const kinds = Object.keys(DEVICE_TOPICS) as (keyof typeof DEVICE_TOPICS)[];
    fc.assert(
      fc.property(id, fc.constantFrom(...kinds), (device, of) => {
        expect(parseTopic(deviceTopic(device, of))).toEqual({ kind: 'device', device, of });
      }),
    );
  });

  it('of any text is read without an error', () => {
    const level = fc.oneof(fc.constantFrom('$hw', 'events', 'device', 'node', 'user', 'nodes', '', '+'), fc.string());
    fc.assert(
      fc.property(fc.array(level, { maxLength: 9 }), (levels) => {
        parseTopic(levels.join('/'));
      }),
    );
  });
});
