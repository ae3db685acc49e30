import { createHash } from 'node:crypto';
import type { Section, SectionHashes } from '@selvage/protocol';

/** Content hash of a section's bytes: SHA-256, base64url, cut to 128 bits (it tells versions apart, it is no signature). */
export function contentHash(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('base64url').slice(0, 22);
}

/** A value as a section: JSON with sorted keys, so that equal values have equal bytes and equal hashes. */
export function toSection(name: string, value: unknown): Section {
  const body = Buffer.from(JSON.stringify(value, sorted), 'utf8');
  return { name, hash: contentHash(body), body };
}

/** The value of a section's bytes; the caller parses it with the section's schema. Throws `SyntaxError` on other bytes. */
export function sectionValue(body: Uint8Array): unknown {
  return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
}

/** One hash over all section hashes, whatever their order: what a heartbeat carries. */
export function digest(hashes: SectionHashes): string {
  const lines = Object.entries(hashes).map(([name, hash]) => `${name}=${hash}`);
  return contentHash(Buffer.from(lines.sort().join('\n'), 'utf8'));
}

/** Names whose hash differs between what is wanted and what is there, and names that are there but not wanted. */
export function compare(wanted: SectionHashes, there: SectionHashes): { differ: string[]; gone: string[] } {
  const differ = Object.keys(wanted).filter((name) => wanted[name] !== there[name]);
  const gone = Object.keys(there).filter((name) => !Object.hasOwn(wanted, name));
  return { differ, gone };
}

function sorted(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
