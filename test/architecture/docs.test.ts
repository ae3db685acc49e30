import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { manifest } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

const root = resolve(import.meta.dirname, '../..');
const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const found = (pattern: RegExp, inside: string): string[] =>
  [...new Set([...inside.matchAll(pattern)].map(([, name = '']) => name))].sort();

const pathsOf = (glob: string): string[] =>
  execFileSync('git', ['ls-files', '-co', '--exclude-standard', glob], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((path) => path !== '' && existsSync(join(root, path)));
const pages = pathsOf('*.md');

/** The documents of every block of YAML in a page. */
const manifestsIn = (page: string): unknown[] =>
  [...text(page).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    [...parseAllDocuments(block)].map((document): unknown => document.toJS()),
  );

/** The names of all fields in a JSON schema, those of the parts of its parts included. */
function fieldsOf(schema: object): string[] {
  return Object.entries(schema).flatMap(([key, value]: [string, unknown]) => {
    if (typeof value !== 'object' || value === null) return [];
    if (key !== 'properties') return fieldsOf(value);
    return [...Object.keys(value), ...Object.values(value as Record<string, object>).flatMap(fieldsOf)];
  });
}

describe('the documentation', () => {
  it('has more than a few pages', () => {
    expect(pages.length).toBeGreaterThan(10);
  });

  it('has nobody ask the registry for our commands: outside a checkout npx would take those of a stranger', () => {
    const speaking = [...pages, ...pathsOf('tools/*.mjs'), ...pathsOf('apps/*/src/*.ts')];
    expect(speaking.filter((path) => /\bnpx (?!--no )[^\n]*\bselvage\b/.test(text(path)))).toEqual([]);
  });

  it('says of every error code what to do, and of no other', () => {
    const codes = found(/^ {2}(\w+): \[\d{3},/gm, text('libs/protocol/src/errors.ts'));
    expect(codes.length).toBeGreaterThan(30);
    expect(found(/^\| `(\w+)` +\|/gm, text('docs/troubleshooting.md'))).toEqual(codes);
  });

  it('says what every environment variable does, and of no other', () => {
    const configs = ['cloud', 'edge-agent', 'cli'].map((app) => text(`apps/${app}/src/config.ts`)).join('\n');
    const variables = found(/\b(SELVAGE_[A-Z_]+|DOCKER_HOST|NO_COLOR|XDG_CONFIG_HOME)\b/g, configs);
    expect(variables.length).toBeGreaterThan(15);
    expect(found(/^\| `([A-Z_]+)` +\|/gm, text('docs/configuration.md'))).toEqual(variables);
  });

  it('gives the defaults of the hub as they are', () => {
    const config = text('apps/cloud/src/config.ts');
    const defaults = [...config.matchAll(/^ {2}(SELVAGE_\w+): .*\.default\('?([^')]*)'?\)/gm)];
    expect(defaults).toHaveLength(config.match(/\.default\(/g)?.length ?? 0);
    const rows = new Map(
      [...text('docs/configuration.md').matchAll(/^\| `(SELVAGE_\w+)` +\| ([^|]+?) +\|/gm)]
        .reverse()
        .map(([, name = '', shown = '']) => [name, shown]),
    );
    for (const [, name = '', value = ''] of defaults)
      expect([name, rows.get(name)]).toEqual([name, value === '' ? 'none' : `\`${value}\``]);
  });

  it.each(['docs/manifests.md', 'docs/devices.md', 'docs/routes.md', 'docs/gateway.md'])(
    'shows manifests in %s that apply takes',
    (page) => {
      const problems = manifestsIn(page).map((document) => manifest.safeParse(document).error?.message);
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
    },
  );

  it('names every field that a manifest may have', () => {
    const fields = new Set(fieldsOf(z.toJSONSchema(manifest, { io: 'input', unrepresentable: 'any' })));
    expect(fields.size).toBeGreaterThan(40);
    expect([...fields].filter((field) => !new RegExp(`\\b${field}\\b`).test(text('docs/manifests.md')))).toEqual([]);
  });

  it('shows each kind of manifest', () => {
    const shown = manifestsIn('docs/manifests.md').map((document) => manifest.parse(document).kind);
    expect([...new Set(shown)].sort()).toEqual(manifest.options.map(({ shape }) => shape.kind.value).sort());
  });

  it('of the architecture names files and folders that are there, and every app and lib', () => {
    const page = text('ARCHITECTURE.md');
    const named = found(/`((?:apps|libs|test|certs)\/[\w./-]+)`/g, page);
    const tree = found(/^((?:apps|libs)\/[\w-]+|[a-z]+) {2,}/gm, page);
    expect(named.length).toBeGreaterThan(10);
    expect([...named, ...tree].filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const parts = ['apps', 'libs'].flatMap((folder) =>
      readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
    );
    expect(tree).toEqual(expect.arrayContaining(parts));
  });

  it.each(pages)('%s has no link that leads nowhere', (page) => {
    const links = found(/\]\(([^)#]+)[^)]*\)/g, text(page)).filter((link) => !/^[a-z]+:/.test(link));
    expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });
});
