import { FakeClock, settled } from '@selvage/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeDocker } from './fake-docker.js';
import { bareRequest } from './test-request.js';
import { EngineWatcher } from './watcher.js';

describe('the watcher of the engine', () => {
  const clock = new FakeClock();
  const docker = new FakeDocker();
  const told: string[] = [];
  const log = { info: (): void => undefined, warn: (): void => undefined };
  const watcher = new EngineWatcher({ docker, labels: { owner: 'me' }, clock, log, random: () => 1 });
  afterEach(() => told.splice(0));
  watcher.subscribe({
    changed: ({ state }) => told.push(state),
    happened: ({ action, id }) => told.push(`${action} ${Number(id)}`),
  });

  it('waits for an engine that is not there and finds it when it comes', async () => {
    docker.down();
    watcher.start();
    await clock.advance(60_000);
    expect(told).toEqual(['not_answering']);
    expect(watcher.info).toBeUndefined();
    docker.up();
    await clock.advance(5_000);
    expect(told).toEqual(['not_answering', 'ready']);
    expect(watcher.engine).toEqual({
      state: 'ready',
      version: '20.10.24',
      apiVersion: '1.41',
      storageDriver: 'overlay2',
    });
  });

  it('tells what happens to containers with the label', async () => {
    docker.images.build('web:1');
    const mine = await docker.create('mine', bareRequest({ image: 'web:1', labels: { owner: 'me' } }));
    const other = await docker.create('other', bareRequest({ image: 'web:1', labels: { owner: 'you' } }));
    await docker.start(mine);
    await docker.start(other);
    docker.kill(mine);
    await settled();
    expect(told).toEqual(['start 1', 'kill 1', 'die 1']);
  });

  it('connects again when the stream of events ends', async () => {
    docker.down();
    await settled();
    docker.up();
    await clock.advance(5_000);
    expect(told).toEqual(['not_answering', 'ready']);
  });

  it('notices an engine that hangs with its stream open', async () => {
    docker.hang();
    await clock.advance(30_000);
    expect(told).toEqual(['not_answering']);
    docker.up();
    await clock.advance(5_000);
    expect(told).toEqual(['not_answering', 'ready']);
  });

  it('turns to the engine that takes the place of the one before, though that keeps the stream open', async () => {
    docker.replace();
    await clock.advance(30_000);
    await clock.advance(5_000);
    expect(told).toEqual(['not_answering', 'ready']);
    await docker.start(await docker.create('anew', bareRequest({ image: 'web:1', labels: { owner: 'me' } })));
    await settled();
    expect(told.slice(2)).toEqual(['start 3']);
  });

  it('ends when it is stopped, and leaves no timer behind', async () => {
    await watcher.stop();
    expect(clock.pending).toBe(0);
  });
});
