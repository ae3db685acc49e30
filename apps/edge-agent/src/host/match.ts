import type { Gpu } from '@selvage/protocol';

const MIB = 1024 * 1024;
const VENDORS: Readonly<Record<string, string | undefined>> = {
  '0x1002': 'AMD',
  '0x1013': 'Cirrus Logic',
  '0x102b': 'Matrox',
  '0x10de': 'NVIDIA',
  '0x1234': 'QEMU',
  '0x15ad': 'VMware',
  '0x1a03': 'ASPEED',
  '0x1af4': 'Red Hat',
  '0x1b36': 'Red Hat',
  '0x1e60': 'Hailo',
  '0x1ac1': 'Google',
  '0x8086': 'Intel',
};
const NVIDIA = 'NVIDIA';

/** What `/sys/bus/pci/devices` says about a device; empty texts for what it does not say. */
export interface PciDevice {
  readonly class: string;
  readonly vendor: string;
  readonly device: string;
  readonly driver: string;
  /** Bytes of memory of its own, as the driver says. */
  readonly memory: string;
}

/** The processors among the PCI devices: display controllers (class 03) and processing accelerators (class 12). */
export function pciGpus(devices: readonly PciDevice[]): Gpu[] {
  return devices
    .filter((one) => /^0x(03|12)/.test(one.class))
    .map(({ vendor, device, driver, memory }) => ({
      vendor: VENDORS[vendor] ?? vendor,
      model: `PCI device ${vendor.slice(2)}:${device.slice(2)}`,
      ...(Number(memory) > 0 && { memoryBytes: Number(memory) }),
      ...(driver !== '' && { driver: driver.slice(0, 64) }),
    }));
}

/** Answer of `nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader,nounits`. */
export function smiGpus(csv: string): Gpu[] {
  const rows = csv.split('\n').map((line) => line.split(',').map((field) => field.trim()));
  return rows.flatMap(([model = '', memory = '', driver = '']) => {
    if (model === '' || driver === '') return [];
    const memoryBytes = Number(memory) * MIB;
    return [
      {
        vendor: NVIDIA,
        model: model.slice(0, 255),
        ...(memoryBytes > 0 && { memoryBytes }),
        driver: driver.slice(0, 64),
      },
    ];
  });
}

/** Texts of `/proc/driver/nvidia/gpus/…/information`. */
export function procGpus(informations: readonly string[]): Gpu[] {
  return informations.map((text) => {
    const model = /^Model:\s*(.+)$/m.exec(text)?.[1]?.trim();
    return { vendor: NVIDIA, model: (model ?? 'unknown').slice(0, 255) };
  });
}

/** One list of what several sources say: NVIDIA's own tools know its processors better than the bus does. */
export function allGpus(sources: { smi: readonly Gpu[]; proc: readonly Gpu[]; pci: readonly Gpu[] }): Gpu[] {
  const own = sources.smi.length > 0 ? sources.smi : sources.proc;
  const others = own.length === 0 ? sources.pci : sources.pci.filter(({ vendor }) => vendor !== NVIDIA);
  return [...own, ...others].slice(0, 64);
}
