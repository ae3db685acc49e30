import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { EdgeError } from '@selvage/protocol';
import { EventStream, type Unsent } from '../http/index.js';
import { type KnownRoute, KnownRoutes } from './known-routes.service.js';
import { shownLive } from './live.rules.js';
import { LiveRoutes } from './live-routes.service.js';

const MAX_READERS = 100;

/** Who reads what routes to `live` carry. Whoever reads too slowly misses messages, and is told how many. */
@Injectable()
export class LiveReaders implements OnModuleInit {
  private readonly streams = new Map<string, Set<EventStream>>();

  constructor(
    @Inject(KnownRoutes) private readonly known: Pick<KnownRoutes, 'get' | 'named' | 'listen'>,
    private readonly live: LiveRoutes,
  ) {}

  onModuleInit(): void {
    this.known.listen((uid) => {
      if (this.known.get(uid)?.spec.target.endpoint === 'live') return;
      for (const stream of this.streams.get(uid) ?? []) stream.end();
    });
  }

  /** @throws EdgeError `not_found`, `bad_request` for a route that leads somewhere else, `too_many_requests`. */
  open({ project, name }: { project: string; name: string }, reply: Unsent): void {
    const { uid } = this.route(project, name);
    const readers = this.streams.get(uid) ?? new Set();
    if (readers.size >= MAX_READERS)
      throw new EdgeError('too_many_requests', `${MAX_READERS} look at route "${name}" already.`);
    const stream = new EventStream(reply);
    this.streams.set(uid, readers.add(stream));
    let missed = 0;
    const end = this.live.read(uid, (message) => {
      if (stream.isFull) missed += 1;
      else {
        stream.send(shownLive(message, missed));
        missed = 0;
      }
    });
    stream.onEnd(() => {
      end();
      readers.delete(stream);
      if (readers.size === 0 && this.streams.get(uid) === readers) this.streams.delete(uid);
    });
  }

  private route(project: string, name: string): KnownRoute {
    const route = this.known.named(project, name);
    if (route === undefined) throw new EdgeError('not_found', `There is no route "${name}" in project "${project}".`);
    const { endpoint } = route.spec.target;
    if (endpoint === 'live') return route;
    throw new EdgeError(
      'bad_request',
      `Route "${name}" leads to "${endpoint}"; only what goes to "live" can be watched.`,
    );
  }
}
