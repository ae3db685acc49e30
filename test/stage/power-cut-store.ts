/**
 * The agent's own store as a program: `node … FOLDER`. It says what it found, then replaces its identity and takes over one desired
 * state after the other without end, and says of each when it is stored.
 */
import { systemClock } from '@selvage/reconcile';
import { toSection } from '@selvage/wire';
import { z } from 'zod';
import { IdentityFile } from '../../apps/edge-agent/src/certificates/identity-file.js';
import { Store } from '../../apps/edge-agent/src/state/index.js';

const SECTIONS = ['first', 'second', 'third'];
/** Every one of these numbers is that of the same write. */
export interface Found {
  readonly identity: readonly string[];
  readonly desired: readonly number[];
}
export type FromStore =
  | ({ readonly is: 'up' } & Found)
  | { readonly is: 'stored'; readonly what: 'identity' | 'desired'; readonly n: number };

const [folder = ''] = process.argv.slice(2);
const section = z.object({ n: z.int(), fill: z.string() });
const say = (word: FromStore): void => {
  process.send?.(word);
};
const complain = (about: unknown, text?: string): void => {
  process.stderr.write(`${text}: ${JSON.stringify(about)}\n`);
};

const identity = new IdentityFile(folder);
const store = new Store({ folder, clock: systemClock, log: { warn: complain, error: complain } });
process.on('disconnect', () => process.exit());
await store.start();
const held = await identity.load();
const desired = SECTIONS.map((name) => store.desired.read(name, section)?.n ?? 0);
const found = {
  identity: [held?.key, held?.chain, held?.ca].map((text) => text?.split(' ')[0] ?? '0'),
  desired: [store.desired.position?.revision ?? 0, ...desired],
};
say({ is: 'up', ...found });
await Promise.all([replace(Number(found.identity[0])), apply(found.desired[0] ?? 0)]);

async function replace(last: number): Promise<void> {
  for (let n = last + 1; ; n += 1) {
    const [key, chain, ca] = [300, 2_000, 5_000].map((length) => `${n} ${'x'.repeat(length + (n % 7) * 500)}`);
    const who = { hubUrl: 'https://hub', hub: '0123456789abcdef', project: 'default', node: 'n' };
    await identity.save({ ...who, key: key ?? '', chain: chain ?? '', ca: ca ?? '' });
    say({ is: 'stored', what: 'identity', n });
  }
}

async function apply(last: number): Promise<void> {
  for (let n = last + 1; ; n += 1) {
    const value = { n, fill: 'x'.repeat(((n * 7) % 11) * 1_000) };
    const sections = SECTIONS.map((name) => toSection(name, value));
    await store.desired.apply({ epoch: 'e', revision: n }, sections, []);
    say({ is: 'stored', what: 'desired', n });
  }
}
