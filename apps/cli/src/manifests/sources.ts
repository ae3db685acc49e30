import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readInput, type World } from '../world/index.js';

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

export const MAX_FILE = 1024 * 1024;
const MAX_FILES = 1000;
const MANIFEST = /\.(ya?ml|json)$/;

/** Reads files, the manifests of folders (not of folders in them), and `-`, which is standard input. */
export async function readSources(world: World, paths: readonly string[]): Promise<Sources> {
  const found = await Promise.all(paths.map(filesOf));
  const files = found.flatMap((one) => (typeof one === 'string' ? [] : one));
  const problems = found.filter((one) => typeof one === 'string');
  if (files.length > MAX_FILES) return { sources: [], problems: [`more than ${MAX_FILES} files at once`] };
  const sources: Source[] = [];
  for (const file of files) {
    const text = await textOf(world, file);
    if (typeof text === 'string') sources.push({ file: file === '-' ? 'stdin' : file, text });
    else problems.push(text.problem);
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

async function textOf(world: World, file: string): Promise<string | { problem: string }> {
  const tooLong = { problem: `${file === '-' ? 'stdin' : file}: longer than ${MAX_FILE} bytes; split it` };
  if (file === '-') return (await readInput(world, MAX_FILE)) ?? tooLong;
  try {
    return (await readUpTo(file, MAX_FILE)) ?? tooLong;
  } catch (error) {
    return { problem: `${file}: ${reasonOf(error)}` };
  }
}

async function readUpTo(file: string, limit: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: limit })) chunks.push(Buffer.from(chunk as Uint8Array));
  const all = Buffer.concat(chunks);
  return all.length > limit ? undefined : all.toString('utf8');
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'may not be read',
  EISDIR: 'is a folder',
};

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return REASONS[code] ?? (error instanceof Error ? error.message : String(error));
}
