import { Injectable } from '@nestjs/common';
import { EdgeError, GATEWAY_PROPERTY, MIN_GATEWAY_KEY, SIGNED_HEADERS } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { Access, type Caller, RateLimit } from '../http/index.js';
import { Secrets } from '../secrets/secrets.module.js';
import { isFresh, isSignedWith, type Signed } from './gateway.rules.js';

/** The head of a request to the gateway. */
export interface GatewayHead {
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Somebody who may use the gateway, as far as the head of the request says. */
export interface Guest extends Pick<Caller, 'tokenId' | 'endsAt'> {
  /** Looks at the body too. @throws EdgeError `unauthenticated`. */
  check(body: Uint8Array): void;
}

/** Lets requests into a project's gateway: with a token of an operator, or signed with a key of the project. */
@Injectable()
export class GatewayAccess {
  constructor(
    private readonly access: Access,
    private readonly rate: RateLimit,
    private readonly secrets: Secrets,
  ) {}

  /** Before the body is read. @throws EdgeError `unauthenticated`, `forbidden`, `not_found`. */
  async admit(project: string, head: GatewayHead): Promise<Guest> {
    const key = text(head.headers[SIGNED_HEADERS.key]);
    if (key !== undefined) return this.signed(project, key, head);
    const caller = await this.access.caller(text(head.headers.authorization));
    this.rate.known(caller.tokenId);
    this.access.as(caller, 'operator');
    await this.access.in(caller, project);
    return { ...caller, check: () => undefined };
  }

  private async signed(project: string, name: string, { method, target, headers }: GatewayHead): Promise<Guest> {
    const timestamp = text(headers[SIGNED_HEADERS.timestamp]) ?? '';
    const signature = text(headers[SIGNED_HEADERS.signature]) ?? '';
    if (!isFresh(timestamp, systemClock.now()))
      throw new EdgeError('unauthenticated', `${SIGNED_HEADERS.timestamp}: send the seconds since 1970, now.`);
    const key = await this.key(project, name);
    const signed: Signed = { method, target, timestamp, signature };
    return {
      tokenId: `gateway ${project}/${name}`,
      check: (body) => {
        if (key === undefined || !isSignedWith(key, signed, body))
          throw new EdgeError(
            'unauthenticated',
            `The signature is not one of key "${name.slice(0, 64)}" of this project.`,
          );
        this.rate.known(`gateway ${project}/${name}`);
      },
    };
  }

  private async key(project: string, name: string): Promise<string | undefined> {
    const spec = (await this.secrets.open(project, [name])).get(name);
    const key = spec?.type === 'data' ? spec.properties[GATEWAY_PROPERTY] : undefined;
    return key !== undefined && key.length >= MIN_GATEWAY_KEY ? key : undefined;
  }
}

function text(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}
