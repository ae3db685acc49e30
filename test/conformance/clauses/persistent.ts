import type { Client, Scene } from '../scene.js';

/** A session that outlives its connection. */
export const AWAY = { clean: false } as const;

/** A client `a` that subscribed to the topic `x` in a persistent session and left with DISCONNECT. */
export async function leaves(scene: Scene, qos: 0 | 1 | 2): Promise<void> {
  const client = await scene.subscriber('a', scene.topic('x'), qos, AWAY);
  await client.disconnect();
}

/** The same client, connected, with a message `m` that it has and has not acknowledged, and the packet id of that. */
export async function owes(scene: Scene, qos: 1 | 2): Promise<{ client: Client; id: number }> {
  const client = await scene.subscriber('a', scene.topic('x'), qos, AWAY);
  await scene.publishes(scene.topic('x'), 'm', { qos });
  const { id } = await client.message();
  if (id === undefined) throw new Error(`a message of QoS ${qos} came without a packet id`);
  return { client, id };
}
