import { z } from 'zod';
import { emulations } from './open-providers';

/** The longest that anything that is deleted by age can be kept: a hundred years. */
const MAX_DAYS = 36_500;

const days = (byDefault: number) => z.coerce.number().int().min(1).max(MAX_DAYS).default(byDefault);

/** What a process that works on jobs can be told, besides what every process can. */
export const platformSchema = z.object({
  /** Whether providers without credentials are emulated on this machine: where none is live, beside live ones too, or never. */
  emulate: z.enum(emulations).default('auto').meta({ env: 'FAIRLEAD_EMULATE' }),
  /** How lifelike the waits of emulated providers are: 1 is real time, 0.05 suits a demonstration. */
  emulatorDelayFactor: z.coerce.number().min(0).max(1).default(0.2),
  /** How often the supervisor of a workload says that it is alive. */
  heartbeatSeconds: z.coerce.number().int().min(1).max(60).default(10),
  dbPoolSize: z.coerce.number().int().min(2).max(200).default(10),
  /** For how many days events are kept. */
  keepEventsDays: days(90),
  /** For how many days after the end of a job its decisions are kept. */
  keepDecisionsDays: days(90),
  /** For how many days replaced offers are kept; longer where a kept decision was made from them. */
  keepOffersDays: days(90),
  /** For how many days each change of a price is kept. */
  keepPricePointsDays: days(14),
  /** For how many days the lowest, middle and highest price of each day are kept, and the rates of tokens and currencies. */
  keepPriceDaysDays: days(730),
  /** For how many days after their end suspensions are kept. */
  keepSuspensionsDays: days(30),
  /** For how many days a repeated submission is recognised. */
  keepIdempotencyKeysDays: days(7),
  /** For how many days after the end of a job its logs and artifacts are kept. */
  keepOutputsDays: days(30),
});
export type PlatformConfig = z.output<typeof platformSchema>;
