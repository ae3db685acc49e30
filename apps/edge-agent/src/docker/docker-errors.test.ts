import { EdgeError } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { engineError, type EngineFailure, registryUnreachable, socketIsMissing } from './docker-errors.js';

const web = '127.0.0.1:5000/web';
const manifestUnknown = `manifest for ${web}:2 not found: manifest unknown: manifest unknown`;
const denied =
  "pull access denied for private, repository does not exist or may require 'docker login': denied: requested access to the resource is denied";
const endpoint = 'driver failed programming external connectivity on endpoint web (0b214e):';
const runc =
  'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process:';

describe('what the engine or a registry answers', () => {
  it.each<[string, EngineFailure['operation'], number, string, string]>([
    ['a tag that is not there', 'pull', 404, manifestUnknown, 'image_pull_failed'],
    [
      'a digest that is not there',
      'pull',
      404,
      `manifest for ${web}@sha256:0 not found: manifest unknown`,
      'image_pull_failed',
    ],
    ['no credentials', 'pull', 500, `Head "http://${web}/manifests/1": no basic auth credentials`, 'image_pull_failed'],
    [
      'wrong credentials',
      'pull',
      500,
      `Head "http://${web}": unauthorized: authentication required`,
      'image_pull_failed',
    ],
    ['no permission', 'pull', 404, denied, 'image_pull_failed'],
    [
      'no registry',
      'pull',
      500,
      'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
      'image_pull_failed',
    ],
    [
      'an unknown certificate',
      'pull',
      500,
      'Get "https://r/v2/": x509: certificate signed by unknown authority',
      'image_pull_failed',
    ],
    [
      'no TLS',
      'pull',
      500,
      'Get "https://r/v2/": http: server gave HTTP response to HTTPS client',
      'image_pull_failed',
    ],
    [
      'no image for this processor',
      'pull',
      404,
      'no matching manifest for linux/arm64/v8 in the manifest list entries',
      'arch_mismatch',
    ],
    [
      'an image for Windows',
      'pull',
      500,
      'image operating system "windows" cannot be used on this platform',
      'arch_mismatch',
    ],
    ['a full disk', 'pull', 200, 'write /var/lib/docker/tmp/GetImageBlob1: no space left on device', 'out_of_disk'],
    [
      'a full disk at creation',
      'create',
      500,
      'mkdir /var/lib/docker/overlay2/1: no space left on device',
      'out_of_disk',
    ],
    [
      'a name that is taken',
      'create',
      409,
      'Conflict. The container name "/web" is already in use by container "1".',
      'already_exists',
    ],
    ['an image that is gone', 'create', 404, 'No such image: web:1', 'docker_error'],
    ['too little memory', 'create', 400, 'Minimum memory limit allowed is 6MB', 'docker_error'],
    [
      'a port of another container',
      'start',
      500,
      `${endpoint} Bind for 0.0.0.0:80 failed: port is already allocated`,
      'port_taken',
    ],
    [
      'a port of a process',
      'start',
      500,
      `${endpoint} Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use`,
      'port_taken',
    ],
    [
      'an address of another machine',
      'start',
      500,
      `${endpoint} listen tcp4 9.9.9.9:80: bind: cannot assign requested address`,
      'start_failed',
    ],
    [
      'no program',
      'start',
      400,
      `${runc} exec: "/nope": stat /nope: no such file or directory: unknown`,
      'start_failed',
    ],
    ['a program for another processor', 'start', 400, `${runc} exec /web: exec format error`, 'arch_mismatch'],
    ['no user', 'start', 500, 'unable to find user nosuch: no matching entries in passwd file', 'start_failed'],
    ['a volume in use', 'volume', 409, 'remove data: volume is in use - [0b81d1]', 'in_use'],
    ['anything else', 'inspect', 500, 'layer does not exist', 'docker_error'],
  ])('%s (%s, %d)', (...[, operation, status, message, code]) => {
    const error = engineError({ operation, subject: 'it', status, message });
    expect([error.code, error.detail]).toEqual([code, `it: ${message}`]);
  });

  it('is cut to a length that fits a status', () => {
    expect(engineError({ operation: 'pull', status: 500, message: 'x'.repeat(9000) }).detail.length).toBeLessThan(2048);
  });
});

describe('no answer', () => {
  it.each([
    ['ENOENT', 'its socket does not exist', true],
    ['ECONNREFUSED', 'nothing listens on its socket', false],
    ['EACCES', 'the agent may not open its socket', false],
    ['ECONNRESET', 'it closed the connection', false],
    ['TimeoutError', 'it did not answer in time', false],
    ['other', 'words of the error', false],
  ])('%s: %s', (code, why, missing) => {
    const error = engineError({ operation: 'start', subject: 'web', code, message: 'words of the error' });
    expect([error.code, error.detail]).toEqual([
      'docker_unavailable',
      `The Docker engine gave no answer to "start": ${why}.`,
    ]);
    expect(socketIsMissing(error)).toBe(missing);
  });
});

describe('a registry is out of reach', () => {
  it.each([
    ['dial tcp 127.0.0.1:1: connect: connection refused', true],
    ['dial tcp: lookup registry.invalid on 10.0.0.1:53: no such host', true],
    ['net/http: TLS handshake timeout', true],
    ['net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)', true],
    ['received unexpected HTTP status: 503 Service Unavailable', true],
    ['Get "https://r/v2/": EOF', true],
    ['no progress for 120 seconds.', true],
    [manifestUnknown, false],
    [denied, false],
    ['no basic auth credentials', false],
    ['x509: certificate signed by unknown authority', false],
  ])('%s: %s', (detail, unreachable) => {
    expect(registryUnreachable(new EdgeError('image_pull_failed', detail))).toBe(unreachable);
    expect(registryUnreachable(new EdgeError('docker_error', detail))).toBe(false);
  });
});
