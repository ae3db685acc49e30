import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type SourceFile, sources } from './sources.js';

/** Which `@selvage/*` packages and which other packages a part may import; tests may import more. */
const LIBS: Record<string, readonly string[]> = {
  'libs/protocol': ['zod'],
  'libs/wire': ['@selvage/protocol', 'msgpackr'],
  'libs/reconcile': [],
  'libs/outbox': ['@selvage/reconcile'],
  'libs/routes': ['@selvage/protocol', '@marcbachmann/cel-js'],
  'libs/pki': ['@selvage/protocol', 'node-forge'],
  'libs/api-client': ['@selvage/protocol'],
  'libs/device-sdk': ['@selvage/protocol', '@selvage/reconcile', 'mqtt'],
};

/** Outside thing → the only places that may import it. */
const DOORS: [thing: string, places: RegExp][] = [
  ['dockerode', /^(apps\/edge-agent\/src\/docker\/|libs\/testkit\/)/],
  ['sqlite3', /^apps\/(edge-agent\/src\/state|cloud\/src\/db)\//],
  ['typeorm', /^apps\/cloud\/src\/(db\/|.*\.entity\.ts$|.*migration|.*\.service\.ts$|.*\.link\.ts$)/],
  ['ws', /^apps\/((edge-agent|cloud)\/src\/link|edge-agent\/src\/broker)\//],
  ['aedes', /^apps\/edge-agent\/src\/broker\//],
  ['mqtt-packet', /^apps\/edge-agent\/src\/broker\//],
  ['msgpackr', /^libs\/wire\//],
  ['node-forge', /^libs\/pki\//],
  ['mqtt', /^(libs\/device-sdk\/src\/session|apps\/cloud\/src\/endpoints\/kinds\/mqtt-line)\.ts$/],
  ['@nats-io/jetstream', /^apps\/cloud\/src\/endpoints\/kinds\/nats\.ts$/],
  ['@nats-io/transport-node', /^apps\/cloud\/src\/endpoints\/kinds\/nats\.ts$/],
  ['kafkajs', /^apps\/cloud\/src\/endpoints\/kinds\/kafka\.ts$/],
  ['aws4fetch', /^apps\/cloud\/src\/endpoints\/kinds\/s3\.ts$/],
  ['pg', /^apps\/cloud\/src\/endpoints\/kinds\/postgres\.ts$/],
];

const PURE = /(^libs\/protocol\/src\/|\/(plan|match|merge|status|acl|spec)\.ts$|\.rules\.ts$)/;
const IMPURE =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\.|\brandomBytes\(|\brandomUUID\(|\bperformance\.now\(/;

/** Floors of an app, uppermost first; whoever stands further down never imports from further up, and slices stand on top. */
const FLOORS: Record<string, readonly string[]> = {
  'apps/cloud': ['http', 'desired', 'link', 'db', 'log'],
  'apps/edge-agent': ['link', 'broker', 'docker', 'state'],
};
/** Slices of the hub, leftmost first: a slice imports only slices to its left. */
const HUB_SLICES = [
  'users',
  'audit',
  'projects',
  'certificates',
  'nodes',
  'devices',
  'twins',
  'secrets',
  'apps',
  'endpoints',
  'routes',
];

const code = sources().filter((file) => /^(apps|libs)\//.test(file.path) && !file.isTest);

describe('imports go', () => {
  it.each(Object.entries(LIBS))('only down: %s imports its list and nothing else', (lib, allowed) => {
    const packages = code.filter((file) => file.path.startsWith(`${lib}/`)).flatMap(outside);
    expect(packages.filter(({ to }) => !allowed.includes(packageOf(to)))).toEqual([]);
    expect(allowed.filter((name) => !packages.some(({ to }) => packageOf(to) === name))).toEqual([]);
  });

  it('from every lib that there is, as its list says', () => {
    const libs = new Set(sources().flatMap(({ path }) => /^libs\/[^/]+/.exec(path)?.[0] ?? []));
    libs.delete('libs/testkit');
    expect(Object.keys(LIBS).sort()).toEqual([...libs].sort());
  });

  it('out of an app or a lib by the name of a package only', () => {
    const home = (path: string): string => path.split('/', 2).join('/');
    expect(code.flatMap((file) => inside(file)).filter(({ from, to }) => home(from) !== home(to))).toEqual([]);
  });

  it('only down: an app imports no app and no testkit', () => {
    const packages = code.filter((file) => file.path.startsWith('apps/')).flatMap(outside);
    expect(packages.filter(({ to }) => /^@selvage\/(cloud|edge-agent|cli|testkit)/.test(to))).toEqual([]);
  });

  it.each(DOORS)('through one door: %s', (thing, places) => {
    const importers = code
      .filter((file) => outside(file).some(({ to }) => packageOf(to) === thing))
      .map(({ path }) => path);
    expect(importers.filter((path) => !places.test(path))).toEqual([]);
    expect(importers).not.toEqual([]);
  });

  it('between folders of the hub that each are a floor or a slice', () => {
    const folders = new Set(code.flatMap(({ path }) => /^apps\/cloud\/src\/([^/]+)\//.exec(path)?.[1] ?? []));
    const known = [...(FLOORS['apps/cloud'] ?? []), ...HUB_SLICES, 'server'];
    expect([...folders].sort()).toEqual(known.sort());
  });

  it('down the floors, never from a floor into a slice', () => {
    const wrong = Object.entries(FLOORS).flatMap(([app, floors]) =>
      crossings(app).filter(({ from, to }) => {
        const [here, there] = [floors.indexOf(from), floors.indexOf(to)];
        return here !== -1 && (there === -1 || there < here);
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('to the left among the slices of the hub', () => {
    const wrong = crossings('apps/cloud').filter(({ from, to }) => {
      const [here, there] = [HUB_SLICES.indexOf(from), HUB_SLICES.indexOf(to)];
      return here !== -1 && there !== -1 && there > here;
    });
    expect(wrong).toEqual([]);
  });

  it('not between the slices of the agent', () => {
    const floors = FLOORS['apps/edge-agent'] ?? [];
    expect(
      crossings('apps/edge-agent').filter(({ from, to }) => !floors.includes(from) && !floors.includes(to)),
    ).toEqual([]);
  });

  it('through the front door of another folder', () => {
    const wrong = code.flatMap((file) =>
      inside(file)
        .filter(({ to }) => dirname(to) !== dirname(file.path))
        .filter(({ to }) => isRoot(file.path) || !to.startsWith(`${dirname(file.path)}/`))
        .filter(({ to }) => !isDoor(file.path, to)),
    );
    expect(wrong).toEqual([]);
  });

  it('in no circle', () => {
    const needs = new Map(code.map((file) => [file.path, inside(file, file.needs).map(({ to }) => to)]));
    // Takes away what needs nothing that is left: a circle, and what leads to it, stays.
    for (let count = -1; count !== needs.size;) {
      count = needs.size;
      for (const [path, others] of needs) if (!others.some((other) => needs.has(other))) needs.delete(path);
    }
    expect([...needs.keys()]).toEqual([]);
  });

  it('from a pure file to pure things only, and it reads no clock, chance or environment', () => {
    const pure = code.filter((file) => PURE.test(file.path));
    expect(pure.length).toBeGreaterThan(20);
    expect(pure.filter(({ text }) => IMPURE.test(text)).map(({ path }) => path)).toEqual([]);
    const impure = pure
      .flatMap(outside)
      .filter(({ to }) => !/^(@selvage\/(protocol|wire|routes)|zod|node:(path|net|crypto))$/.test(to));
    expect(impure).toEqual([]);
  });

  it('to process.env in config.ts only', () => {
    const readers = code.filter(({ text }) => text.includes('process.env')).map(({ path }) => path);
    expect(readers.filter((path) => !path.endsWith('/config.ts') && !path.startsWith('libs/testkit/'))).toEqual([]);
  });
});

interface Import {
  readonly from: string;
  readonly to: string;
}

function outside(file: SourceFile): Import[] {
  return file.imports
    .filter((to) => !to.startsWith('.') && !to.startsWith('node:'))
    .map((to) => ({ from: file.path, to }));
}

/** Relative imports, as paths from the root of the repository. */
function inside(file: SourceFile, imports = file.imports): Import[] {
  return imports
    .filter((to) => to.startsWith('.'))
    .map((to) => ({ from: file.path, to: join(dirname(file.path), to).replace(/\.js$/, '.ts') }));
}

/** Imports from one folder under an app's `src` into another, by the names of the folders. */
function crossings(app: string): Import[] {
  const folder = (path: string): string | undefined => /^apps\/[^/]+\/src\/([^/]+)\//.exec(path)?.[1];
  return code
    .filter(({ path }) => path.startsWith(`${app}/`))
    .flatMap((file) => inside(file))
    .map(({ from, to }) => ({ from: folder(from) ?? '', to: folder(to) ?? '', where: `${from} → ${to}` }))
    .filter(({ from, to }) => from !== '' && to !== '' && from !== to);
}

function isRoot(path: string): boolean {
  return /^apps\/[^/]+\/src\/[^/]+\.ts$/.test(path);
}

function isDoor(from: string, to: string): boolean {
  if (isRoot(to)) return to.endsWith('/config.ts') || isRoot(from);
  return /\/(index|[^/]+\.module)\.ts$/.test(to);
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
