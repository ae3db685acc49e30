import type { Scene } from '../scene.js';

/** Sends bytes on a new connection and gives the CONNACKs that came before the broker closed it. */
export async function answerTo(scene: Scene, bytes: Buffer): Promise<{ codes: number[]; sessions: boolean[] }> {
  const peer = await scene.dial();
  peer.write(bytes);
  const connack = await peer.expect('connack').catch(() => undefined);
  if (connack?.returnCode === 0) return { codes: [0], sessions: [connack.sessionPresent] };
  await peer.closed();
  return connack === undefined
    ? { codes: [], sessions: [] }
    : { codes: [connack.returnCode ?? -1], sessions: [connack.sessionPresent] };
}

/** Throws unless these bytes end a new connection and are never answered with CONNACK 0. */
export async function refusesConnect(scene: Scene, bytes: Buffer): Promise<void> {
  const { codes } = await answerTo(scene, bytes);
  if (codes.includes(0)) throw new Error('expected a refusal, but it was answered with CONNACK 0');
}
