import { type Client, type Device, type DeviceModel, deviceState, endpoints } from '@selvage/protocol';
import { age, type Column } from '../output/index.js';
import { UsageError } from '../world/index.js';
import { everything } from './listing.js';
import { asManifest, labelText, type Noun } from './noun.js';

const columns: readonly Column<Device>[] = [
  { title: 'NAME', of: ({ name }) => name },
  { title: 'STATE', of: ({ status }) => status.state },
  { title: 'NODE', of: ({ spec }) => spec.node ?? '' },
  { title: 'MODEL', of: ({ spec }) => spec.model ?? '' },
  { title: 'PENDING', of: pendingOf },
  { title: 'LAST SEEN', of: ({ status }, now) => age(status.lastSeenAt, now), ticking: true },
  { title: 'LABELS', of: ({ labels }) => labelText(labels), wide: true },
  { title: 'ID', of: ({ status }) => status.id, wide: true },
  { title: 'SAYS', of: ({ status }) => status.reported ?? '', wide: true },
  { title: 'REVISION', of: ({ revision }) => String(revision), wide: true },
];

export const devices: Noun<Device> = {
  noun: 'device',
  manifestOf: (item) => asManifest('Device', item),
  plural: 'devices',
  columns,
  filters: ['selector', 'state', 'node'],
  live: 'device',
  nameOf: ({ name }) => name,
  list: ({ client, project }, { selector, state, node, limit, signal }) => {
    const wanted = deviceState.safeParse(state);
    if (state !== undefined && !wanted.success)
      throw new UsageError(`"${state}" is no state of a device: ${deviceState.options.join(', ')}`);
    const query = {
      ...(selector !== undefined && { labels: selector }),
      ...(node !== undefined && { node }),
      ...(wanted.success && { state: wanted.data }),
    };
    return everything(
      (page) => client.call(endpoints.devices.list, { params: { project }, query: { ...query, ...page }, signal }),
      limit,
    );
  },
  get: ({ client, project }, name, signal) => client.call(endpoints.devices.get, { params: { project, name }, signal }),
};

export const deviceModels: Noun<DeviceModel> = {
  noun: 'device-model',
  manifestOf: (item) => asManifest('DeviceModel', item),
  plural: 'device models',
  columns: [
    { title: 'NAME', of: ({ name }) => name },
    { title: 'PROTOCOL', of: ({ spec }) => spec.protocol },
    { title: 'PROPERTIES', of: ({ spec }) => Object.keys(spec.properties).join(',') },
    { title: 'DEVICES', of: ({ status }) => String(status.devices) },
    { title: 'AGE', of: ({ createdAt }, now) => age(createdAt, now), ticking: true },
    { title: 'LABELS', of: ({ labels }) => labelText(labels), wide: true },
  ],
  filters: ['selector'],
  live: 'device-model',
  nameOf: ({ name }) => name,
  list: ({ client, project }, { selector, limit, signal }) => {
    const query = selector === undefined ? {} : { labels: selector };
    return everything(
      (page) => client.call(endpoints.deviceModels.list, { params: { project }, query: { ...query, ...page }, signal }),
      limit,
    );
  },
  get: ({ client, project }, name, signal) =>
    client.call(endpoints.deviceModels.get, { params: { project, name }, signal }),
};

export const clients: Noun<Client> = {
  noun: 'client',
  manifestOf: (item) => asManifest('Client', item),
  plural: 'clients',
  columns: [
    { title: 'NAME', of: ({ name }) => name },
    { title: 'NODE', of: ({ spec }) => spec.node ?? '' },
    { title: 'CERTIFICATES', of: ({ status }) => String(status.certificates) },
    { title: 'LOGIN', of: ({ status }) => status.login ?? '' },
    { title: 'MAY PUBLISH', of: ({ spec }) => spec.grants.publish.join(',') },
    { title: 'MAY SUBSCRIBE', of: ({ spec }) => spec.grants.subscribe.join(',') },
    { title: 'AGE', of: ({ createdAt }, now) => age(createdAt, now), ticking: true },
    { title: 'LABELS', of: ({ labels }) => labelText(labels), wide: true },
  ],
  filters: ['selector', 'node'],
  live: 'client',
  nameOf: ({ name }) => name,
  list: ({ client, project }, { selector, node, limit, signal }) => {
    const query = { ...(selector !== undefined && { labels: selector }), ...(node !== undefined && { node }) };
    return everything(
      (page) => client.call(endpoints.clients.list, { params: { project }, query: { ...query, ...page }, signal }),
      limit,
    );
  },
  get: ({ client, project }, name, signal) => client.call(endpoints.clients.get, { params: { project, name }, signal }),
};

/** Keys whose expected value the device has not taken yet. */
function pendingOf({ status }: Device): string {
  return Object.entries(status.twin)
    .filter(([, { pending }]) => pending)
    .map(([key]) => key)
    .join(',');
}
