import { type App, endpoints } from '@selvage/protocol';
import { params } from '../../stage/site.js';
import type { BenchHub } from './bench-hub.js';

/** An app of one container; another `version` is another spec. */
export interface BenchApp {
  readonly name: string;
  readonly placement: { readonly nodes: readonly string[] } | { readonly selector: string };
  readonly version: string;
}

export function putApp(hub: BenchHub, { name, placement, version }: BenchApp): Promise<App> {
  const containers = [{ name: 'main', image: 'registry.example/bench:1', env: [{ name: 'VERSION', value: version }] }];
  const spec = { placement, containers } as never;
  return hub.client.call(endpoints.apps.put, { ...params(name), body: { labels: {}, spec } });
}

export async function removeApp(hub: BenchHub, name: string): Promise<void> {
  await hub.client.call(endpoints.apps.remove, { ...params(name), query: {} });
}
