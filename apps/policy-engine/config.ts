import { answering, platformSchema } from '#libs/platform';

export const configSchema = platformSchema.extend(answering('policy-engine').shape);
