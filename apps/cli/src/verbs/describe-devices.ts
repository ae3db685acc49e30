import { type Device, type DeviceModelSpec, endpoints } from '@selvage/protocol';
import { type Column, factLines, moment, section, tableLines } from '../output/index.js';
import type { Session, World } from '../world/index.js';
import { certificateLines } from './certificate-lines.js';
import { headFacts } from './head-facts.js';
import { twinLines } from './twin-lines.js';

type Lines = (world: World, session: Session, name: string) => Promise<string[]>;
type Property = DeviceModelSpec['properties'][string];

const PROPERTIES: readonly Column<readonly [string, Property]>[] = [
  { title: 'KEY', of: ([key]) => key },
  { title: 'TYPE', of: ([, { type }]) => type },
  { title: 'ACCESS', of: ([, { access }]) => access },
  { title: 'UNIT', of: ([, { unit }]) => unit ?? '', sparse: true },
  { title: 'VALUES', of: ([, property]) => rangeText(property), sparse: true },
  { title: 'DESCRIPTION', of: ([, { description }]) => description, sparse: true },
];

/** A device: who it is, and expected and actual value of each key next to each other. */
export const deviceLines: Lines = async (world, { client, project }, name) => {
  const given = { params: { project, name }, signal: world.signal };
  const device = await client.call(endpoints.devices.get, given);
  const { items: certificates } = await client.call(endpoints.devices.certificates, given);
  const now = world.now();
  return [
    ...factLines([...headFacts(device, now), ...deviceFacts(device, now)]),
    ...section('Twin', twinLines(device.status.twin, now)),
    ...section('May publish beside its own topics', device.spec.grants.publish),
    ...section('May subscribe beside its own topics', device.spec.grants.subscribe),
    ...section('Certificates', certificateLines(certificates, now)),
  ];
};

/** A device model with its properties. */
export const deviceModelLines: Lines = async (world, { client, project }, name) => {
  const model = await client.call(endpoints.deviceModels.get, { params: { project, name }, signal: world.signal });
  const { description, protocol, properties } = model.spec;
  const now = world.now();
  return [
    ...factLines([
      ...headFacts(model, now),
      ['description', description],
      ['protocol', protocol],
      ['devices', String(model.status.devices)],
      ['attributes', attributeText(model.spec.attributes)],
    ]),
    ...section('Properties', lines(PROPERTIES, Object.entries(properties), now)),
  ];
};

/** An app on the broker: what it may do and what it proves itself with. */
export const clientLines: Lines = async (world, session, name) => {
  const { project } = session;
  const given = { params: { project, name }, signal: world.signal };
  const client = await session.client.call(endpoints.clients.get, given);
  const { items: certificates } = await session.client.call(endpoints.clients.certificates, given);
  const { description, node, grants } = client.spec;
  const now = world.now();
  return [
    ...factLines([
      ...headFacts(client, now),
      ['description', description],
      ['node', node ?? 'none'],
      ['user name', client.status.login],
    ]),
    ...section('May publish', grants.publish),
    ...section('May subscribe', grants.subscribe),
    ...section('Certificates', certificateLines(certificates, now)),
  ];
};

function deviceFacts({ spec, status }: Device, now: number): [string, string | undefined][] {
  const { access } = spec;
  return [
    ['shown as', spec.displayName],
    ['description', spec.description],
    ['id', status.id],
    ['model', spec.model],
    ['node', spec.node ?? 'none'],
    ['state', status.state],
    ['says', status.reported],
    ['last seen', moment(status.lastSeenAt, now)],
    ['attributes', attributeText(spec.attributes)],
    [
      'access',
      access &&
        [access.protocol, ...Object.entries(access.settings).map(([key, value]) => `${key}=${value}`)].join(' '),
    ],
  ];
}

function lines<T>(columns: readonly Column<T>[], rows: readonly T[], now: number): string[] {
  return rows.length === 0 ? [] : tableLines(columns, rows, now);
}

function rangeText({ min, max, maxLength, enum: values }: Property): string {
  if (values) return values.join(' | ');
  if (maxLength !== undefined) return `at most ${maxLength} characters`;
  if (min === undefined && max === undefined) return '';
  return `${min ?? ''} … ${max ?? ''}`.trim();
}

function attributeText(attributes: Device['spec']['attributes']): string {
  return Object.entries(attributes)
    .map(([key, { value }]) => `${key}=${value}`)
    .join('\n');
}
