import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of its own, mode 0700, until it is removed with all that is in it. */
export interface TempDir {
  readonly path: string;
  remove(): void;
}

export function tempDir(prefix = 'selvage-'): TempDir {
  const path = mkdtempSync(join(tmpdir(), prefix));
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}
