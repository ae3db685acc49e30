import { Controller, Res } from '@nestjs/common';
import { endpoints, type ParsedInput } from '@selvage/protocol';
import type { FastifyReply } from 'fastify';
import { type Caller, mayIn } from './caller.js';
import { EventStream } from './event-stream.js';
import { Expose, Input, Who } from './expose.js';
import { type Change, LiveFeed } from './live-feed.js';

/** Server-sent events for the console and the command line: what changed, never how. */
@Controller()
export class LiveController {
  constructor(private readonly feed: LiveFeed) {}

  @Expose(endpoints.live.events)
  events(
    @Input() input: ParsedInput<typeof endpoints.live.events>,
    @Who() who: Caller,
    @Res() reply: FastifyReply,
  ): void {
    follow(new EventStream(reply), this.feed, ({ project }) => concerns(project, who, input.query.project));
  }
}

function concerns(project: string | undefined, who: Caller, wanted: string | undefined): boolean {
  if (project === undefined) return who.role === 'admin' && who.projects === undefined && wanted === undefined;
  return mayIn(who, project) && (wanted === undefined || wanted === project);
}

/** Writes changes until the reader goes or reads too slowly: a slow reader is cut off and comes back to read everything again. */
function follow(stream: EventStream, feed: LiveFeed, wanted: (change: Change) => boolean): void {
  const end = feed.subscribe((change) => {
    if (!wanted(change)) return;
    if (stream.isFull) stream.cut();
    else stream.send(change);
  });
  stream.onEnd(end);
}
