import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaseConfig, Runtime } from '#libs/runtime';
import type { ApiKeys } from '#libs/storage';
import { IssueApiKey } from './issue-api-key';

/** The file in the data folder that holds the first key; the command reads it when it is given no other. */
export const ADMIN_KEY_FILE = 'admin-key';

/** On an installation without API keys, make the first one and keep it where only its owner can read it. */
export async function ensureAdminKey(
  { config, ids, clock, log }: Runtime<BaseConfig>,
  apiKeys: ApiKeys,
): Promise<void> {
  if ((await apiKeys.list()).length > 0) return;
  const { key } = await new IssueApiKey(apiKeys, ids, clock).run(
    { name: 'first-admin', roles: ['admin'], projects: null },
    'bootstrap',
  );
  const file = join(config.dataDir, ADMIN_KEY_FILE);
  await mkdir(config.dataDir, { recursive: true });
  await writeFile(file, `${key}\n`, { mode: 0o600 });
  log.info({ file }, 'The first API key was made; it may do everything.');
}
