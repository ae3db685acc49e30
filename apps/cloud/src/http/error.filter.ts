import { finished } from 'node:stream';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { EdgeError, type ErrorBody, toEdgeError } from '@selvage/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { databaseLost } from '../db/index.js';
import { TooManyRequests } from './rate-limit.js';

/** Every error leaves as `{ code, message, detail, requestId }`; a bug is logged with its stack and shown without. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /** The same for errors that Fastify meets before Nest does. */
  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = known(thrown);
    if (error.code === 'internal') this.log.error({ err: thrown, requestId: request.id }, 'request failed');
    if (error instanceof TooManyRequests) void reply.header('retry-after', String(error.retryAfterSeconds));
    if (error.code === 'overloaded') void reply.header('retry-after', '1');
    if (reply.raw.headersSent) reply.raw.destroy();
    else if (error.code === 'body_too_large') sendAfterBody(error, request, reply);
    else send(error, request, reply);
  }
}

function send(error: EdgeError, request: FastifyRequest, reply: FastifyReply): void {
  void reply.status(error.status).send(errorBodyOf(error, request.id));
}

/**
 * Who still sends when the connection closes never gets to read the answer: the rest of the body is taken in and dropped first. The
 * server's limit on the time that a request may take ends it for those who never stop.
 */
function sendAfterBody(error: EdgeError, request: FastifyRequest, reply: FastifyReply): void {
  finished(request.raw.resume(), () => {
    send(error, request, reply);
  });
}

function errorBodyOf(error: EdgeError, requestId: string): ErrorBody {
  const detail = error.code === 'internal' ? '' : error.detail;
  return { code: error.code, message: error.sentence, detail, requestId };
}

/** Errors of Nest and Fastify in words of our catalogue. */
function known(thrown: unknown): EdgeError {
  if (thrown instanceof EdgeError) return thrown;
  const status = statusOf(thrown);
  const detail = thrown instanceof Error ? thrown.message : '';
  if (status === 413) return new EdgeError('body_too_large', 'A request body has at most 1 MiB.', { cause: thrown });
  if (status === 404)
    return new EdgeError('not_found', 'There is no such address; /api/docs lists them all.', { cause: thrown });
  if (status >= 400 && status < 500) return new EdgeError('bad_request', detail, { cause: thrown });
  return databaseLost(thrown) ?? toEdgeError(thrown);
}

function statusOf(thrown: unknown): number {
  if (thrown instanceof HttpException) return thrown.getStatus();
  const status: unknown =
    typeof thrown === 'object' && thrown !== null && 'statusCode' in thrown ? thrown.statusCode : undefined;
  return typeof status === 'number' ? status : 500;
}
