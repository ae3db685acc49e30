/** Sessions as records: their keys, and the text that says what a session is. */
import { z } from 'zod';

const sessionText = z.object({ s: z.array(z.tuple([z.string(), z.int().min(0).max(2)])), t: z.number() });

export interface SessionRecord {
  readonly subscriptions: ReadonlyMap<string, number>;
  readonly seenAt: number;
}

export function encodeSession({ subscriptions, seenAt }: SessionRecord): Buffer {
  return Buffer.from(JSON.stringify({ s: [...subscriptions], t: seenAt }));
}

/** Undefined for bytes that are no session: a damaged record is passed over. */
export function decodeSession(bytes: Buffer): SessionRecord | undefined {
  try {
    const { s, t } = sessionText.parse(JSON.parse(bytes.toString('utf8')));
    return { subscriptions: new Map(s), seenAt: t };
  } catch {
    return undefined;
  }
}

/** Whose a session is: the kind and identity with which the broker begins its id, together the key of the identity. */
export function ownerOf(id: string): { kind: 'device' | 'app' | 'local'; id: string; key: string } {
  const [kind, owner = ''] = id.split('/', 2);
  return { kind: kind === 'device' || kind === 'app' ? kind : 'local', id: owner, key: `${kind ?? ''}/${owner}` };
}

export function sessionKey(id: string): string {
  return `s/${encodeURIComponent(id)}`;
}

/** Twelve digits of base 36, so that keys sort as the queue is. */
export function queueKey(id: string, seq: number): string {
  return `q/${encodeURIComponent(id)}/${seq.toString(36).padStart(12, '0')}`;
}

export function seqOf(key: string): number {
  return Number.parseInt(key.split('/')[2] ?? '', 36);
}

export function incomingKey(id: string, messageId: number): string {
  return `i/${encodeURIComponent(id)}/${messageId}`;
}

export function messageIdOf(key: string): number {
  return Number(key.split('/')[2]);
}

export function idOf(key: string): string {
  return decodeURIComponent(key.split('/')[1] ?? '');
}
