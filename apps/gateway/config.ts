import { askingSchema, platformSchema } from '#libs/platform';

export const configSchema = platformSchema.extend(askingSchema.shape);
