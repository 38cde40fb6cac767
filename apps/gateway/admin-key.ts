import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaseConfig, Runtime } from '#libs/runtime';
import type { ApiKeys } from '#libs/storage';
import { IssueApiKey } from './issue-api-key';

/** The file in the data folder that holds the first key; the command reads it when it is given no other. */
export const ADMIN_KEY_FILE = 'admin-key';
const OWNER_ONLY = 0o600;

/**
 * On an installation where no API key works, make one and keep it where only its owner can read it. The file comes first:
 * whoever stops in between leaves a key that nobody knows of, and the next start makes another one in its place.
 */
export async function ensureAdminKey(
  { config, ids, clock, log }: Pick<Runtime<BaseConfig>, 'config' | 'ids' | 'clock' | 'log'>,
  apiKeys: ApiKeys,
): Promise<void> {
  if ((await apiKeys.list()).some(({ revokedAtMs }) => revokedAtMs === null)) return;
  const { stored, key } = new IssueApiKey(apiKeys, ids, clock).draft(
    { name: 'first-admin', roles: ['admin'], projects: null },
    'bootstrap',
  );
  const file = join(config.dataDir, ADMIN_KEY_FILE);
  await mkdir(config.dataDir, { recursive: true });
  await replaceFile(file, `${file}.${stored.id}`, `${key}\n`);
  await apiKeys.create(stored);
  log.info({ file }, 'The first API key was made; it may do everything.');
}

/** The file is whole and its owner's at any time, whatever there was in its place. */
async function replaceFile(file: string, draft: string, text: string): Promise<void> {
  await rm(draft, { force: true });
  await writeFile(draft, text, { mode: OWNER_ONLY, flag: 'wx' });
  await chmod(draft, OWNER_ONLY);
  await rename(draft, file);
}
