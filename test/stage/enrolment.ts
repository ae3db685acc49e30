import { request } from 'node:https';
import type { RawAnswer } from './raw-request.js';
import type { HubProcess } from './site.js';

/** Posts to the TLS port of a hub as an agent does: its certificate has to be of the authority that the port shows. */
export async function postEnrolment(hub: HubProcess, path: string, body: string): Promise<RawAnswer> {
  const { link: port } = hub.ports;
  const ca = await (await fetch(`http://127.0.0.1:${port}/ca.pem`)).text();
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, ca, path, method: 'POST', agent: false, timeout: 30_000 };
    const asked = request({ ...options, headers: { 'content-type': 'application/json' } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) as RawAnswer['body'] });
      });
    });
    asked.once('timeout', () => asked.destroy(new Error(`no answer to ${path}`)));
    asked.on('error', reject);
    asked.end(body);
  });
}
