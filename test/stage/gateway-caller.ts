import { createHmac } from 'node:crypto';
import { endpoints } from '@selvage/protocol';
import { type HubProcess, params } from './site.js';

const KEY = 'a key of sixteen characters and more';

/** Somebody without any token who signs what it sends to the gateway, as `docs/gateway.md` says. */
export class GatewayCaller {
  constructor(private readonly hub: HubProcess) {}

  /** Gives the project its key. */
  async start(): Promise<void> {
    const spec = { type: 'data' as const, nodes: [], properties: { gateway: KEY } };
    await this.hub.client.call(endpoints.secrets.put, { ...params('partner'), body: { labels: {}, spec } });
  }

  send(method: string, path: string, body: Buffer = Buffer.alloc(0), more: object = {}): Promise<Response> {
    const target = `/gateway/default${path}`;
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signed = createHmac('sha256', KEY).update(`${timestamp}\n${method}\n${target}\n`).update(body).digest('hex');
    const headers = {
      'selvage-key': 'partner',
      'selvage-timestamp': timestamp,
      'selvage-signature': `v1=${signed}`,
      ...more,
    };
    return fetch(`${this.hub.url}${target}`, {
      method,
      headers,
      ...(body.length > 0 && { body: new Uint8Array(body) }),
    });
  }
}
