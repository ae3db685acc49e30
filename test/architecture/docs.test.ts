import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const found = (pattern: RegExp, inside: string): string[] =>
  [...new Set([...inside.matchAll(pattern)].map(([, name = '']) => name))].sort();

const pages = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));

describe('the documentation', () => {
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
    const defaults = text('apps/cloud/src/config.ts').matchAll(/^ {2}(SELVAGE_\w+): .*\.default\('?([^')]+)'?\)/gm);
    const rows = new Map(
      [...text('docs/configuration.md').matchAll(/^\| `(SELVAGE_\w+)` +\| ([^|]+?) +\|/gm)]
        .reverse()
        .map(([, name = '', shown = '']) => [name, shown]),
    );
    for (const [, name = '', value = ''] of defaults) expect([name, rows.get(name)]).toEqual([name, `\`${value}\``]);
  });

  it.each(pages)('%s has no link that leads nowhere', (page) => {
    const links = found(/\]\(([^)#]+)[^)]*\)/g, text(page)).filter((link) => !/^[a-z]+:/.test(link));
    expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });
});
