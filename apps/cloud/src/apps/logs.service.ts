import { Inject, Injectable } from '@nestjs/common';
import { EdgeError, type frames, type LogQuery } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import type { FastifyReply } from 'fastify';
import { Calls } from '../link/index.js';
import { LOG, type Logger } from '../log/index.js';
import { Apps } from './apps.service.js';
import { sendText } from './text-stream.js';

const FIRST_ANSWER_MS = 30_000;
/** A log that is followed may have nothing to say: its reader sees after this time that it is connected. */
const SILENCE_MS = 300;

/** Container logs, straight from the node to whoever asks. */
@Injectable()
export class AppLogs {
  constructor(
    private readonly apps: Apps,
    private readonly calls: Calls,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /** @throws EdgeError `not_found`, `node_offline` and what the node answers, as long as nothing was sent. */
  async stream(at: { project: string; name: string }, query: LogQuery, reply: FastifyReply): Promise<void> {
    const { node, ...wanted } = query;
    const { containers } = await this.apps.placedOn(at.project, at.name, node);
    refuseUnknownContainer(
      wanted.container,
      containers.map(({ name }) => name),
    );
    const params: frames.LogsCall = { app: at.name, ...wanted };
    const deadline = wanted.follow ? {} : { deadlineMs: FIRST_ANSWER_MS };
    const request = { method: 'logs', params, ...deadline };
    const open = (signal: AbortSignal): AsyncIterable<Uint8Array> =>
      this.calls.open({ project: at.project, node }, request, signal);
    const broke = (error: unknown): void => {
      this.log.info(
        { ...at, node, reason: error instanceof Error ? error.message : String(error) },
        'log stream broke',
      );
    };
    await sendText(reply, open, { clock: systemClock, silenceMs: wanted.follow ? SILENCE_MS : undefined, broke });
  }
}

function refuseUnknownContainer(wanted: string | undefined, names: readonly string[]): void {
  if (wanted === undefined || names.includes(wanted)) return;
  throw new EdgeError('not_found', `The app has no container "${wanted}"; it has ${names.join(', ')}.`);
}
