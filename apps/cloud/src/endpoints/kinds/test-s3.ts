import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import S3rver from 's3rver';
import { tempDir } from '@selvage/testkit';

const ACCESS_KEY = 'S3RVER';
type S3Handler = ReturnType<S3rver['callback']>;

/**
 * An S3 store with one bucket in a temporary folder. s3rver keeps the objects; it does not check signatures of version 4, so that is done
 * in front of it, from Amazon's description and not with the code under test.
 */
export async function startS3({
  bucket,
  secretAccessKey,
}: {
  bucket: string;
  secretAccessKey: string;
}): Promise<S3Store> {
  const folder = tempDir('selvage-s3-');
  const store = new S3rver({
    ...{ address: '127.0.0.1', silent: true, directory: folder.path },
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  await store.configureBuckets();
  const server = createServer(
    (request, response) => void serve({ store: store.callback(), secret: secretAccessKey }, request, response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return new S3Store(server, () => {
    folder.remove();
  });
}

export class S3Store {
  readonly accessKeyId = ACCESS_KEY;
  readonly url: string;

  constructor(
    private readonly server: Server,
    private readonly remove: () => void,
  ) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** An object's text, read without a signature; undefined when there is none. */
  async read(path: string): Promise<string | undefined> {
    const answer = await fetch(`${this.url}${path}`);
    return answer.ok ? answer.text() : undefined;
  }

  /** Names of the objects in a bucket. */
  async list(bucket: string): Promise<string[]> {
    const text = (await this.read(`/${bucket}`)) ?? '';
    return [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => key);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    this.remove();
  }
}

async function serve(
  { store, secret }: { store: S3Handler; secret: string },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { authorization } = request.headers;
  // Who does not sign is the test itself, and only reads.
  const isFine = authorization === undefined ? request.method === 'GET' : isSigned(request, authorization, secret);
  if (isFine) {
    store(request, response);
    return;
  }
  request.resume();
  await once(request, 'end');
  response.writeHead(403, { 'content-type': 'application/xml' });
  response.end('<Error><Code>SignatureDoesNotMatch</Code><Message>The signature does not match.</Message></Error>');
}

/** Signature Version 4 for S3, from its description: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
export function isSigned(
  { method = '', url = '', headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  authorization: string,
  secret: string,
): boolean {
  const parts = /Credential=[^/]+\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)/.exec(
    authorization,
  );
  if (parts === null) return false;
  const [, day = '', region = '', names = '', signature] = parts;
  const [path = '', query = ''] = url.split('?');
  const lines = names.split(';').map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}\n`);
  const sorted = query.split('&').sort().join('&');
  const asked = [method, path, sorted, lines.join(''), names, headers['x-amz-content-sha256']].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const hash = createHash('sha256').update(asked).digest('hex');
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash].join('\n');
  const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const key = [region, 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, day));
  return hmac(key, toSign).toString('hex') === signature;
}
