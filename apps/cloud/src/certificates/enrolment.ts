import { Inject, Injectable } from '@nestjs/common';
import { EdgeError, enrolment, type IssuedCertificate, nodeKey, toEdgeError } from '@selvage/protocol';
import { Counter } from 'prom-client';
import type { z } from 'zod';
import { Metrics } from '../http/index.js';
import { type PortRequest, Sessions, TlsPort } from '../link/index.js';
import { LOG, type Logger } from '../log/index.js';
import { revoked } from './certificates.rules.js';
import { Certificates } from './certificates.service.js';
import { HubAuthority } from './hub-authority.js';
import { answerOf, type IssuedTo } from './issued.service.js';
import { Joins, REPLACED } from './joins.service.js';
import { Renewals } from './renewals.service.js';

const MAX_PROBLEMS = 20;

/** What agents ask of the TLS port before they have a certificate that opens the link: `POST /join` and `POST /renew`. */
@Injectable()
export class Enrolment {
  private issuedTotal: Counter<'how'> | undefined;
  private refusedTotal: Counter<'code'> | undefined;

  constructor(
    private readonly joins: Joins,
    private readonly renewals: Renewals,
    private readonly certificates: Certificates,
    @Inject(Sessions) private readonly sessions: Pick<Sessions, 'end'>,
    private readonly authority: HubAuthority,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  start(port: Pick<TlsPort, 'post'>, metrics: Metrics): void {
    const registers = [metrics.registry];
    const issued = { name: 'selvage_certificates_issued_total', help: 'Certificates that nodes got' };
    const refused = { name: 'selvage_enrolment_refused_total', help: 'Joins and renewals that were refused' };
    this.issuedTotal = new Counter({ ...issued, labelNames: ['how'], registers });
    this.refusedTotal = new Counter({ ...refused, labelNames: ['code'], registers });
    port.post('/join', (request) => this.counted(request, 'join', () => this.join(request.body)));
    port.post('/renew', (request) => this.counted(request, 'renew', () => this.renew(request.body)));
  }

  private async join(body: unknown): Promise<IssuedCertificate> {
    const joined = await this.joins.join(parsed(enrolment.join.body, body));
    if (joined.first) this.sessions.end(joined.ref, revoked({ revokedReason: REPLACED }));
    return this.done(joined, 'node joined');
  }

  private async renew(body: unknown): Promise<IssuedCertificate> {
    return this.done(await this.renewals.renew(parsed(enrolment.renew.body, body)), 'certificate renewed');
  }

  private done({ ref, issued }: IssuedTo, what: 'node joined' | 'certificate renewed'): IssuedCertificate {
    const answer = answerOf({ ref, issued }, this.authority.authority);
    this.certificates.announce(ref, issued.serial);
    this.log.info({ node: nodeKey(ref), serial: issued.serial, notAfter: answer.notAfter }, what);
    return answer;
  }

  private async counted<T>({ address }: PortRequest, how: 'join' | 'renew', run: () => Promise<T>): Promise<T> {
    try {
      const answer = await run();
      this.issuedTotal?.inc({ how });
      return answer;
    } catch (error) {
      const { code, detail } = toEdgeError(error);
      this.refusedTotal?.inc({ code });
      this.log.warn({ how, code, detail, address }, 'enrolment refused');
      throw error;
    }
  }
}

function parsed<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`);
  throw new EdgeError('bad_request', problems.slice(0, MAX_PROBLEMS).join('\n'));
}
