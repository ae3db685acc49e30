import type { Records } from './session-store.js';

/** Record that says whose sessions these are. */
const OWNER = 'owner';
const PREFIXES = ['s/', 'q/', 'i/', 'r/'];

/** Says whose records these are. What was kept for another node, or by another hub, is forgotten. */
export async function claim(records: Records, owner: string): Promise<void> {
  let before: string | undefined;
  for await (const [key, value] of records.read(OWNER)) if (key === OWNER) before = value.toString('utf8');
  if (before === owner) return;
  if (before !== undefined) await forget(records);
  await records.put(OWNER, Buffer.from(owner));
}

async function forget(records: Records): Promise<void> {
  const keys: string[] = [];
  for (const prefix of PREFIXES) for await (const [key] of records.read(prefix)) keys.push(key);
  await Promise.all(keys.map((key) => records.delete(key)));
}
