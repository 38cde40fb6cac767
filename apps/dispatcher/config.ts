import { answering, platformSchema } from '#libs/platform';

export const configSchema = platformSchema.extend(answering('dispatcher').shape);
