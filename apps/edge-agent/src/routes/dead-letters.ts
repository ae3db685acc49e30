import type { DeadLetter, Outbox } from '@selvage/outbox';
import type { DeadAnswer } from '@selvage/protocol';
import { decodeRouted } from '@selvage/wire';
import { uidOf } from './lanes.js';

/** Bytes of a payload that are shown. */
const MAX_SHOWN = 4_096;
/** Bytes of payloads that are shown together. */
const MAX_PAGE = 512 * 1024;
const BATCH = 200;

type Store = Pick<Outbox, 'dead' | 'revive' | 'discard'>;
type Shown = DeadAnswer['letters'][number];

/** A letter of one of the outboxes; its number names it among those of both. */
interface Letter {
  readonly store: Store;
  readonly number: number;
  readonly letter: DeadLetter;
}

/** The dead letters of routes in both outboxes of a node, numbered as if they lay in one. */
export class DeadLetters {
  readonly #stores: readonly Store[];

  constructor({ hub, local }: { readonly hub: Store; readonly local: Store }) {
    this.#stores = [hub, local];
  }

  /** Those of a route above a number, in order; fewer than asked for when they are large. */
  async list({ uid, after, limit }: { uid: string; after: number; limit: number }): Promise<Shown[]> {
    const letters = (await this.#of(uid, after, limit)).map(({ number, letter }) => shown(number, letter));
    let bytes = 0;
    const end = letters.findIndex(({ payload, topic, detail }) => {
      bytes += payload.length + topic.length + detail.length + 200;
      return bytes > MAX_PAGE;
    });
    return end === -1 ? letters : letters.slice(0, Math.max(1, end));
  }

  /** Sends them again; how many those were. */
  async revive(uid: string, numbers?: readonly number[]): Promise<number> {
    const chosen = await this.#chosen(uid, numbers);
    for (const { store, letter } of chosen) await store.revive(letter.seq);
    return chosen.length;
  }

  /** Throws them away; how many those were. */
  async discard(uid: string, numbers?: readonly number[]): Promise<number> {
    const chosen = await this.#chosen(uid, numbers);
    for (const { store, letter } of chosen) store.discard([letter.seq]);
    return chosen.length;
  }

  async #chosen(uid: string, numbers?: readonly number[]): Promise<Letter[]> {
    const wanted = numbers && new Set(numbers);
    const all = await this.#of(uid, 0, Infinity);
    return all.filter(({ number }) => wanted?.has(number) ?? true);
  }

  async #of(uid: string, after: number, limit: number): Promise<Letter[]> {
    const found = await Promise.all(this.#stores.map((_store, place) => this.#in(place, { uid, after, limit })));
    return found
      .flat()
      .sort((a, b) => a.number - b.number)
      .slice(0, limit);
  }

  async #in(place: number, { uid, after, limit }: { uid: string; after: number; limit: number }): Promise<Letter[]> {
    const store = this.#stores[place];
    const count = this.#stores.length;
    const found: Letter[] = [];
    // The number of a letter is its sequence times the outboxes, and its outbox.
    for (let from = Math.floor((after - place) / count); store !== undefined && found.length < limit;) {
      const page = await store.dead(Math.max(0, from), BATCH);
      for (const letter of page)
        if (uidOf(letter.lane) === uid) found.push({ store, number: letter.seq * count + place, letter });
      from = page.at(-1)?.seq ?? from;
      if (page.length === 0) break;
    }
    return found.slice(0, limit);
  }
}

function shown(seq: number, { at, size, body, code, detail }: DeadLetter): Shown {
  const common = { seq, at: new Date(at).toISOString(), code, detail };
  try {
    const { topic, payload } = decodeRouted(body);
    const cut = Buffer.from(payload).subarray(0, MAX_SHOWN);
    return { ...common, topic, size: payload.byteLength, payload: cut.toString('base64') };
  } catch {
    // It may lie here for that very reason.
    return { ...common, topic: '', size, payload: '' };
  }
}
