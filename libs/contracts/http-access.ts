import { z } from 'zod';
import { listOf, time } from './http-shapes';
import { roles } from './roles';

const MAX_PROJECTS = 100;

const keyFields = {
  id: z.string().meta({ examples: ['key-019aa5c2f3b07e31'] }),
  name: z.string(),
  roles: z.array(z.string()),
  projects: z
    .array(z.string())
    .nullable()
    .meta({ description: 'The only projects it sees; null is all.' }),
  createdAt: time('When it was made.'),
  createdBy: z.string(),
};

export const apiKeyViewSchema = z
  .object({ ...keyFields, revokedAt: time('When it stopped to work.').nullable() })
  .meta({ id: 'ApiKey' });
export type ApiKeyView = z.infer<typeof apiKeyViewSchema>;
export const apiKeyListSchema = listOf(apiKeyViewSchema).meta({ id: 'ApiKeyList' });

export const newApiKeySchema = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(100)
      .meta({ examples: ['ci'] }),
    roles: z
      .array(z.enum(roles))
      .min(1)
      .meta({ examples: [['submitter']] }),
    projects: z
      .array(z.string().min(1).max(63))
      .min(1)
      .max(MAX_PROJECTS)
      .nullable()
      .prefault(null)
      .meta({ description: 'The only projects it may see; null is all.', examples: [['vision']] }),
  })
  .meta({ id: 'NewApiKey', examples: [{ name: 'ci', roles: ['submitter'], projects: null }] });

export const createdApiKeySchema = z
  .object({
    ...keyFields,
    key: z.string().meta({ description: 'The key itself. It is shown this once only.' }),
  })
  .meta({ id: 'CreatedApiKey' });
export type CreatedApiKeyView = z.infer<typeof createdApiKeySchema>;

export const beatSchema = z
  .strictObject({ bootId: z.string().min(1).max(200) })
  .meta({ id: 'SupervisorBeat', examples: [{ bootId: 'b7b1f3a0-7c3e-4c6e-9a55-1f3f1a2b3c4d' }] });
