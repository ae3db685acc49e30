/** Questions to the node, answered by their event id: sent again after a reconnect, given up after a deadline. */
import { EdgeError } from '@selvage/protocol';
import type { Cancel } from '@selvage/reconcile';
import type { ConnectedTime } from './connected-time.js';
import { failureOf } from './errors.js';

/** A topic of the device that the node answers on `…/result`. */
export type Asked = 'twin/update' | 'twin/get' | 'state/update';

/**
 * What is asked. Only the latest of each part counts: a newer question with the same part takes it from those that wait; one that
 * has lost all its parts is `superseded`. Without parts a question is sent whole, whatever comes after it.
 */
export interface Question {
  readonly of: Asked;
  readonly parts?: ReadonlyMap<string, unknown>;
  /** The members of the message beside `event_id`, out of the parts that are left. */
  readonly body: (parts: ReadonlyMap<string, unknown>) => object;
}

/** What became of a question: the node's answer, or nothing, because newer values took its place. */
export type Answered = { readonly answer: unknown } | 'superseded';

/** What requests need of their surroundings. */
export interface RequestPorts {
  readonly publish: (of: Asked, payload: string) => void;
  readonly newId: () => string;
  readonly now: () => number;
  readonly time: ConnectedTime;
  /** A question left, one way or the other. */
  readonly settled: () => void;
}

interface Entry {
  readonly id: string;
  readonly of: Asked;
  readonly parts: Map<string, unknown>;
  readonly isWhole: boolean;
  readonly body: Question['body'];
  readonly resolve: (answered: Answered) => void;
  readonly reject: (error: EdgeError) => void;
  readonly cancel: Cancel;
  isSent: boolean;
  tries: number;
}

/** Connected time that the node has for an answer. */
export const ANSWER_MS = 30_000;
const WINDOW = 16;

export class Requests {
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();
  #underWay = 0;
  #isConnected = false;

  constructor(
    private readonly maxWaiting: number,
    private readonly ports: RequestPorts,
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  /** Asks now, or once connected. Rejects with what the node answers, or `deadline_exceeded` when it does not. */
  ask(question: Question): Promise<Answered> {
    this.#supersede(question);
    return new Promise((resolve, reject) => {
      if (this.#entries.size >= this.maxWaiting) {
        reject(new EdgeError('too_many_requests', `${this.#entries.size} requests to the node wait already.`));
        return;
      }
      const id = this.ports.newId();
      const cancel = this.ports.time.timer(ANSWER_MS, () => {
        this.#fail(
          id,
          new EdgeError('deadline_exceeded', `${question.of}: the node did not answer in ${ANSWER_MS / 1000} s.`),
        );
      });
      const { of, body, parts } = question;
      const own = { id, of, body, parts: new Map(parts), isWhole: !parts };
      this.#entries.set(id, { ...own, resolve, reject, cancel, isSent: false, tries: 0 });
      this.#pump();
    });
  }

  /** Takes an answer of the node; false when it is for nobody here. */
  answered(eventId: string, answer: unknown): boolean {
    const entry = this.#entries.get(eventId);
    if (!entry) return false;
    const failure = failureOf(answer);
    if (failure) {
      this.#fail(eventId, failure.code === 'conflict' && entry.tries > 1 ? doubtful(failure) : failure);
      return true;
    }
    this.#remove(entry);
    entry.resolve({ answer });
    this.#after();
    return true;
  }

  connected(): void {
    this.#isConnected = true;
    this.#pump();
  }

  /** What was not answered waits to be asked again. */
  disconnected(): void {
    this.#isConnected = false;
    this.#underWay = 0;
    for (const entry of this.#entries.values()) entry.isSent = false;
  }

  /** Rejects everything, and returns what it was about. */
  giveUp(reason: EdgeError): Asked[] {
    const left = [...this.#entries.values()];
    for (const entry of left) {
      this.#remove(entry);
      entry.reject(reason);
    }
    this.ports.settled();
    return left.map(({ of }) => of);
  }

  #supersede({ of, parts }: Question): void {
    if (!parts) return;
    for (const entry of this.#entries.values()) {
      if (entry.of !== of || entry.isSent || entry.isWhole) continue;
      for (const part of parts.keys()) entry.parts.delete(part);
      if (entry.parts.size > 0) continue;
      this.#remove(entry);
      entry.resolve('superseded');
      this.ports.settled();
    }
  }

  #fail(id: string, error: EdgeError): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#remove(entry);
    entry.reject(error);
    this.#after();
  }

  #after(): void {
    this.ports.settled();
    this.#pump();
  }

  #remove(entry: Entry): void {
    entry.cancel();
    this.#entries.delete(entry.id);
    if (entry.isSent) this.#underWay -= 1;
  }

  #pump(): void {
    if (!this.#isConnected) return;
    for (const entry of this.#entries.values()) {
      if (this.#underWay >= WINDOW) return;
      if (entry.isSent) continue;
      entry.isSent = true;
      entry.tries += 1;
      this.#underWay += 1;
      const message = { event_id: entry.id, timestamp: this.ports.now(), ...entry.body(entry.parts) };
      this.ports.publish(entry.of, JSON.stringify(message));
    }
  }
}

/** The first try may have been written before the connection was lost. */
function doubtful({ code, detail, cause }: EdgeError): EdgeError {
  return new EdgeError(code, `${detail} The connection was lost meanwhile: this may be the device's own write.`, {
    cause,
  });
}

/** Makes ids that no other device and no other run of this one makes. */
export function idMaker(): () => string {
  const random = crypto.getRandomValues(new Uint8Array(9));
  const prefix = [...random].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  let count = 0;
  return () => {
    count += 1;
    return `${prefix}-${count}`;
  };
}
