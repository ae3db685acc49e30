import { createHash } from 'node:crypto';
import { Away, type Outcome } from '@selvage/outbox';
import { AwsV4Signer } from 'aws4fetch';
import { asAway, asFailed } from './away.js';
import { type HttpAnswer, HttpDoor } from './http-post.js';
import type { Given, Kind, Outgoing, Target } from './kind.js';
import { keyOf, linesOf } from './s3-object.js';

type Spec = Parameters<(typeof s3)['open']>[0]['spec'];

const ANSWER_MS = 60_000;
/** Of small messages no object has more. */
const MOST_MESSAGES = 10_000;
const TEST_KEY = 'selvage-test';

/**
 * Objects of an S3-compatible store, many messages in each, one per line: they have arrived when the store has answered `PUT` with 2xx. What
 * is sent again goes to the object that it was in before.
 */
export const s3: Kind<'s3'> = {
  kind: 's3',
  open: (given) => new S3(given),
  problem: (_spec, target) => {
    if (target.path !== undefined) return 'a bucket has no path; use topic for what object names begin with';
    return target.topic?.includes('{') === true
      ? 'an object has many messages: what its name begins with has no variables'
      : undefined;
  },
};

class S3 implements Target {
  readonly gather: NonNullable<Target['gather']>;
  private readonly door: HttpDoor;
  private readonly who: string;

  constructor(private readonly given: Given<Spec>) {
    const { spec, reach } = given;
    this.door = new HttpDoor(reach, spec.ca);
    this.who = `${new URL(spec.url).host}/${spec.bucket}`;
    this.gather = { messages: MOST_MESSAGES, bytes: spec.objectBytes, ms: spec.objectSeconds * 1000 };
  }

  async deliver(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const messages = [...batch].sort((a, b) => a.seq - b.seq);
    try {
      const answer = await this.ask({ method: 'PUT', key: keyOf(messages), body: linesOf(messages) }, signal);
      if (!isFine(answer)) throw new Away(`${this.who}: ${saidBy(answer)}`);
      return batch.map(() => ({ is: 'delivered' }));
    } catch (error) {
      throw asAway(error);
    }
  }

  /** Writes an empty object and takes it away: only that says whether objects may be written. */
  async test(signal: AbortSignal): Promise<void> {
    try {
      const answer = await this.ask({ method: 'PUT', key: TEST_KEY, body: Buffer.alloc(0) }, signal);
      if (!isFine(answer)) throw new Away(`${this.who}: ${saidBy(answer)}`);
      await this.ask({ method: 'DELETE', key: TEST_KEY, body: Buffer.alloc(0) }, signal);
    } catch (error) {
      throw asFailed(error, this.who);
    }
  }

  close(): Promise<void> {
    this.door.close();
    return Promise.resolve();
  }

  private async ask(
    { method, key, body }: { method: 'PUT' | 'DELETE'; key: string; body: Buffer },
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { spec, credentials } = this.given;
    const at = `${spec.url.replace(/\/+$/, '')}/${spec.bucket}/${key}`;
    const { accessKeyId = '', secretAccessKey = '', sessionToken } = credentials;
    const signed = await new AwsV4Signer({
      ...{ method, url: at, accessKeyId, secretAccessKey, service: 's3', region: spec.region },
      ...(sessionToken !== undefined && { sessionToken }),
      headers: {
        'content-type': 'application/x-ndjson',
        'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
      },
    }).sign();
    const headers = Object.fromEntries(signed.headers.entries());
    return this.door.call({ method, url: signed.url, headers, body, timeoutMs: ANSWER_MS, signal });
  }
}

function isFine({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}

/** The store's own code and words, when it has any. */
function saidBy({ status, body }: HttpAnswer): string {
  const [code, message] = ['Code', 'Message'].map((name) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1]);
  return [`answered ${status}`, code, message].filter((one) => one !== undefined).join(': ');
}
