import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EdgeError } from '@selvage/protocol';
import { type TempDir, tempDir } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataFolder, readConfig } from './config.js';

describe('the configuration', () => {
  let folder: TempDir;
  const write = (text: string): void => {
    writeFileSync(join(folder.path, 'agent.json'), text);
  };
  const problems = (env: Record<string, string>): string => {
    try {
      readConfig(folder.path, env);
    } catch (error) {
      if (error instanceof EdgeError && error.code === 'config_invalid') return error.detail;
      throw error;
    }
    return '';
  };

  beforeEach(() => {
    folder = tempDir();
  });
  afterEach(() => {
    folder.remove();
  });

  it('needs nothing to be said', () => {
    expect(readConfig(folder.path, { SELVAGE_API_PORT: '' })).toEqual({
      data: folder.path,
      dockerSocket: '/var/run/docker.sock',
      apiPort: 9780,
      mountAllowList: [],
      logLevel: 'info',
      mqttPlain: false,
      mqttPorts: {},
    });
  });

  it('comes from the file, and rather from the environment', () => {
    write('{"apiPort": 1, "mountAllowList": ["/a"], "logLevel": "warn", "dockerSocket": "/file.sock"}');
    expect(readConfig(folder.path, {})).toMatchObject({ apiPort: 1, mountAllowList: ['/a'], logLevel: 'warn' });
    const env = {
      SELVAGE_API_PORT: '0',
      SELVAGE_MOUNT_ALLOW_LIST: '/b, /c,',
      SELVAGE_LOG_LEVEL: 'debug',
      DOCKER_HOST: 'unix:///host.sock',
    };
    expect(readConfig(folder.path, env)).toMatchObject({
      apiPort: 0,
      mountAllowList: ['/b', '/c'],
      logLevel: 'debug',
      dockerSocket: '/file.sock',
    });
  });

  it.each([
    [{ DOCKER_HOST: 'unix:///host.sock' }, '/host.sock'],
    [{ DOCKER_HOST: 'unix:///host.sock', SELVAGE_DOCKER_SOCKET: '/mine.sock' }, '/mine.sock'],
  ])('with %j finds the engine at %s', (env, socket) => {
    expect(readConfig(folder.path, env).dockerSocket).toBe(socket);
  });

  it('tells all that is wrong with it at once', () => {
    write('{"apiPort": 70000, "apiprot": 1, "mountAllowList": ["relative"]}');
    const env = {
      SELVAGE_API_PORT: 'http',
      SELVAGE_MOUNT_ALLOW_LIST: 'x,/y',
      SELVAGE_LOG_LEVEL: 'loud',
      DOCKER_HOST: 'tcp://1',
    };
    const told = problems(env);
    for (const name of [...Object.keys(env), 'apiPort', 'apiprot', 'mountAllowList.0']) expect(told).toContain(name);
    expect(told.split('\n')).toHaveLength(8);
  });

  it.each([
    ['', 'is no JSON: '],
    ['{', 'is no JSON: '],
    ['[]', 'begins with {'],
    ['"text"', 'begins with {'],
    ['null', 'begins with {'],
    ['{"apiprot": 1}', 'Unrecognized key: "apiprot"'],
  ])('is not read from %j: it %s', (text, problem) => {
    write(text);
    expect(problems({})).toContain(`${join(folder.path, 'agent.json')}: ${problem}`);
  });

  it('has its folder from the command, else the environment, else where an installed agent has it', () => {
    expect(dataFolder('/given', { SELVAGE_DATA: '/env' })).toBe('/given');
    expect(dataFolder(undefined, { SELVAGE_DATA: '/env' })).toBe('/env');
    expect(dataFolder(undefined, { SELVAGE_DATA: '' })).toBe('/var/lib/selvage');
  });
});
