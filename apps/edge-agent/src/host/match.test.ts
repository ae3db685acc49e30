import { describe, expect, it } from 'vitest';
import { allGpus, pciGpus, procGpus, smiGpus } from './match.js';

const device = { class: '0x030000', vendor: '0x8086', device: '0x9bc5', driver: 'i915', memory: '' };

describe('processors', () => {
  it('of the bus are displays and accelerators, with the vendor in words where it is known', () => {
    const found = pciGpus([
      device,
      { ...device, class: '0x020000' },
      { ...device, class: '0x120000', vendor: '0x1e60', device: '0x2864', driver: '' },
      { ...device, vendor: '0x1002', device: '0x73bf', driver: 'amdgpu', memory: '17163091968' },
      { ...device, vendor: '0xbeef' },
    ]);
    expect(found).toEqual([
      { vendor: 'Intel', model: 'PCI device 8086:9bc5', driver: 'i915' },
      { vendor: 'Hailo', model: 'PCI device 1e60:2864' },
      { vendor: 'AMD', model: 'PCI device 1002:73bf', driver: 'amdgpu', memoryBytes: 17163091968 },
      { vendor: '0xbeef', model: 'PCI device beef:9bc5', driver: 'i915' },
    ]);
  });

  it('of NVIDIA are read from what nvidia-smi prints', () => {
    expect(smiGpus('NVIDIA A2, 15356, 535.129.03\nOrin (nvgpu), [N/A], 540.3.0\n\nNo devices were found\n')).toEqual([
      { vendor: 'NVIDIA', model: 'NVIDIA A2', memoryBytes: 15356 * 1024 * 1024, driver: '535.129.03' },
      { vendor: 'NVIDIA', model: 'Orin (nvgpu)', driver: '540.3.0' },
    ]);
  });

  it('of NVIDIA are read from the kernel otherwise', () => {
    expect(procGpus(['Model: \t\t NVIDIA T4\nIRQ:   \t\t 42\n', 'IRQ: 1'])).toEqual([
      { vendor: 'NVIDIA', model: 'NVIDIA T4' },
      { vendor: 'NVIDIA', model: 'unknown' },
    ]);
  });

  it('are listed once, from the source that knows most', () => {
    const [smi, proc] = [[{ vendor: 'NVIDIA', model: 'smi' }], [{ vendor: 'NVIDIA', model: 'proc' }]];
    const pci = [
      { vendor: 'NVIDIA', model: 'bus' },
      { vendor: 'Intel', model: 'bus' },
    ];
    const models = (sources: Parameters<typeof allGpus>[0]) => allGpus(sources).map(({ model }) => model);
    expect(models({ smi, proc, pci })).toEqual(['smi', 'bus']);
    expect(models({ smi: [], proc, pci })).toEqual(['proc', 'bus']);
    expect(allGpus({ smi: [], proc: [], pci })).toEqual(pci);
  });
});
