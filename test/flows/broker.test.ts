import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { Authority, createCsr, hashPassword, newKeyPair } from '@selvage/pki';
import { desiredBroker, type DesiredDevices } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { tempDir, until } from '@selvage/testkit';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { generate, parser, type Parser } from 'mqtt-packet';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { type Broker, createBroker, type ListenerShown } from '../../apps/edge-agent/src/broker/index.js';
import { Journal } from '../../apps/edge-agent/src/state/index.js';

const PASSWORD = 'a long password';
const DAY_MS = 86_400_000;
const lifetime = () => ({ days: 30, now: Date.now() });

interface Proof {
  readonly key: string;
  readonly cert: string;
  readonly fingerprint: string;
}

/** What the hub wants of the node, as the agent's store would say it. */
class Desired {
  readonly #sections = new Map<string, unknown>();
  readonly #listeners: [section: string, tell: () => void][] = [];

  read<T>(section: string, schema: z.ZodType<T>): T | undefined {
    const value = this.#sections.get(section);
    return value === undefined ? undefined : schema.parse(value);
  }

  onChange(section: string, tell: () => void): void {
    this.#listeners.push([section, tell]);
  }

  set(section: string, value: unknown): void {
    this.#sections.set(section, value);
    for (const [of, tell] of this.#listeners) if (of === section) tell();
  }
}

/** A node's broker as its agent runs it, with certificates of a real authority. */
describe('the broker of a node', () => {
  const folder = tempDir('broker-');
  const desired = new Desired();
  const clients: MqttClient[] = [];
  let authority: Authority;
  let strangers: Authority;
  let journal: Journal;
  let broker: Broker;
  let own: { key: string; chain: string; ca: string };
  let lamp: Proof;
  let app: Proof;
  let hash: string;

  const authorityNamed = async (name: string): Promise<Authority> =>
    Authority.load(await Authority.create({ passphrase: 'x', now: Date.now(), name }), 'x');

  const proofOf = async (
    kind: 'device' | 'app',
    name: string,
    { by = authority, lasts = lifetime() }: { by?: Authority; lasts?: ReturnType<typeof lifetime> } = {},
  ): Promise<Proof> => {
    const keys = await newKeyPair();
    const of = { kind, project: 'default', name } as const;
    const { chain, fingerprint } = await by.issueClient(await createCsr(keys), of, lasts);
    return { key: pemOf(keys.privateKey), cert: chain, fingerprint };
  };

  const nodeCertificate = async (): Promise<typeof own> => {
    const keys = await newKeyPair();
    const node = { project: 'default', node: 'n1', hosts: ['127.0.0.1', 'localhost'] };
    const { chain } = await authority.issueNode(await createCsr(keys), node, lifetime());
    return { key: pemOf(keys.privateKey), chain, ca: authority.root };
  };

  const listener = (kind: ListenerShown['kind']): ListenerShown | undefined =>
    broker.status().listeners.find((one) => one.kind === kind);
  const portOf = (kind: ListenerShown['kind']): number => listener(kind)?.port ?? 0;

  const dial = async (url: string, options: IClientOptions): Promise<MqttClient> => {
    const client = await connectAsync(url, {
      protocolVersion: 4,
      reconnectPeriod: 0,
      connectTimeout: 5_000,
      ...options,
    });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  };
  const secure = (options: IClientOptions): Promise<MqttClient> =>
    dial(`mqtts://127.0.0.1:${portOf('tls')}`, { ca: authority.root, ...options });
  const overWebSocket = (options: IClientOptions): Promise<MqttClient> =>
    dial(`wss://127.0.0.1:${portOf('webSocket')}/mqtt`, { ca: authority.root, ...options });

  /** What the broker answers to a CONNECT over this TLS connection before it closes. */
  const answerTo = async (options: ConnectionOptions): Promise<string[]> => {
    const socket = connectTls({ host: '127.0.0.1', port: portOf('tls'), ca: authority.root, ...options });
    const [read, said]: [Parser, string[]] = [parser(), []];
    read.on('packet', (packet) => said.push(packet.cmd === 'connack' ? `connack ${packet.returnCode}` : packet.cmd));
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => read.parse(bytes));
    const hello = { clientId: 'asks', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 0 } as const;
    socket.write(generate({ cmd: 'connect', ...hello }));
    await new Promise((resolve) => socket.once('close', resolve));
    return said;
  };

  /** The section `devices` with all that is bound, or with what a test changes. */
  const bind = (change: { lamp?: string[]; grants?: string[]; logins?: boolean; without?: 'lamp' } = {}): void => {
    const { grants = ['$hw/events/device/lamp/#'], logins = true, without } = change;
    const nothing = {
      ...{ name: 'x', description: '', properties: {}, attributes: {}, visitors: {} },
      grants: { publish: [], subscribe: [] },
    };
    const credentials = { fingerprints: change.lamp ?? [lamp.fingerprint], logins: [] };
    const login = { fingerprints: [], logins: logins ? [{ username: 'sensor-user', passwordHash: hash }] : [] };
    const section: DesiredDevices = {
      devices: [
        ...(without === undefined ? [{ id: 'lamp', ...nothing, credentials }] : []),
        { id: 'sensor', ...nothing, credentials: login },
      ],
      clients: [
        {
          name: 'mapper',
          credentials: { fingerprints: [app.fingerprint], logins: [] },
          grants: { publish: [], subscribe: grants },
        },
      ],
    };
    desired.set('devices', section);
  };

  beforeAll(async () => {
    [authority, strangers] = [await authorityNamed('ours'), await authorityNamed('theirs')];
    own = await nodeCertificate();
    [lamp, app] = [await proofOf('device', 'lamp'), await proofOf('app', 'mapper')];
    hash = await hashPassword(PASSWORD);
    const log = pino({ level: 'silent' });
    journal = new Journal({ path: join(folder.path, 'broker.db'), clock: systemClock, log });
    await journal.start();
    const node = { hub: 'a'.repeat(16), project: 'default', node: 'n1' };
    const owner = { plain: true, ports: { tls: 0, webSocket: 0, plain: 0 } };
    broker = createBroker({ node, desired, records: journal, credentials: () => own, owner, clock: systemClock, log });
    bind();
    await broker.start();
  });
  afterAll(async () => {
    for (const client of clients) await client.endAsync(true);
    await broker.stop();
    await journal.stop();
    folder.remove();
  });

  it('takes a device with its certificate over TLS and over WebSocket, and an app that may hear it', async () => {
    const hearing = await overWebSocket(app);
    const heard: string[] = [];
    hearing.on('message', (topic) => heard.push(topic));
    await hearing.subscribeAsync('$hw/events/device/lamp/#', { qos: 1 });
    const device = await secure(lamp);
    await device.publishAsync('$hw/events/device/lamp/twin/update', '{}', { qos: 1 });
    const again = await overWebSocket({ ...lamp, clientId: 'again' });
    await again.publishAsync('$hw/events/device/lamp/twin/get', '{}', { qos: 2 });
    await until(() => heard.length === 2);
    expect(heard).toEqual(['$hw/events/device/lamp/twin/update', '$hw/events/device/lamp/twin/get']);
  });

  it('takes a user name with its password, and lets a wrong one wait', async () => {
    const known = { username: 'sensor-user', password: PASSWORD };
    await secure(known);
    const since = performance.now();
    await secure({ ...known, clientId: 'again' });
    expect(performance.now() - since).toBeLessThan(1_000);
    await expect(secure({ ...known, password: 'another password' })).rejects.toThrow(/Not authorized/);
    await expect(secure({ username: 'nobody', password: PASSWORD })).rejects.toThrow(/Not authorized/);
  });

  it('takes a program of the node without a user name at the plain listener only', async () => {
    await dial(`mqtt://127.0.0.1:${portOf('plain')}`, {});
    await expect(secure({})).rejects.toThrow(/Not authorized/);
  });

  it('refuses certificates of others, of the wrong kind, and those that are not bound here', async () => {
    const unbound = await proofOf('device', 'lamp');
    await expect(secure(unbound)).rejects.toThrow(/Not authorized/);
    await expect(secure({ key: own.key, cert: own.chain })).rejects.toThrow(/Not authorized/);
    const foreign = await proofOf('device', 'lamp', { by: strangers });
    const socket = connectTls({ host: '127.0.0.1', port: portOf('tls'), ca: authority.root, ...foreign });
    socket.on('error', () => undefined);
    const said: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => said.push(bytes));
    await new Promise<void>((resolve) =>
      socket.once('close', () => {
        resolve();
      }),
    );
    expect(said).toEqual([]);
  });

  it('asks for TLS 1.2 at least', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const;
    const socket = connectTls({ host: '127.0.0.1', port: portOf('tls'), ca: authority.root, ...old });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toMatch(/protocol|alert|version/i);
  });

  it.each([
    ['its certificate is revoked', { lamp: [] }, () => lamp],
    ['its device is unbound', { without: 'lamp' }, () => lamp],
    ['its grants change', { grants: ['t/#'] }, () => app],
  ] as const)('cuts a client off within a second when %s', async (_why, change, proof) => {
    const client = await secure({ ...proof(), clientId: 'review' });
    const closed = new Promise<void>((resolve) => client.once('close', resolve));
    const since = performance.now();
    bind(change as Parameters<typeof bind>[0]);
    await closed;
    expect(performance.now() - since).toBeLessThan(1_000);
    bind();
    await secure({ ...proof(), clientId: 'review' });
  });

  it('refuses a certificate that has run out, and cuts off whoever is there when it does', async () => {
    const past = await proofOf('device', 'lamp', { lasts: { days: 1, now: Date.now() - 2 * DAY_MS } });
    const endsAt = Date.now() + 4_000;
    const brief = await proofOf('device', 'lamp', { lasts: { days: 1, now: endsAt - DAY_MS } });
    bind({ lamp: [lamp.fingerprint, past.fingerprint, brief.fingerprint] });
    expect(await answerTo({ ...past })).toEqual([]);
    const stays = await secure({ ...lamp, clientId: 'stays' });
    const client = await secure({ ...brief, clientId: 'brief' });
    await new Promise<void>((resolve) => client.once('close', resolve));
    // A certificate says its end in whole seconds.
    expect(Date.now() - endsAt).toBeGreaterThan(-1_000);
    expect(Date.now() - endsAt).toBeLessThan(1_500);
    expect(stays.connected).toBe(true);
    expect(await answerTo({ ...brief })).toEqual([]);
    await stays.endAsync();
    bind();
  });

  it('lets no TLS session outlive the certificate with which it began', async () => {
    const endsAt = Date.now() + 3_000;
    const brief = await proofOf('device', 'lamp', { lasts: { days: 1, now: endsAt - DAY_MS } });
    bind({ lamp: [lamp.fingerprint, brief.fingerprint] });
    const first = connectTls({ host: '127.0.0.1', port: portOf('tls'), ca: authority.root, ...brief });
    const [session] = (await once(first, 'session')) as [Buffer];
    await until(() => Date.now() > endsAt);
    expect(await answerTo({ ...brief, session })).not.toContain('connack 0');
    first.destroy();
    bind();
  });

  it('demands certificates again when there is no login left', async () => {
    bind({ logins: false });
    await until(() => listener('tls')?.listening === true);
    await expect(secure({ username: 'sensor-user', password: PASSWORD })).rejects.toThrow();
    await until(() => secure(lamp).then(() => true));
    bind();
    await until(() => secure({ username: 'sensor-user', password: PASSWORD }).then(Boolean, () => false));
  });

  it('asks nobody for a certificate where that is said, so that browsers connect', async () => {
    desired.set('broker', desiredBroker.parse({ webSocket: { clientCertificates: 'none' } }));
    const refusal = (): Promise<string> => overWebSocket(lamp).then(() => '', String);
    await until(async () => (await refusal()).includes('Not authorized'));
    await overWebSocket({ username: 'sensor-user', password: PASSWORD, clientId: 'page' });
    await secure(lamp);
    desired.set('broker', desiredBroker.parse({}));
    await until(async () => (await refusal()) === '');
  });

  it('shows a new certificate of the node to whoever comes then, and keeps who is there', async () => {
    const stays = await secure({ ...lamp, clientId: 'stays' });
    own = await nodeCertificate();
    broker.renewed();
    const shown = async (): Promise<string> => {
      const socket = connectTls({ host: '127.0.0.1', port: portOf('tls'), ca: authority.root });
      await once(socket, 'secureConnect');
      const pem = socket.getPeerX509Certificate()?.toString() ?? '';
      socket.destroy();
      return pem;
    };
    await until(async () => own.chain.startsWith((await shown()).trim()));
    expect(stays.connected).toBe(true);
  });

  it('says that a port is taken, and takes it when it is free', async () => {
    const thief = createServer().listen(0, '127.0.0.1');
    await once(thief, 'listening');
    const address = thief.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const taken = new Desired();
    taken.set('broker', desiredBroker.parse({ tls: { host: '127.0.0.1', port }, webSocket: { enabled: false } }));
    const other = tempDir('broker-');
    const log = pino({ level: 'silent' });
    const records = new Journal({ path: join(other.path, 'broker.db'), clock: systemClock, log });
    await records.start();
    const node = { hub: 'b'.repeat(16), project: 'default', node: 'n2' };
    const owner = { plain: false };
    const second = createBroker({
      node,
      desired: taken,
      records,
      credentials: () => own,
      owner,
      clock: systemClock,
      log,
    });
    await second.start();
    const [shown] = second.status().listeners;
    expect(shown).toMatchObject({ kind: 'tls', port, listening: false });
    expect(shown?.problem).toMatch(/another program listens/i);
    thief.close();
    await until(() => second.status().listeners[0]?.listening === true);
    taken.set('broker', desiredBroker.parse({ tls: { enabled: false }, webSocket: { enabled: false } }));
    await until(() => second.status().listeners.length === 0);
    await second.stop();
    await records.stop();
    other.remove();
  });

  it('counts what it does', () => {
    const { counters, clients: here, sessions, retained } = broker.status();
    expect(counters.received).toBeGreaterThan(0);
    expect(counters.connect_refused).toBeGreaterThan(0);
    expect(here.length).toBeGreaterThan(0);
    expect({ sessions: sessions.count, retained: retained.count }).toEqual({ sessions: 0, retained: 0 });
  });
});

function pemOf(key: { export(options: { type: 'pkcs8'; format: 'pem' }): string | Buffer }): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
