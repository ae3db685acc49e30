import { expect, it } from 'vitest';
import { type HubPlace, hubUrl } from './hub-url.rules.js';

const place: HubPlace = { publicUrl: undefined, host: '0.0.0.0', port: 8443, addresses: ['2001:db8::1', '192.0.2.1'] };

it.each<[string, Partial<HubPlace>, string]>([
  ['the configured one', { publicUrl: 'https://hub.example' }, 'https://hub.example'],
  ['the first IPv4 address when it listens on all of those', {}, 'https://192.0.2.1:8443'],
  ['any first address when it listens on all', { host: '::' }, 'https://[2001:db8::1]:8443'],
  ['the address it listens at alone', { host: '127.0.0.1' }, 'https://127.0.0.1:8443'],
  ['this machine when there is no network', { addresses: [] }, 'https://127.0.0.1:8443'],
])('the URL of a join command is %s', (_what, change, expected) => {
  expect(hubUrl({ ...place, ...change })).toBe(expected);
});
