import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Gpu } from '@selvage/protocol';
import { allGpus, pciGpus, procGpus, smiGpus } from './match.js';

const NVIDIA = '/proc/driver/nvidia/gpus';
const PCI = '/sys/bus/pci/devices';
const SMI = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader,nounits'];
const SMI_DEADLINE_MS = 10_000;
const SMI_MAX_BYTES = 64 * 1024;

/** The graphics and neural processors of this machine; what cannot be read is left out. */
export async function readGpus(): Promise<Gpu[]> {
  const proc = procGpus(await texts(NVIDIA, 'information'));
  const smi = proc.length === 0 ? [] : smiGpus(await nvidiaSmi());
  return allGpus({ smi, proc, pci: pciGpus(await devices()) });
}

async function devices() {
  const folders = await entries(PCI);
  return Promise.all(
    folders.map(async (folder) => ({
      class: await text(join(PCI, folder, 'class')),
      vendor: await text(join(PCI, folder, 'vendor')),
      device: await text(join(PCI, folder, 'device')),
      driver: basename(await readlink(join(PCI, folder, 'driver')).catch(() => '')),
      memory: await text(join(PCI, folder, 'mem_info_vram_total')),
    })),
  );
}

async function texts(root: string, file: string): Promise<string[]> {
  const all = await Promise.all((await entries(root)).map((folder) => text(join(root, folder, file))));
  return all.filter((one) => one !== '');
}

function entries(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

function text(path: string): Promise<string> {
  return readFile(path, 'utf8').then(
    (read) => read.trim(),
    () => '',
  );
}

function nvidiaSmi(): Promise<string> {
  const limits = { timeout: SMI_DEADLINE_MS, maxBuffer: SMI_MAX_BYTES, killSignal: 'SIGKILL' } as const;
  return new Promise((resolve) => {
    execFile('nvidia-smi', SMI, limits, (error, output) => {
      resolve(error ? '' : output);
    });
  });
}
