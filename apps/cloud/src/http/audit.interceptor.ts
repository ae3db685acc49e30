import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { endpoints, name, toEdgeError } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { catchError, from, map, mergeMap, type Observable, throwError } from 'rxjs';
import { projectOf } from './access.guard.js';
import type { Change, ChangeUnderWay } from './change-notes.js';
import type { KnownRequest } from './expose.js';
import { FailedLogins } from './failed-logins.js';
import { RequestHooks } from './registries.js';

const MAX_USERNAME = 64;

/**
 * Notes every request that was to change something, with its outcome, before it is answered; and logins with a wrong password. What
 * changes something is noted in the transaction that changes it; what was refused or changed nothing has none, and is noted by itself.
 * Of bodies only the name of what is made is noted.
 */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  private readonly failedLogins = new FailedLogins(systemClock);

  constructor(private readonly hooks: RequestHooks) {}

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    const request = context.switchToHttp().getRequest<KnownRequest>();
    if (request.endpoint === endpoints.session.login) return this.login(request, next);
    if (request.method === 'GET' || request.endpoint?.role === 'public') return next.handle();
    const underWay = { change: this.changeOf(request), noted: false };
    return this.hooks.notes
      .during(underWay, () => next.handle())
      .pipe(
        mergeMap((answer) => from(this.finish(underWay)).pipe(map(() => answer))),
        catchError((error: unknown) =>
          from(this.fail(underWay, toEdgeError(error).code)).pipe(mergeMap(() => throwError(() => error))),
        ),
      );
  }

  private async finish(underWay: ChangeUnderWay): Promise<void> {
    if (underWay.noted) return;
    underWay.noted = true;
    await this.hooks.record(underWay.change);
  }

  private async fail(underWay: ChangeUnderWay, outcome: string): Promise<void> {
    underWay.noted = true;
    await this.hooks.record({ ...underWay.change, outcome });
  }

  private login(request: KnownRequest, next: CallHandler<unknown>): Observable<unknown> {
    return next
      .handle()
      .pipe(
        catchError((error: unknown) =>
          from(this.noteLogin(request, toEdgeError(error).code)).pipe(mergeMap(() => throwError(() => error))),
        ),
      );
  }

  private async noteLogin({ body, url, id: requestId }: KnownRequest, outcome: string): Promise<void> {
    const actor = textIn(body, 'username').slice(0, MAX_USERNAME);
    if (outcome !== 'wrong_password' || !this.failedLogins.take(actor)) return;
    await this.hooks.record({ actor, action: 'login', target: pathOf(url), outcome, requestId });
  }

  private changeOf(request: KnownRequest): Change {
    const project = projectOf(request);
    return {
      actor: request.caller?.username ?? 'unknown',
      action: `${request.method} ${request.endpoint?.path ?? ''}`,
      target: targetOf(request),
      ...(project === undefined ? {} : { project }),
      outcome: 'ok',
      requestId: request.id,
    };
  }
}

/** The path as asked; where it does not say what was to be made, with the name from the body. */
function targetOf({ method, url, params, body }: KnownRequest): string {
  const path = pathOf(url);
  const made = name.safeParse(textIn(body, 'name'));
  return method === 'POST' && textIn(params, 'name') === '' && made.success ? `${path}/${made.data}` : path;
}

function pathOf(url: string): string {
  return url.split('?')[0] ?? '';
}

function textIn(given: unknown, key: string): string {
  const value: unknown =
    typeof given === 'object' && given !== null ? Object.getOwnPropertyDescriptor(given, key)?.value : undefined;
  return typeof value === 'string' ? value : '';
}
