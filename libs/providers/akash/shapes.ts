import type { OfferGpu } from '#libs/domain';

/** A GPU as Akash writes it: lower-case model, memory such as `80Gi`, `sxm` or `pcie`. */
export interface AkashGpu {
  readonly model: string;
  readonly memoryGib: number;
  readonly socket: 'sxm' | 'pcie' | null;
}

/** What one order asks for. */
export interface Shape {
  readonly gpu: (AkashGpu & { readonly count: number }) | null;
  readonly cpus: number;
  readonly memoryGib: number;
  readonly diskGb: number;
}

const KNOWN_GPUS: Readonly<Record<string, string>> = {
  rtxa4000: 'RTXA4000',
  rtxa6000: 'A6000',
  a6000: 'A6000',
};

/** Models that come with several memory sizes carry the size in their canonical name. */
const SIZED_GPUS: ReadonlySet<string> = new Set(['a100']);

/** Cards sold for personal computers: GeForce, whatever the suffix. */
const CONSUMER_GPU = /^(?:gtx|rtx)[1-5]0[5-9]0(?:ti|s|super)?$/;

export function canonicalGpuModel(gpu: AkashGpu): string {
  const name = KNOWN_GPUS[gpu.model] ?? gpu.model.toUpperCase();
  return SIZED_GPUS.has(gpu.model) ? `${name}-${gpu.memoryGib}GB` : name;
}

export const isConsumerGpu = (model: string): boolean => CONSUMER_GPU.test(model);

/** The socket in the two words that an order may use; `SXM5` and `PCIe` are told here as well. Null when it is not said. */
export function socketOf(text: string | null | undefined): AkashGpu['socket'] {
  const word = (text ?? '').toLowerCase();
  if (word.startsWith('sxm')) return 'sxm';
  return word.startsWith('pci') ? 'pcie' : null;
}

/** Gibibytes in text such as `80Gi`, or null when it is not so written. */
export function gibOf(ram: string | null | undefined): number | null {
  const digits = /^(\d{1,4})Gi$/.exec(ram ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}

/** CPUs, memory and disk asked for with each GPU; modest, because every unit asked for loses bidders and costs money. */
const perGpu = (memoryGib: number) =>
  memoryGib >= 40
    ? { cpus: 12, memoryGib: 64, diskGb: 200 }
    : { cpus: 8, memoryGib: 32, diskGb: 100 };

export const GPU_COUNTS = [1, 2, 4, 8] as const;

export function gpuShape(gpu: AkashGpu, count: number): Shape {
  const each = perGpu(gpu.memoryGib);
  return {
    gpu: { ...gpu, count },
    cpus: each.cpus * count,
    memoryGib: each.memoryGib * count,
    diskGb: each.diskGb * count,
  };
}

export const CPU_SHAPES: readonly Shape[] = [
  { gpu: null, cpus: 2, memoryGib: 4, diskGb: 20 },
  { gpu: null, cpus: 4, memoryGib: 8, diskGb: 40 },
  { gpu: null, cpus: 8, memoryGib: 16, diskGb: 80 },
  { gpu: null, cpus: 16, memoryGib: 64, diskGb: 160 },
];

/** The name that an offer carries, from which the order is built again: `h100-80gi-sxm-x1` or `cpu-4`. */
export function instanceTypeOf(shape: Shape): string {
  if (shape.gpu === null) return `cpu-${shape.cpus}`;
  const { model, memoryGib, socket, count } = shape.gpu;
  return `${model}-${memoryGib}gi-${socket ?? 'any'}-x${count}`;
}

/** The GPUs in an instance type; null for a name without any, undefined for one that is not ours. */
export function gpuOfInstanceType(instanceType: string): Shape['gpu'] | undefined {
  if (/^cpu-\d+$/.test(instanceType)) return null;
  const match = /^([a-z0-9-]{1,40})-(\d{1,4})gi-(sxm|pcie|any)-x(\d{1,2})$/.exec(instanceType);
  if (match === null) return undefined;
  const [, model = '', memory = '', socket = '', count = ''] = match;
  return { model, memoryGib: Number(memory), socket: socketOf(socket), count: Number(count) };
}

export function offerGpuOf(shape: Shape): OfferGpu | null {
  if (shape.gpu === null) return null;
  const { count, memoryGib } = shape.gpu;
  // A socket hints at NVLink but nothing attests it.
  return { model: canonicalGpuModel(shape.gpu), count, memoryGib, interconnect: 'any' };
}
