import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Away } from '@selvage/outbox';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Target } from './kind.js';
import { Reach } from './reach.js';
import { s3 } from './s3.js';
import { isSigned, type S3Store, startS3 } from './test-s3.js';
import { deliver, open as openKind, outgoing, refusal, test } from './test-target.js';

const SECRET = 'a secret/of S3+';
const OBJECT = /^default\/r1\/2030\/01\/01\/0000000000000003-m-3\.jsonl$/;

describe('a bucket of S3', () => {
  let store: S3Store;
  const opened: Target[] = [];
  const open = (spec: object = {}, more: Parameters<typeof openKind>[2] = {}): Target => {
    const credentials = { accessKeyId: store.accessKeyId, secretAccessKey: SECRET };
    const target = openKind(s3, { url: store.url, bucket: 'lake', secret: 's', ...spec }, { credentials, ...more });
    opened.push(target);
    return target;
  };
  const lines = async (key: string): Promise<Record<string, unknown>[]> =>
    ((await store.read(`/lake/${key}`)) ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  beforeAll(async () => {
    store = await startS3({ bucket: 'lake', secretAccessKey: SECRET });
  });
  afterEach(() => Promise.all(opened.splice(0).map((target) => target.close())));
  afterAll(() => store.stop());

  it('has a batch as one object, a line of JSON per message, in the order in which they came', async () => {
    const binary = Buffer.from([0, 10, 13, 255]);
    const message = { payload: binary, contentType: 'application/x', topic: 'a/ü\n' };
    const outcomes = await deliver(open(), outgoing(4), outgoing(3, { message }), outgoing(5));
    expect(outcomes).toEqual([{ is: 'delivered' }, { is: 'delivered' }, { is: 'delivered' }]);
    const [key = ''] = await store.list('lake');
    expect(key).toMatch(OBJECT);
    const all = await lines(key);
    expect(all.map(({ id }) => id)).toEqual(['m-3', 'm-4', 'm-5']);
    expect(all[0]).toEqual({
      ...{ id: 'm-3', project: 'default', route: 'r1', node: 'n1', device: 'd1', topic: message.topic },
      ...{ at: '2030-01-01T12:00:00.000Z', contentType: 'application/x', payload: binary.toString('base64') },
    });
  });

  it('has what is sent again in the same object', async () => {
    await deliver(open(), outgoing(3), outgoing(4));
    await deliver(open(), outgoing(3), outgoing(4), outgoing(5), outgoing(6));
    const keys = await store.list('lake');
    expect(keys).toHaveLength(1);
    expect(await lines(keys[0] ?? '')).toHaveLength(4);
  });

  it('has objects whose names begin as the route says, and out of which no message climbs', async () => {
    await deliver(open(), outgoing(7, { topic: '/raw/../a b/', message: { id: '../x' } }));
    expect(await store.list('lake')).toContain('raw/_/a_b/2030/01/01/0000000000000007-.._x.jsonl');
  });

  it('that refuses the credentials says so, in a test and to its routes', async () => {
    for (const [credentials, words] of [
      [
        { accessKeyId: store.accessKeyId, secretAccessKey: 'wrong' },
        /answered 403: SignatureDoesNotMatch: The signature/,
      ],
      [{ accessKeyId: 'nobody', secretAccessKey: SECRET }, /answered 403: InvalidAccessKeyId: The AWS Access Key Id/],
    ] as const) {
      const target = open({}, { credentials });
      await expect(test(target)).rejects.toMatchObject({ detail: expect.stringMatching(words) as string });
      const away = await refusal(deliver(target, outgoing(1)));
      expect(away).toBeInstanceOf(Away);
      expect(away).toHaveProperty('message', expect.stringMatching(words));
    }
  });

  it('that is not there says so', async () => {
    await expect(deliver(open({ bucket: 'nowhere' }), outgoing(1))).rejects.toThrow(/answered 404: NoSuchBucket/);
  });

  it('is tested by writing, and nothing of that stays', async () => {
    const before = await store.list('lake');
    await expect(test(open())).resolves.toBeUndefined();
    expect(await store.list('lake')).toEqual(before);
  });

  it.each([301, 400, 429, 500, 503])('that answers %d is away, since no message is to blame', async (status) => {
    const server = createServer((_request, response) => response.writeHead(status).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await refusal(deliver(open({ url }), outgoing(1)))).toBeInstanceOf(Away);
    server.close();
  });

  it('is filled by size and by age', () => {
    const { gather } = open({ objectBytes: 4096, objectSeconds: 5 });
    expect(gather).toEqual({ messages: 10_000, bytes: 4096, ms: 5000 });
  });

  it('is not looked for on the own machine unless that is allowed', async () => {
    await expect(deliver(open({}, { reach: new Reach([]) }), outgoing(1))).rejects.toThrow(/SELVAGE_ALLOWED_TARGETS/);
  });

  it('has neither a path nor names that each message makes', () => {
    const spec = { kind: 's3' as const, url: 'https://a.example', region: 'r', bucket: 'abc', secret: 's' };
    const whole = { ...spec, objectBytes: 1024, objectSeconds: 1 };
    expect(s3.problem?.(whole, { endpoint: 'b', path: '/t' })).toMatch(/no path/);
    expect(s3.problem?.(whole, { endpoint: 'b', topic: 'raw/{device}' })).toMatch(/no variables/);
    expect(s3.problem?.(whole, { endpoint: 'b', topic: 'raw' })).toBeUndefined();
  });

  it('is tested here with signatures that are checked as in the example of Amazon', () => {
    const signed = {
      method: 'GET',
      url: '/test.txt',
      headers: {
        host: 'examplebucket.s3.amazonaws.com',
        range: 'bytes=0-9',
        'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        'x-amz-date': '20130524T000000Z',
      },
    };
    const authorization =
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,' +
      'SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,' +
      'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41';
    const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
    expect(isSigned(signed, authorization, secret)).toBe(true);
    expect(isSigned(signed, authorization, `${secret}x`)).toBe(false);
  });
});
