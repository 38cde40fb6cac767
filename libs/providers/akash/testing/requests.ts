import { z } from 'zod';
import { ApiError } from './api-error';

const hours = z.number().int().min(1).max(48);
export const createSchema = z.object({
  data: z.object({
    sdl: z.string(),
    deposit: z.number().optional(),
    name: z.string().trim().min(1).max(256).optional(),
    runtimeLimitHours: hours.optional(),
  }),
});
export const leaseSchema = z.object({
  leases: z
    .array(
      z.object({
        dseq: z.union([z.string(), z.number()]).transform(String),
        gseq: z.number().int(),
        oseq: z.number().int(),
        provider: z.string(),
      }),
    )
    .min(1),
  manifest: z.string().optional(),
});
const quantity = z.object({ val: z.string().regex(/^\d+$/) });
export const screeningSchema = z.object({
  requirements: z.object({
    signedBy: z.object({ allOf: z.array(z.string()), anyOf: z.array(z.string()) }),
    attributes: z.array(z.object({ key: z.string(), value: z.string() })),
  }),
  resources: z
    .array(
      z.object({
        resource: z.object({
          id: z.number(),
          cpu: z.object({ units: quantity }),
          memory: z.object({ quantity }),
          gpu: z.object({
            units: quantity,
            attributes: z.array(z.object({ key: z.string(), value: z.string() })),
          }),
          storage: z.array(z.object({ name: z.string(), quantity })),
        }),
        count: z.number().int().positive(),
        price: z.object({ denom: z.string(), amount: z.string().regex(/^\d+$/) }),
      }),
    )
    .min(1),
  timezone: z.string().min(1),
});

/** The GPU in an attribute key such as `vendor/nvidia/model/h100/ram/80Gi`; later segments may be missing. */
export function gpuFromKey(key: string) {
  const parts = key.split('/');
  const after = (word: string) => parts[parts.indexOf(word) + 1];
  const ram = parts.includes('ram') ? after('ram') : undefined;
  const socket = parts.includes('interface') ? after('interface') : undefined;
  return {
    model: after('model') ?? '',
    ram,
    interface: socket === 'sxm' || socket === 'pcie' ? socket : undefined,
  } as const;
}

export const invalid = (data: unknown) =>
  new ApiError(400, 'validation_error', 'Validation error', { data });

/** The body in its shape, or the refusal that lists what is wrong with it. */
export function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (!parsed.success)
    throw invalid(parsed.error.issues.map(({ path, message }) => ({ path, message })));
  return parsed.data;
}
