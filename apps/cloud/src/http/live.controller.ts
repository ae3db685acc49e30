import { Controller, Res } from '@nestjs/common';
import { endpoints, type ParsedInput } from '@selvage/protocol';
import type { FastifyReply } from 'fastify';
import type { ServerResponse } from 'node:http';
import { type Caller, mayIn } from './caller.js';
import { Expose, Input, Who } from './expose.js';
import { type Change, LiveFeed } from './live-feed.js';

const KEEP_ALIVE_MS = 20_000;
const MAX_BUFFERED_BYTES = 256 * 1024;

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
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    follow(reply.raw, this.feed, ({ project }) => concerns(project, who, input.query.project));
  }
}

function concerns(project: string | undefined, who: Caller, wanted: string | undefined): boolean {
  if (project === undefined) return who.role === 'admin' && who.projects === undefined && wanted === undefined;
  return mayIn(who, project) && (wanted === undefined || wanted === project);
}

/** Writes changes until the reader goes or reads too slowly: a slow reader is cut off and comes back to read everything again. */
function follow(out: ServerResponse, feed: LiveFeed, wanted: (change: Change) => boolean): void {
  const write = (text: string): void => {
    if (out.writableLength > MAX_BUFFERED_BYTES) out.destroy();
    else out.write(text);
  };
  const end = feed.subscribe((change) => {
    if (wanted(change)) write(`data: ${JSON.stringify(change)}\n\n`);
  });
  const beat = setInterval(write, KEEP_ALIVE_MS, ': still here\n\n');
  out.on('close', () => {
    end();
    clearInterval(beat);
  });
  write(': listening\n\n');
}
