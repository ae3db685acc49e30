import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openFile, readUpTo, type World } from '../world/index.js';

/** The text of a manifest file and what it is called in messages. */
export interface Source {
  readonly file: string;
  readonly text: string;
}

/** What was read, and a line for each thing that could not be. */
export interface Sources {
  readonly sources: readonly Source[];
  readonly problems: readonly string[];
}

interface Problem {
  readonly problem: string;
}

const MAX_FILE = 1024 * 1024;
/** Characters of all files together. */
const MAX_ALL = 16 * MAX_FILE;
const MAX_FILES = 1000;
const MANIFEST = /\.(ya?ml|json)$/;

/** Reads files, the manifests of folders (not of folders in them), and `-`, which is standard input. */
export async function readSources(world: World, paths: readonly string[]): Promise<Sources> {
  const found = await Promise.all(paths.map(filesOf));
  const files = found.flatMap((one) => (typeof one === 'string' ? [] : one));
  const problems = found.filter((one) => typeof one === 'string');
  if (files.length > MAX_FILES) return { sources: [], problems: [`more than ${MAX_FILES} files at once`] };
  const sources: Source[] = [];
  let length = 0;
  for (const file of files) {
    const one = await read(world, file);
    if ('problem' in one) {
      problems.push(one.problem);
      continue;
    }
    sources.push(one);
    length += one.text.length;
    if (length > MAX_ALL) return { sources: [], problems: [`more than ${MAX_ALL} bytes at once; apply them in parts`] };
  }
  return { sources, problems };
}

/** The files that a path stands for, or what is wrong with it. */
async function filesOf(path: string): Promise<string[] | string> {
  if (path === '-') return [path];
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const files = (await readdir(path)).filter((file) => MANIFEST.test(file)).sort();
    if (files.length === 0) return `${path}: no file in this folder ends in .yaml, .yml or .json`;
    return files.map((file) => join(path, file));
  } catch (error) {
    return `${path}: ${reasonOf(error)}`;
  }
}

async function read(world: World, path: string): Promise<Source | Problem> {
  const file = path === '-' ? 'stdin' : path;
  try {
    const bytes = path === '-' ? world.in : await openFile(path);
    if (bytes === undefined) return { problem: `${file}: is neither a file nor a folder nor a pipe` };
    const text = await readUpTo(bytes, { limit: MAX_FILE, signal: world.signal });
    return text === undefined ? { problem: `${file}: longer than ${MAX_FILE} bytes; split it` } : { file, text };
  } catch (error) {
    if (world.signal.aborted) throw error;
    return { problem: `${file}: ${reasonOf(error)}` };
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'may not be read',
  EISDIR: 'is a folder',
  ENXIO: 'cannot be opened; standard input is -',
};

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return REASONS[code] ?? (error instanceof Error ? error.message : String(error));
}
