import { aborted, type Cancel, type Clock } from '@selvage/reconcile';
import type { Credentials, Docker } from '../docker/index.js';
import { Gate } from './gate.js';

/** Pulls at once: more would only share the same line and disk. */
const AT_ONCE = 3;
/** A pull that nobody waits for any more goes on this long: whoever changes an app during a pull goes on with it. */
const LINGER_MS = 10_000;

interface Pull {
  readonly digest: Promise<string | undefined>;
  readonly controller: AbortController;
  waiting: number;
  cancel: Cancel | undefined;
}

/** The pulls under way: who asks for the same image with the same credentials shares one. */
export class Pulls {
  readonly #docker: Docker;
  readonly #clock: Clock;
  readonly #gate = new Gate(AT_ONCE);
  readonly #pulls = new Map<string, Pull>();

  constructor(docker: Docker, clock: Clock) {
    this.#docker = docker;
    this.#clock = clock;
  }

  /** Gives the digest that the registry named. `mark` tells credentials apart. */
  async pull(
    reference: string,
    options: { signal: AbortSignal; mark: string; credentials: Credentials | undefined },
  ): Promise<string | undefined> {
    const key = `${reference} ${options.mark}`;
    const pull = this.#pulls.get(key) ?? this.#begin(key, reference, options.credentials);
    pull.waiting += 1;
    pull.cancel?.();
    try {
      return await Promise.race([pull.digest, aborted(options.signal)]);
    } finally {
      pull.waiting -= 1;
      if (pull.waiting === 0 && this.#pulls.get(key) === pull)
        pull.cancel = this.#clock.timer(LINGER_MS, () => {
          pull.controller.abort(new Error('nobody waits for this pull any more'));
        });
    }
  }

  /** Ends every pull at once. */
  stop(): void {
    for (const pull of this.#pulls.values()) {
      pull.cancel?.();
      pull.controller.abort(new Error('stopped'));
    }
  }

  #begin(key: string, reference: string, credentials: Credentials | undefined): Pull {
    const controller = new AbortController();
    const { signal } = controller;
    const digest = this.#gate.run(signal, () =>
      this.#docker.pull(reference, { signal, ...(credentials && { credentials }) }),
    );
    const pull = { digest, controller, waiting: 0, cancel: undefined };
    this.#pulls.set(key, pull);
    const ended = (): void => {
      this.#end(key, pull);
    };
    digest.then(ended, ended);
    return pull;
  }

  #end(key: string, pull: Pull): void {
    this.#pulls.delete(key);
    pull.cancel?.();
  }
}
