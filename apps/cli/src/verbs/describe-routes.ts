import { endpoints, type MessageEndpoint, type Route, type RouteDrop, type RouteStats } from '@selvage/protocol';
import { routeWay } from '../nouns/index.js';
import { ago, bytes, type Facts, factLines, moment, oneLine, section, span } from '../output/index.js';
import type { Session, World } from '../world/index.js';
import { headFacts } from './head-facts.js';

type Lines = (world: World, session: Session, name: string) => Promise<string[]>;

/** A route: where it leads, what happens on the way, and how it goes. */
export const routeLines: Lines = async (world, { client, project }, name) => {
  const route = await client.call(endpoints.routes.get, { params: { project, name }, signal: world.signal });
  const { stats } = route.status;
  const now = world.now();
  return [
    ...factLines([...headFacts(route, now), ...wayFacts(route)]),
    ...section('Messages', factLines(countFacts(stats))),
    ...section(
      'Dropped (times in UTC)',
      stats.dropped.map((drop) => dropText(drop, now)),
    ),
    ...section(
      'Last errors',
      stats.errors.map(({ at, node, detail }) => `${ago(at, now)}${on(node)}: ${oneLine(detail)}`),
    ),
  ];
};

/** An endpoint: where it is, what it is used by, and how the last delivery went. */
export const endpointLines: Lines = async (world, { client, project }, name) => {
  const params = { project, name };
  const endpoint = await client.call(endpoints.endpoints.get, { params, signal: world.signal });
  const { state, detail, since, usedBy } = endpoint.status;
  const now = world.now();
  return factLines([
    ...headFacts(endpoint, now),
    ...specFacts(endpoint.spec),
    ['state', state],
    ['detail', detail],
    ['since', moment(since, now)],
    ['routes', usedBy.join(', ') || 'none'],
  ]);
};

/** `417 messages dropped 02:10–02:31: budget` */
function dropText({ count, from, to, reason, node }: RouteDrop, now: number): string {
  const [begin, end] = [from, to].map((at) => clock(at, now)) as [string, string];
  const when = begin === end ? begin : `${begin}–${end}`;
  return `${count} ${count === 1 ? 'message' : 'messages'} dropped ${when}${on(node)}: ${reason}`;
}

/** Hour and minute, and the day when it is another one than today. */
function clock(at: string, now: number): string {
  const [day = '', time = ''] = at.split('T');
  const isToday = new Date(now).toISOString().startsWith(day);
  return isToday ? time.slice(0, 5) : `${day} ${time.slice(0, 5)}`;
}

function on(node: string | undefined): string {
  return node === undefined ? '' : ` on ${node}`;
}

function wayFacts(route: Route): Facts {
  const { spec, status } = route;
  const { filter, transform, order, priority, ttlSeconds, rate, batch, retry, budget } = spec;
  const { bytes: room, ageSeconds, whenFull } = budget;
  return [
    ['way', routeWay(route)],
    ['state', status.state === spec.state ? spec.state : `${status.state} (wanted: ${spec.state})`],
    ['detail', status.detail],
    ['filter', filter],
    ['transform', transform],
    ['order', order === 'none' ? 'not kept' : `kept for each ${order}`.replace('each route', 'the whole route')],
    ['priority', String(priority)],
    ['of use for', ttlSeconds === undefined ? '' : seconds(ttlSeconds)],
    ['rate', rate && `at most ${rate.perSecond} a second`],
    ['batch', `up to ${batch.messages} at once`],
    ['tries', `${retry.tries}, ${seconds(retry.minSeconds)} to ${seconds(retry.maxSeconds)} apart`],
    ['budget', `${bytes(room)}, ${seconds(ageSeconds)}; when full: ${whenFull}`],
  ];
}

function countFacts(stats: RouteStats): Facts {
  const { taken, forwarded, filtered, failed, dead, backlog, latency } = stats;
  const oldest = backlog.oldestSeconds;
  const waiting = `${backlog.count}, ${bytes(backlog.bytes)}${oldest === undefined ? '' : `, the oldest ${span(oldest * 1000)} old`}`;
  return [
    ['taken', String(taken)],
    ['filtered out', String(filtered)],
    ['forwarded', `${forwarded}, ${bytes(stats.bytes)}`],
    ['failed tries', String(failed)],
    ['backlog', waiting],
    ['dead letters', String(dead)],
    ['latency', latencyText(latency)],
  ];
}

/** Bounds of the buckets in which the quantiles lie; above the last bound there is none to name. */
function latencyText({ buckets, p50Ms, p99Ms }: RouteStats['latency']): string {
  if (buckets.every((count) => count === 0)) return '';
  const within = (ms: number | undefined): string =>
    ms === undefined ? 'more than an hour' : `up to ${milliseconds(ms)}`;
  return `half ${within(p50Ms)}, 99 % ${within(p99Ms)}`;
}

function milliseconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : span(ms);
}

function seconds(count: number): string {
  return count < 1 ? `${count * 1000} ms` : span(count * 1000);
}

/** Whatever was said of it, in words; certificates are too long to read. */
function specFacts(spec: MessageEndpoint['spec']): Facts {
  return Object.entries(spec).map(([key, value]: [string, SpecValue]) => [spaced(key), valueText(key, value)]);
}

type SpecValue = string | number | boolean | readonly string[] | Readonly<Record<string, string>> | undefined;

function valueText(key: string, value: SpecValue): string | undefined {
  if (value === undefined) return undefined;
  if (key === 'ca') return 'certificates of its own';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'object') return key === 'objectBytes' ? bytes(Number(value)) : String(value);
  if (Array.isArray(value)) return value.join(', ');
  return Object.entries(value)
    .map(([name, text]) => `${name}: ${text}`)
    .join('\n');
}

function spaced(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
