import { answering, platformSchema } from '#libs/platform';

export const configSchema = platformSchema.extend(answering('health-monitor').shape);
