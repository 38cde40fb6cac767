import { z } from 'zod';

/** What a process that works on jobs can be told, besides what every process can. */
export const platformSchema = z.object({
  /** Whether providers without credentials are emulated on this machine, or left out. */
  emulate: z
    .enum(['yes', 'no'])
    .default('yes')
    .transform((text) => text === 'yes')
    .meta({ env: 'FAIRLEAD_EMULATE' }),
  /** How lifelike the waits of emulated providers are: 1 is real time, 0.05 suits a demonstration. */
  emulatorDelayFactor: z.coerce.number().min(0).max(1).default(0.2),
  /** How often the supervisor of a workload says that it is alive. */
  heartbeatSeconds: z.coerce.number().int().min(1).max(60).default(10),
  dbPoolSize: z.coerce.number().int().min(2).max(200).default(10),
});
export type PlatformConfig = z.output<typeof platformSchema>;
