import { Injectable } from '@nestjs/common';
import { type NodeRef, type ReportedDevice, type ShownKey, type TwinChange } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { type EntityManager, In } from 'typeorm';
import { pieces } from '../certificates/certificates.module.js';
import { Database } from '../db/index.js';
import {
  type DeviceFollower,
  DeviceNotes,
  type DevicePlace,
  Devices,
  DeviceSignals,
  type KnownDevice,
  type TwinOf,
  type Withdrawn,
} from '../devices/devices.module.js';
import type { HeldKey } from './held.rules.js';
import {
  changeNews,
  type DeviceNews,
  eventOf,
  lastChanged,
  lastHeard,
  reportedState,
  reportNews,
  soundChanges,
  turnedTo,
} from './reports.rules.js';
import { type DeviceEvent, TwinStore, type WrittenKey } from './twin-store.service.js';
import { TwinGoneRow, TwinKeyRow } from './twins.entity.js';
import { shownTwin, withExpected } from './twins.rules.js';

const DEVICES = 200;

/** A device that was heard of. `poke`: what its node is to have is new. */
export interface HeardOf extends DevicePlace {
  readonly poke: boolean;
  /** What it has become. */
  readonly turned?: 'online' | 'offline';
}

/** Changes that one node sends, oldest first. */
export interface ChangesOf {
  readonly ref: NodeRef;
  readonly changes: readonly TwinChange[];
}
interface Sent {
  readonly node: string;
  readonly change: TwinChange;
}

/** A device in a node's report. */
export interface ReportOf {
  readonly ref: NodeRef;
  readonly said: ReportedDevice;
  /** When it came, ISO 8601. */
  readonly at: string;
}

/** The twins of devices: what nodes report of them goes in here, whichever way it comes. */
@Injectable()
export class Twins implements DeviceFollower {
  constructor(
    private readonly db: Database,
    private readonly store: TwinStore,
    private readonly devices: Devices,
    private readonly notes: DeviceNotes,
    private readonly signals: DeviceSignals,
  ) {}

  /** The twins of devices as the API shows them, by the id of the row. */
  async shown(devices: readonly TwinOf[]): Promise<Map<string, Record<string, ShownKey>>> {
    const twins = await this.store.load(devices.map(({ id }) => id));
    return new Map(devices.map(({ id, properties }) => [id, shownTwin(properties, twins.get(id) ?? new Map())]));
  }

  /**
   * Writes down changes that nodes send, of each node oldest first. The same ones again do nothing; older ones than what is known are
   * events only, and so are those of a device that belongs to another node by now. Hand what it gives to `told` after the commit.
   */
  async record(tx: EntityManager, sent: readonly ChangesOf[]): Promise<HeardOf[]> {
    const heard: HeardOf[] = [];
    for (const project of new Set(sent.map(({ ref }) => ref.project))) {
      const own = sent.filter(({ ref }) => ref.project === project);
      const all = own.flatMap(({ ref: { node }, changes }) =>
        soundChanges(changes).map((change) => ({ node, change })),
      );
      heard.push(...(await this.recordSome(tx, project, all)));
    }
    return heard;
  }

  /** Writes down what nodes report of devices, the latest of each key. Hand what it gives to `told` after the commit. */
  async report(tx: EntityManager, reports: readonly ReportOf[]): Promise<HeardOf[]> {
    const heard: HeardOf[] = [];
    for (const project of new Set(reports.map(({ ref }) => ref.project))) {
      const own = reports.filter(({ ref }) => ref.project === project);
      for (const some of pieces(own, DEVICES)) heard.push(...(await this.reportSome(tx, project, some)));
    }
    return heard;
  }

  /** Tells who looks, and the nodes that are to have something new. */
  told(heard: readonly HeardOf[]): void {
    for (const { project, name, node, poke, turned } of heard) {
      if (turned !== undefined) this.signals.happened(`device.${turned}`, { project, name, node });
      this.signals.changed([{ project, name, node: poke ? node : null }]);
    }
  }

  async withdrawn(tx: EntityManager, devices: readonly Withdrawn[]): Promise<void> {
    const setting = { by: 'hub', at: new Date(systemClock.now()).toISOString() };
    for (const some of pieces(devices, DEVICES)) {
      const twins = await this.store.load(
        some.map(({ id }) => id),
        tx,
      );
      const written = some.flatMap(({ id: device, keys }) =>
        keys.flatMap((key): WrittenKey[] => {
          const held = twins.get(device)?.get(key);
          if (held === undefined || held.type === 'deleted') return [];
          return [{ device, key, held: withExpected(held, null, setting) }];
        }),
      );
      await this.store.save(tx, written);
      await this.store.add(tx, written.map(expectedEvent));
    }
  }

  /** Another node counts its actual values from the start. What is expected goes with the device. */
  async rebound(tx: EntityManager, ids: readonly string[]): Promise<void> {
    for (const some of pieces(ids, DEVICES))
      await tx.update(TwinKeyRow, { device: In(some) }, { actualCloud: 0, actualEdge: 0 });
  }

  async removed(tx: EntityManager, id: string): Promise<void> {
    await tx.delete(TwinKeyRow, { device: id });
    await tx.insert(TwinGoneRow, { device: id });
  }

  private async recordSome(tx: EntityManager, project: string, sent: readonly Sent[]): Promise<HeardOf[]> {
    const byDevice = new Map<string, Sent[]>();
    for (const one of sent) byDevice.set(one.change.device, [...(byDevice.get(one.change.device) ?? []), one]);
    const known = await this.devices.byId(project, [...byDevice.keys()], tx);
    const twins = await this.store.load(
      known.map(({ id }) => id),
      tx,
    );
    const news = new Map<KnownDevice, DeviceNews>();
    const times: { id: string; value: string }[] = [];
    for (const device of known) {
      const all = byDevice.get(device.deviceId) ?? [];
      const own = all.filter(({ node }) => node === device.node).map(({ change }) => change);
      const late = all.filter(({ node }) => node !== device.node).map(({ change }) => eventOf(change));
      const twin = { properties: device.properties, keys: twins.get(device.id) ?? new Map<string, HeldKey>() };
      const { events, ...one } = changeNews(twin, own);
      news.set(device, { ...one, events: [...late, ...events] });
      const latest = lastChanged(own);
      if (latest > (device.lastSeenAt ?? '')) times.push({ id: device.id, value: latest });
    }
    await this.write(tx, news, { isNamed: true });
    await this.notes.heard(tx, 'last_seen_at', times);
    return heardOf(news);
  }

  private async reportSome(tx: EntityManager, project: string, reports: readonly ReportOf[]): Promise<HeardOf[]> {
    // A device that is in it twice is taken as it was said last.
    const saying = new Map(reports.map((report) => [report.said.id, report]));
    const known = await this.devices.byId(project, [...saying.keys()], tx);
    const good = known.flatMap((device) => {
      const report = saying.get(device.deviceId);
      return report?.ref.node === device.node ? [{ ...report, device }] : [];
    });
    const twins = await this.store.load(
      good.map(({ device }) => device.id),
      tx,
    );
    const news = new Map<KnownDevice, DeviceNews>();
    for (const { device, said, ref, at } of good) {
      const keys = twins.get(device.id) ?? new Map<string, HeldKey>();
      news.set(device, reportNews({ keys }, said, { node: ref.node, now: at }));
    }
    await this.write(tx, news, { isNamed: false });
    const stated = await this.states(tx, good);
    const turned = new Map(
      good.map(({ device, said }) => [device.name, turnedTo(device.reported, reportedState(said.state))]),
    );
    return heardOf(news, stated).map((one) => {
      const is = turned.get(one.name);
      return is === undefined ? one : { ...one, turned: is };
    });
  }

  /** Gives the devices whose state or time is another. */
  private async states(
    tx: EntityManager,
    reports: readonly { readonly device: KnownDevice; readonly said: ReportedDevice }[],
  ): Promise<Set<KnownDevice>> {
    const states = reports.flatMap(({ device, said }) => {
      const value = reportedState(said.state);
      return value === device.reported ? [] : [{ device, id: device.id, value }];
    });
    const times = reports.flatMap(({ device, said }) => {
      const value = lastHeard(said);
      return value === undefined || value === device.lastSeenAt ? [] : [{ device, id: device.id, value }];
    });
    await this.notes.heard(tx, 'reported', states);
    await this.notes.heard(tx, 'last_seen_at', times);
    return new Set([...states, ...times].map(({ device }) => device));
  }

  /** Events of a node that only passes on what the hub wanted do not know better who it was. */
  private async write(
    tx: EntityManager,
    news: ReadonlyMap<KnownDevice, DeviceNews>,
    { isNamed }: { isNamed: boolean },
  ): Promise<void> {
    const written = [...news].flatMap(([{ id: device }, one]) =>
      [...one.written].map(([key, held]) => ({ device, key, held })),
    );
    await this.store.save(tx, written);
    const events = [...news].flatMap(([{ id: device }, one]) => one.events.map((event) => ({ ...event, device })));
    const named = new Set(events.filter(({ by }) => isNamed && by !== 'hub'));
    await this.store.addNamed(tx, [...named]);
    await this.store.add(
      tx,
      events.filter((event) => !named.has(event)),
    );
    // What these nodes are to have has changed, so it gets a revision of its own.
    if ([...news.values()].some(({ isExpectedNew }) => isExpectedNew)) await this.db.nextRevision(tx);
  }
}

/** What changed on the side of the hub. */
export function expectedEvent({ device, key, held: { expected } }: WrittenKey): DeviceEvent {
  const { value, at, version, by } = expected;
  return { device, key, side: 'expected', value, at: at ?? '', version, by: by ?? 'hub' };
}

function heardOf(news: ReadonlyMap<KnownDevice, DeviceNews>, more: ReadonlySet<KnownDevice> = new Set()): HeardOf[] {
  return [...news].flatMap(([device, { written, isExpectedNew }]) => {
    const { project, name, node } = device;
    return written.size > 0 || more.has(device) ? [{ project, name, node, poke: isExpectedNew }] : [];
  });
}
