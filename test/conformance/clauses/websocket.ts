import { once } from 'node:events';
import { createWebSocketStream, WebSocket } from 'ws';
import { generate } from 'mqtt-packet';
import type { Clause } from '../clause.js';
import { has, must } from '../client/check.js';
import { Peer } from '../client/peer.js';
import type { Scene } from '../scene.js';

const hello = (clientId: string): Buffer =>
  generate({ cmd: 'connect', clientId, clean: true, keepalive: 0, protocolId: 'MQTT', protocolVersion: 4 });

async function dial(scene: Scene, protocols: string[] = ['mqtt']): Promise<WebSocket> {
  const socket = new WebSocket(`ws://${scene.address.host}:${scene.address.webSocketPort ?? 0}/`, protocols);
  await once(socket, 'open');
  return socket;
}

/** A peer whose every write is one binary frame. */
function peerOn(scene: Scene, socket: WebSocket): Peer {
  const peer = new Peer(createWebSocketStream(socket));
  peer.listen();
  return scene.watch(peer);
}

/** A client that was let in. */
async function client(scene: Scene): Promise<{ socket: WebSocket; peer: Peer }> {
  const socket = await dial(scene);
  const peer = peerOn(scene, socket);
  peer.write(hello(scene.id('ws')));
  has('connack', await peer.expect('connack'), { returnCode: 0 });
  return { socket, peer };
}

export const webSockets: readonly Clause[] = [
  {
    clause: 'MQTT-6.0.0-4',
    title: 'the subprotocol mqtt is selected',
    needs: 'webSocket',
    async run(scene) {
      const socket = await dial(scene, ['other', 'mqtt']);
      must(socket.protocol === 'mqtt', `the broker selected "${socket.protocol}"`);
      socket.terminate();
    },
  },
  {
    clause: 'MQTT-6.0.0-1',
    title: 'MQTT over binary frames works, to and from a TCP client',
    needs: 'webSocket',
    async run(scene) {
      const { peer } = await client(scene);
      await peer.subscribe(scene.topic('x'), 1);
      await scene.publishes(scene.topic('x'), 'm', { qos: 1 });
      has('message', await peer.accept(), { payload: 'm', qos: 1 });
    },
  },
  {
    clause: 'MQTT-6.0.0-1',
    title: 'a text frame closes the connection',
    needs: 'webSocket',
    async run(scene) {
      const { socket, peer } = await client(scene);
      socket.send('text');
      await peer.isClosedBy();
    },
  },
  {
    clause: 'MQTT-6.0.0-1',
    title: 'a text frame closes the connection even when its bytes are a packet',
    needs: 'webSocket',
    async run(scene) {
      const { socket, peer } = await client(scene);
      socket.send('0\u0003\u0000\u0001a');
      await peer.isClosedBy();
    },
  },
  {
    clause: 'MQTT-6.0.0-2',
    title: 'a packet may be cut into several frames',
    needs: 'webSocket',
    async run(scene) {
      const socket = await dial(scene);
      const peer = peerOn(scene, socket);
      for (const byte of hello(scene.id('ws'))) socket.send(Buffer.from([byte]));
      has('connack', await peer.expect('connack'), { returnCode: 0 });
    },
  },
  {
    clause: 'MQTT-6.0.0-2',
    title: 'one frame may hold several packets',
    needs: 'webSocket',
    async run(scene) {
      const peer = peerOn(scene, await dial(scene));
      peer.write(hello(scene.id('ws')), generate({ cmd: 'pingreq' }), generate({ cmd: 'pingreq' }));
      await peer.expect('connack');
      for (let turn = 0; turn < 2; turn += 1) await peer.expect('pingresp');
    },
  },
  {
    clause: 'MQTT-3.1.2-8',
    title: 'the will of a WebSocket client is published when its connection is cut',
    needs: 'webSocket',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('will'), 0);
      const socket = await dial(scene);
      const peer = peerOn(scene, socket);
      peer.send({
        cmd: 'connect',
        clientId: scene.id('ws'),
        clean: true,
        keepalive: 0,
        will: { topic: scene.topic('will'), payload: 'gone' },
      });
      await peer.expect('connack');
      socket.terminate();
      has('will', await reader.message(), { payload: 'gone' });
    },
  },
];
