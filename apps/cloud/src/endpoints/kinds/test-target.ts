import { Authority, createCsr, type KeyPair, newKeyPair } from '@selvage/pki';
import type { Outcome } from '@selvage/outbox';
import { type EndpointKind, type EndpointSpec, endpointSpec, type RoutedMessage } from '@selvage/protocol';
import { type Clock, systemClock } from '@selvage/reconcile';
import type { Kind, Outgoing, Target } from './kind.js';
import { Reach } from './reach.js';

/** Tests have their servers on this machine. */
export const LOCAL = new Reach(['127.0.0.0/8', '::1']);

type SpecOf<K extends EndpointKind> = Extract<EndpointSpec, { kind: K }>;

interface Opened {
  readonly credentials?: Readonly<Record<string, string>>;
  readonly reach?: Reach;
  readonly clock?: Clock;
}

/** Opens an endpoint as the hub does: `spec` gets the defaults of its schema. */
export function open<K extends EndpointKind>(kind: Kind<K>, spec: object, more: Opened = {}): Target {
  const { credentials = {}, reach = LOCAL, clock = systemClock } = more;
  const whole = endpointSpec.parse({ kind: kind.kind, ...spec });
  if (!isOf(kind, whole)) throw new Error(`not the spec of a ${kind.kind}`);
  return kind.open({ spec: whole, credentials, reach, clock });
}

function isOf<K extends EndpointKind>(kind: Kind<K>, spec: EndpointSpec): spec is SpecOf<K> {
  return spec.kind === kind.kind;
}

type Wish = Partial<Omit<Outgoing, 'message'>> & { readonly message?: Partial<RoutedMessage> };

/** A message of a route, numbered. */
export function outgoing(seq: number, { message, ...leg }: Wish = {}): Outgoing {
  return {
    message: {
      id: `m-${seq}`,
      topic: 'default/nodes/n1/user/t',
      node: 'n1',
      device: 'd1',
      at: Date.UTC(2030, 0, 1, 12),
      payload: Buffer.from(`payload ${seq}`),
      vars: {},
      ...message,
    },
    seq,
    key: undefined,
    topic: undefined,
    path: undefined,
    target: { endpoint: 'there' },
    route: { project: 'default', name: 'r1' },
    ...leg,
  };
}

/** Delivers with a signal that nobody aborts. */
export function deliver(target: Target, ...batch: readonly Outgoing[]): Promise<readonly Outcome[]> {
  return target.deliver(batch, new AbortController().signal);
}

export function test(target: Target): Promise<void> {
  return target.test(new AbortController().signal);
}

/** What a promise was refused with. */
export async function refusal(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Certificates of an authority that only this test knows, all PEM. */
export interface TestCertificates {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

export async function testCertificates(hosts: readonly string[]): Promise<TestCertificates> {
  const lifetime = { days: 1, now: Date.now() };
  const files = await Authority.create({ passphrase: 'x', now: lifetime.now, name: 'test' });
  const authority = Authority.load(files, 'x');
  const [server, client] = await Promise.all([newKeyPair(), newKeyPair()]);
  const pem = (key: KeyPair['privateKey']): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const issued = await authority.issueHub({ publicKey: server.publicKey, name: 'server', hosts }, lifetime);
  const csr = await createCsr(client);
  const identity = { kind: 'device', project: 'default', name: 'd1' } as const;
  const device = await authority.issueClient(csr, identity, lifetime);
  return {
    ca: authority.root,
    server: { cert: issued.chain, key: pem(server.privateKey) },
    client: { cert: device.chain, key: pem(client.privateKey) },
  };
}
