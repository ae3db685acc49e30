import { createServer, type Server } from 'node:net';
import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { listeners, processOnPort } from './port-owner.js';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 20 4 30 10 -1
   2: 00000000:01BB 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4713 1 0000000000000000 20 4 30 10 -1
`;

describe('the table of sockets', () => {
  it.each([
    ['who listens', { hostPort: 8080, protocol: 'tcp' }, ['4711']],
    ['a datagram socket', { hostPort: 443, protocol: 'udp' }, ['4713']],
    ['nobody', { hostPort: 8081, protocol: 'tcp' }, []],
  ])('shows %s', (_what, port, inodes) => {
    expect(listeners(TABLE, port)).toEqual(inodes);
  });
});

describe('the owner of a port', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  it('is found for a stream', async () => {
    const open = createServer();
    server = open;
    await new Promise<void>((resolve) => open.listen(0, resolve));
    const address = open.address();
    const hostPort = address !== null && typeof address === 'object' ? address.port : 0;
    expect(await processOnPort({ hostPort, protocol: 'tcp' })).toContain(`(pid ${process.pid})`);
  });

  it('is found for datagrams', async () => {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, resolve));
    const owner = await processOnPort({ hostPort: socket.address().port, protocol: 'udp' });
    socket.close();
    expect(owner).toContain(`(pid ${process.pid})`);
  });

  it('stays unknown where nothing can be seen', async () => {
    expect(await processOnPort({ hostPort: 1, protocol: 'tcp' }, '/nowhere')).toBeUndefined();
  });
});
