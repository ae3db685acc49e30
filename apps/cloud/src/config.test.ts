import { describe, expect, it } from 'vitest';
import { HubConfig } from './config.js';

const WRONG: readonly (readonly [name: string, value: string, words: string])[] = [
  ['SELVAGE_HTTP_PORT', 'abc', 'is a port number, 0 to 65535'],
  ['SELVAGE_LINK_PORT', '70000', 'is a port number, 0 to 65535'],
  ['SELVAGE_HTTP_HOST', '', 'is a name or an address'],
  ['SELVAGE_PUBLIC_URL', 'http://hub.test', 'must begin with https://'],
  ['SELVAGE_PUBLIC_URL', 'hub', 'must begin with https://'],
  ['SELVAGE_DATABASE_URL', 'mysql://a/b', 'must be postgres://user:password@host/database'],
  ['SELVAGE_HEARTBEAT_SECONDS', 'often', 'is a number, 1 to 3600'],
  ['SELVAGE_HEARTBEAT_SECONDS', '0', 'is a number, 1 to 3600'],
  ['SELVAGE_CERTIFICATE_DAYS', '0', 'is a number above 0, 825 at most'],
  ['SELVAGE_RENEW_GRACE_DAYS', '-1', 'is a number, 0 to 3650'],
  ['SELVAGE_LOG_LEVEL', 'loud', 'is one of trace, debug, info, warn, error, silent'],
  ['SELVAGE_ADMIN_PASSWORD', 'short', 'has at least 12 characters'],
];

describe('the configuration of the hub', () => {
  it.each(WRONG)('%s=%s is refused: it %s', (name, value, words) => {
    expect(() => HubConfig.fromEnvironment({ [name]: value })).toThrow(`  ${name}: ${words}`);
  });

  it('has a default for everything', () => {
    expect(HubConfig.fromEnvironment({})).toMatchObject({ http: { port: 8080 }, heartbeatMs: 30_000 });
  });
});
