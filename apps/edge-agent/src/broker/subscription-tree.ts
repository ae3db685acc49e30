interface Branch {
  readonly children: Map<string, Branch>;
  /** Client → QoS of its subscription that ends here. */
  readonly clients: Map<string, number>;
}

const MAX_CACHED = 10_000;

/** Which clients a topic is for, with the highest QoS of each client's matching subscriptions [MQTT-3.3.5-1]. */
export class SubscriptionTree {
  readonly #root = branch();
  readonly #cache = new Map<string, ReadonlyMap<string, number>>();
  #size = 0;

  /** Subscriptions that are in it. */
  get size(): number {
    return this.#size;
  }

  add(filter: string, client: string, qos: number): void {
    let at = this.#root;
    for (const level of filter.split('/')) {
      const next = at.children.get(level) ?? branch();
      at.children.set(level, next);
      at = next;
    }
    if (!at.clients.has(client)) this.#size += 1;
    at.clients.set(client, qos);
    this.#cache.clear();
  }

  remove(filter: string, client: string): void {
    const path: [Branch, string][] = [];
    let at = this.#root;
    for (const level of filter.split('/')) {
      const next = at.children.get(level);
      if (next === undefined) return;
      path.push([at, level]);
      at = next;
    }
    if (at.clients.delete(client)) this.#size -= 1;
    this.#cache.clear();
    for (const [parent, level] of path.reverse()) {
      const child = parent.children.get(level);
      if (child === undefined || child.children.size > 0 || child.clients.size > 0) return;
      parent.children.delete(level);
    }
  }

  match(topic: string): ReadonlyMap<string, number> {
    const known = this.#cache.get(topic);
    if (known !== undefined) return known;
    const found = new Map<string, number>();
    collect(this.#root, topic.split('/'), { at: 0, found });
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
    this.#cache.set(topic, found);
    return found;
  }
}

function collect(
  from: Branch,
  levels: readonly string[],
  { at, found }: { at: number; found: Map<string, number> },
): void {
  const level = levels[at];
  // [MQTT-4.7.2-1]: a wildcard at the front is not for topics that begin with $.
  const wild = at > 0 || level?.startsWith('$') !== true;
  const all = wild ? from.children.get('#') : undefined;
  if (all !== undefined) take(all, found);
  if (level === undefined) {
    take(from, found);
    return;
  }
  const exact = from.children.get(level);
  const one = wild ? from.children.get('+') : undefined;
  for (const next of [exact, one]) if (next !== undefined) collect(next, levels, { at: at + 1, found });
}

function take({ clients }: Branch, found: Map<string, number>): void {
  for (const [client, qos] of clients) found.set(client, Math.max(found.get(client) ?? 0, qos));
}

function branch(): Branch {
  return { children: new Map(), clients: new Map() };
}
