import { describe, expect, it } from 'vitest';
import { parseSource } from './documents.js';

const APP = `kind: App
name: web
spec:
  placement: { nodes: [edge-1] }
  containers:
    - name: web
      image: web:1
`;

function problems(text: string): readonly string[] {
  return parseSource({ file: 'f.yaml', text }).problems;
}

describe('a manifest file', () => {
  it('may have many documents, empty ones too, and is filled in with defaults', () => {
    const { documents, problems: found } = parseSource({
      file: 'f.yaml',
      text: `---\n# nothing\n---\n${APP}---\nkind: Node\nname: edge-1\n`,
    });
    expect(found).toEqual([]);
    expect(documents.map(({ manifest, where }) => [manifest.kind, where])).toEqual([
      ['App', 'f.yaml:4:1'],
      ['Node', 'f.yaml:12:1'],
    ]);
    expect(documents[1]?.manifest.spec).toEqual({ enabled: true, description: '' });
  });

  it('may be JSON, and empty', () => {
    const text = '{"kind":"Node","name":"edge-1","labels":{"site":"a"},"spec":{"enabled":false}}';
    expect(parseSource({ file: 'f.json', text }).documents[0]?.manifest).toMatchObject({ labels: { site: 'a' } });
    expect(parseSource({ file: 'f.yaml', text: '' })).toEqual({ documents: [], problems: [] });
  });

  it.each([
    ['an unknown key at the top', `${APP}extra: 1\n`, ['f.yaml:8:1 extra: is not known here']],
    [
      'an unknown key inside',
      APP.replace('image:', 'restrat: always\n      image:'),
      ['f.yaml:7:7 spec.containers[0].restrat: is not known here'],
    ],
    ['a wrong type', APP.replace('web:1', '[1]'), ['f.yaml:7:7 spec.containers[0].image: must be a text, not a list']],
    [
      'a number for a name',
      APP.replace('name: web\nspec', 'name: 5\nspec'),
      ['f.yaml:2:1 name: must be a text, not a number'],
    ],
    ['a missing key', APP.replace('name: web\nspec', 'spec'), ['f.yaml:1:1 name: is missing']],
    [
      'a missing key inside',
      APP.replace('      image: web:1\n', ''),
      ['f.yaml:6:7 spec.containers[0].image: is missing'],
    ],
    [
      'a bad image',
      APP.replace('web:1', 'Web'),
      ['f.yaml:7:7 spec.containers[0].image: not an image reference: write [registry/]name[:tag] or name@sha256:…'],
    ],
    [
      'an unknown kind',
      'kind: Cow\nname: x\n',
      ['f.yaml:1:1 kind: is not one of App, Client, Device, DeviceModel, Node, Secret'],
    ],
    ['no kind', 'name: x\n', ['f.yaml:1:1 kind: is not one of App, Client, Device, DeviceModel, Node, Secret']],
    ['something that is no map', '- 1\n', ['f.yaml:1:1 document: must be a map, not a list']],
    [
      'a bad label',
      APP.replace('spec:', 'labels: { "a b": c }\nspec:'),
      ['f.yaml:3:11 labels.a b: a label key has letters, digits and . _ / -'],
    ],
    [
      'a label that is a number',
      APP.replace('spec:', 'labels: { a: 1 }\nspec:'),
      ['f.yaml:3:11 labels.a: must be a text, not a number'],
    ],
    [
      'a key twice',
      APP.replace('name: web\nspec', 'name: web\nname: web2\nspec'),
      ['f.yaml:3:1 name: is there already'],
    ],
  ])('with %s says where', (_what, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  it('with a mount of two kinds says what is wrong with the nearest one', () => {
    const mounts = APP + '      mounts:\n        - { volume: data, path: nowhere }\n';
    expect(problems(mounts)).toEqual(['f.yaml:9:27 spec.containers[0].mounts[0].path: a path starts with /']);
  });

  it('that is bad YAML says where', () => {
    const [problem = ''] = problems('kind: App\nname: [1\n');
    expect(problem).toMatch(/^f\.yaml:\d+:\d+ .*flow sequence/i);
  });

  it('says all problems of all documents', () => {
    expect(problems(`kind: Cow\n---\n${APP}x: 1\ny: 2\n---\nkind: Node\nname: A\n`)).toHaveLength(4);
  });

  it('takes no unknown tag', () => {
    expect(problems(APP.replace('name: web\nspec', 'name: !secret web\nspec'))[0]).toMatch(
      /^f\.yaml:2:7 Unresolved tag/,
    );
  });

  it('finds the place of what an alias names', () => {
    const text = APP.replace('- name: web', '- &c\n      name: web').replace(
      'image: web:1',
      'image: Web\n    - name: b\n      image: web:1\n    - *c',
    );
    expect(problems(text)[0]).toMatch(/^f\.yaml:8:7 spec\.containers\[0\]\.image: not an image/);
    expect(problems(text)[1]).toMatch(/^f\.yaml:8:7 spec\.containers\[2\]\.image: not an image/);
  });

  it('with aliases that multiply is refused quickly', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 12; level += 1)
      bomb.push(
        `b${level}: &b${level} [${Array(9)
          .fill(level === 1 ? '*a' : `*b${level - 1}`)
          .join(', ')}]`,
      );
    const started = performance.now();
    expect(problems(bomb.join('\n'))[0]).toMatch(/aliases .* repeat too much/);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it.each([
    ['keys', (index: number) => `k${index}: 1\n`, /kind: is not one of/],
    ['unknown keys', (index: number) => (index === 0 ? 'kind: Node\nname: a\n' : `k${index}: 1\n`), /k1: is not known/],
    ['lists for keys', (index: number) => `? [${index}]\n: 1\n`, /kind: is not one of/],
    ['the same key', () => 'k: 1\n', /:2:1 k: is there already/],
  ])('with very many %s is refused quickly', (_what, line, says) => {
    const text = Array.from({ length: 60_000 }, (_, index) => line(index)).join('');
    const before = process.cpuUsage();
    const found = problems(text);
    const { user } = process.cpuUsage(before);
    expect(found[0]).toMatch(says);
    expect(found.length).toBeLessThanOrEqual(101);
    expect(user).toBeLessThan(5_000_000);
  });

  it('that is nested without end is refused', () => {
    const [problem = ''] = problems('['.repeat(200_000));
    expect(problem).toMatch(/^f\.yaml:1:\d+ /);
  });

  it('takes no prototype', () => {
    expect(problems(`${APP}__proto__: { a: 1 }\n`)).toEqual(['f.yaml:8:1 __proto__: is not known here']);
  });
});
