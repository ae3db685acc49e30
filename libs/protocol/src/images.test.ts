import { describe, expect, it } from 'vitest';
import { image, imageParts } from './images.js';

const digest = `sha256:${'a'.repeat(64)}`;

describe('an image reference', () => {
  it.each([
    ['nginx', { registry: 'docker.io', repository: 'nginx', tag: undefined, digest: undefined }],
    ['library/nginx:1.25', { registry: 'docker.io', repository: 'library/nginx', tag: '1.25', digest: undefined }],
    ['localhost/app', { registry: 'localhost', repository: 'localhost/app', tag: undefined, digest: undefined }],
    [
      '127.0.0.1:5000/a/b:1',
      { registry: '127.0.0.1:5000', repository: '127.0.0.1:5000/a/b', tag: '1', digest: undefined },
    ],
    [`ghcr.io/a/b@${digest}`, { registry: 'ghcr.io', repository: 'ghcr.io/a/b', tag: undefined, digest }],
    [`[::1]:5000/a:1@${digest}`, { registry: '[::1]:5000', repository: '[::1]:5000/a', tag: '1', digest }],
    ['some_user/app', { registry: 'docker.io', repository: 'some_user/app', tag: undefined, digest: undefined }],
  ])('%s has its parts', (reference, parts) => {
    expect(image.safeParse(reference).success).toBe(true);
    expect(imageParts(reference)).toEqual(parts);
  });

  it.each(['', 'UPPER', 'a b', 'http://x/y', 'x:', 'x@sha256:12', 'a//b', 'x:tag!', '-x', 'a'.repeat(513)])(
    '%j is refused',
    (reference) => {
      expect(image.safeParse(reference).success).toBe(false);
    },
  );

  it('is judged in linear time', () => {
    expect(image.safeParse(`${'a-'.repeat(255)}!`).success).toBe(false);
  });
});
