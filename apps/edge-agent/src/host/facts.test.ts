import type { Engine, NodeFacts } from '@selvage/protocol';
import { nodeFacts } from '@selvage/protocol';
import { FakeClock, settled } from '@selvage/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import type { EngineListener } from '../docker/index.js';
import { readGpus } from './gpus.js';
import { Facts } from './index.js';
import { addresses, type HostFacts, observeHost } from './observe.js';

const MINUTE = 60_000;

describe('the facts of a machine', () => {
  let clock: FakeClock;
  let reports: NodeFacts[];
  let host: HostFacts;
  let engine: Engine;
  let looks: { host: number; gpus: number };
  let tell: (engine: Engine) => void;
  let facts: Facts;

  beforeEach(async () => {
    clock = new FakeClock();
    reports = [];
    looks = { host: 0, gpus: 0 };
    engine = { state: 'missing' };
    host = { ...(await observeHost({ folder: '/', now: clock.now() })), addresses: ['10.0.0.1'] };
    const listeners = new Set<EngineListener>();
    tell = (next) => {
      engine = next;
      for (const one of listeners) one.changed?.(next);
    };
    facts = new Facts({
      engine: {
        get engine() {
          return engine;
        },
        subscribe: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      reported: { set: (_section, value) => void reports.push(value) },
      clock,
      log: { warn: () => undefined },
      folder: '/',
      mountAllowList: ['/data'],
      agentVersion: '9',
      machine: {
        observe: () => {
          looks.host += 1;
          return Promise.resolve(host);
        },
        addresses: () => host.addresses,
        gpus: () => {
          looks.gpus += 1;
          return Promise.resolve([]);
        },
      },
    });
    facts.start();
    await clock.advance(2_000);
  });

  it('are reported two seconds after the start at the latest', () => {
    expect(reports).toEqual([
      { ...host, gpus: [], docker: { state: 'missing' }, mountAllowList: ['/data'], agentVersion: '9' },
    ]);
    expect(facts.current).toEqual(reports[0]);
  });

  it('are reported when the engine comes', async () => {
    tell({ state: 'ready', version: '20.10' });
    await settled();
    expect(reports.at(-1)?.docker).toEqual({ state: 'ready', version: '20.10' });
  });

  it('are reported within a minute of a new address', async () => {
    host = { ...host, addresses: ['10.0.0.2'] };
    await clock.advance(MINUTE);
    expect(reports.at(-1)?.addresses).toEqual(['10.0.0.2']);
    expect(looks.host).toBe(2);
  });

  it('are looked at every five minutes, processors once an hour', async () => {
    await clock.advance(59 * MINUTE);
    expect(looks).toEqual({ host: 12, gpus: 1 });
    await clock.advance(10 * MINUTE);
    expect(looks.gpus).toBe(2);
  });

  it('are not reported after the agent stopped', async () => {
    await facts.stop();
    tell({ state: 'ready' });
    await clock.advance(60 * MINUTE);
    expect(reports).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });
});

it('this machine has facts', async () => {
  const host = await observeHost({ folder: '/', now: Date.now() });
  const rest = { docker: { state: 'ready' }, mountAllowList: [], agentVersion: '1' };
  const facts = nodeFacts.parse({ ...host, gpus: await readGpus(), ...rest });
  expect(facts.memoryBytes).toBeGreaterThan(1e8);
  expect(facts.diskFreeBytes).toBeLessThanOrEqual(facts.diskBytes);
  expect(Date.parse(facts.bootedAt)).toBeLessThanOrEqual(Date.now());
  expect(facts.addresses).toEqual(addresses());
});
