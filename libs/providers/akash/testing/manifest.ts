import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import { z } from 'zod';
import { ApiError } from './api-error';

const size = z.string().regex(/^\d+(?:\.\d+)?(?:k|Ki|M|Mi|G|Gi|T|Ti)?$/);
const gpuModel = z.object({
  model: z.string(),
  ram: z.string().optional(),
  interface: z.enum(['pcie', 'sxm']).optional(),
});

const sdlSchema = z.object({
  version: z.enum(['2.0', '2.1']),
  services: z.record(
    z.string(),
    z.object({
      image: z.string().min(1),
      command: z.array(z.string()).optional(),
      args: z.array(z.string()).optional(),
      env: z.array(z.string()).optional(),
      expose: z
        .array(
          z.object({
            port: z.number().int().min(1).max(65_535),
            as: z.number().int().optional(),
            proto: z.string().optional(),
            to: z.array(z.object({ global: z.boolean().optional() })).optional(),
          }),
        )
        .optional(),
    }),
  ),
  profiles: z.object({
    compute: z.record(
      z.string(),
      z.object({
        resources: z.object({
          cpu: z.object({ units: z.number().min(0.01).max(384) }),
          memory: z.object({ size }),
          storage: z.object({ size }),
          gpu: z
            .object({
              units: z.number().int().min(0).max(24),
              attributes: z
                .object({ vendor: z.object({ nvidia: z.array(gpuModel).nullable() }) })
                .optional(),
            })
            .optional(),
        }),
      }),
    ),
    placement: z.record(
      z.string(),
      z.object({
        signedBy: z
          .object({ anyOf: z.array(z.string()).optional(), allOf: z.array(z.string()).optional() })
          .optional(),
        pricing: z.record(
          z.string(),
          z.object({ denom: z.string(), amount: z.number().positive() }),
        ),
      }),
    ),
  }),
  deployment: z.record(
    z.string(),
    z.record(z.string(), z.object({ profile: z.string(), count: z.number().int().min(1).max(50) })),
  ),
});

export const ALLOWED_AUDITOR = 'akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63';
const UNIT_PRICE_LIMIT = 10_000_000;
const GIB = 1_073_741_824;
const UNITS: Readonly<Record<string, number>> = {
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: GIB,
  Ti: 1024 ** 4,
};

/** One group of one service: all that the emulated market sells. */
export interface OrderSpec {
  readonly manifest: string;
  /** Base64 SHA-256 of the manifest; it holds no price and no auditor. */
  readonly hash: string;
  readonly service: string;
  readonly group: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly hasGlobalService: boolean;
  readonly cpuUnits: number;
  readonly memoryGib: number;
  readonly diskGib: number;
  readonly gpuUnits: number;
  readonly gpuModels: readonly z.infer<typeof gpuModel>[];
  readonly maxUactPerBlock: number;
  readonly signedBy: { readonly anyOf: readonly string[]; readonly allOf: readonly string[] };
}

/** Reads an SDL as the Console does: refuses what the schema refuses, and leaves the provider to refuse the rest. */
export function readSdl(text: string): OrderSpec {
  const sdl = parseSdl(text);
  const [service, content] = only(sdl.services, 'service');
  const [group, placement] = only(sdl.profiles.placement, 'placement');
  const [, compute] = only(sdl.profiles.compute, 'compute profile');
  const [, pricing] = only(placement.pricing, 'price');
  const { cpu, memory, storage, gpu } = compute.resources;
  if (pricing.amount > UNIT_PRICE_LIMIT) throw invalid('Unit price exceeds the maximum');
  const gpuUnits = gpu?.units ?? 0;
  if (gpuUnits > 0 && gpu?.attributes === undefined) throw invalid('Invalid GPU attributes');
  if (gpuUnits === 0 && gpu?.attributes !== undefined) throw invalid('Invalid GPU attributes');
  const manifest = canonical([
    {
      name: group,
      services: [{ name: service, ...content, count: 1, resources: compute.resources }],
    },
  ]);
  return {
    manifest,
    hash: createHash('sha256').update(manifest).digest('base64'),
    service,
    group,
    command: content.command ?? [],
    args: content.args ?? [],
    env: Object.fromEntries((content.env ?? []).map(splitVariable)),
    hasGlobalService: (content.expose ?? []).some(({ to }) =>
      to?.some(({ global }) => global === true),
    ),
    cpuUnits: cpu.units,
    memoryGib: bytesOf(memory.size) / GIB,
    diskGib: bytesOf(storage.size) / GIB,
    gpuUnits,
    gpuModels: gpu?.attributes?.vendor.nvidia ?? [],
    maxUactPerBlock: pricing.amount,
    signedBy: {
      anyOf: [...(placement.signedBy?.anyOf ?? []), ALLOWED_AUDITOR],
      allOf: placement.signedBy?.allOf ?? [],
    },
  };
}

function parseSdl(text: string): z.infer<typeof sdlSchema> {
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    throw invalid('not YAML');
  }
  const parsed = sdlSchema.safeParse(document);
  if (!parsed.success)
    throw invalid(parsed.error.issues.map(({ path }) => path.join('.')).join(', '));
  return parsed.data;
}

function only<T>(record: Readonly<Record<string, T>>, what: string): readonly [string, T] {
  const [first, ...rest] = Object.entries(record);
  if (first === undefined || rest.length > 0) throw invalid(`expected one ${what}`);
  return first;
}

const invalid = (reason: string) => new ApiError(400, 'bad_request', `Invalid SDL: ${reason}`);

function splitVariable(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function bytesOf(text: string): number {
  const match = /^([\d.]+)(\D*)$/.exec(text);
  return Number(match?.[1] ?? 0) * (UNITS[match?.[2] ?? ''] ?? 1);
}

/** JSON with sorted keys, so that equal manifests have equal hashes. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`;
}
