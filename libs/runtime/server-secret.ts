import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { types } from 'node:util';
import { ConfigError, type BaseConfig } from './config';
import { Secret } from './secret';

const SECRET_BYTES = 32;
const MIN_CHARACTERS = 32;

/**
 * The secret of this installation: the one that was configured, or the one in the data folder, made on first use
 * and readable by its owner alone. Processes that start together get the same one.
 */
export async function serverSecret(
  config: Pick<BaseConfig, 'secret' | 'dataDir'>,
): Promise<Secret> {
  if (config.secret !== undefined) return config.secret;
  const file = join(config.dataDir, 'secret');
  const kept = (await readIfThere(file)) ?? (await make(config.dataDir, file));
  if (kept.length < MIN_CHARACTERS) {
    throw new ConfigError([
      `${file}: holds no usable secret; delete it to have a new one made, which makes tokens that are in use invalid`,
    ]);
  }
  return new Secret(kept);
}

async function make(dataDir: string, file: string): Promise<string> {
  await mkdir(dataDir, { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  const text = randomBytes(SECRET_BYTES).toString('base64url');
  await writeFile(draft, `${text}\n`, { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, file);
    return text;
  } catch (error) {
    const winner = await readIfThere(file);
    if (winner === null) throw error;
    return winner;
  } finally {
    await rm(draft, { force: true });
  }
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (types.isNativeError(error) && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
