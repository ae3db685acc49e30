import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { toEdgeError } from '@selvage/protocol';
import { catchError, from, map, mergeMap, type Observable, throwError } from 'rxjs';
import { projectOf } from './access.guard.js';
import type { KnownRequest } from './expose.js';
import { RequestHooks } from './registries.js';

/** Notes every request that was to change something, with its outcome, before it is answered. Bodies are not noted. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(private readonly hooks: RequestHooks) {}

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    const request = context.switchToHttp().getRequest<KnownRequest>();
    if (request.method === 'GET' || request.endpoint?.role === 'public') return next.handle();
    return next.handle().pipe(
      mergeMap((answer) => from(this.note(request, 'ok')).pipe(map(() => answer))),
      catchError((error: unknown) =>
        from(this.note(request, toEdgeError(error).code)).pipe(mergeMap(() => throwError(() => error))),
      ),
    );
  }

  private note(request: KnownRequest, outcome: string): Promise<void> {
    const project = projectOf(request);
    return this.hooks.record({
      actor: request.caller?.username ?? 'unknown',
      action: `${request.method} ${request.endpoint?.path ?? ''}`,
      target: request.url.split('?')[0] ?? '',
      ...(project === undefined ? {} : { project }),
      outcome,
      requestId: request.id,
    });
  }
}
