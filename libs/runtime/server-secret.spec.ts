import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from './config';
import { Secret } from './secret';
import { serverSecret } from './server-secret';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-secret-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('makes a secret on first use, for the eyes of the owner, and finds it again', async () => {
  const dataDir = join(folder, 'new', '.fairlead');
  const secret = await serverSecret({ dataDir });
  expect(secret.reveal().length).toBeGreaterThanOrEqual(43);
  expect((await stat(join(dataDir, 'secret'))).mode & 0o777).toBe(0o600);
  expect((await serverSecret({ dataDir })).reveal()).toBe(secret.reveal());
});

it('gives processes that start together the same one, and leaves no drafts', async () => {
  const secrets = await Promise.all(
    Array.from({ length: 8 }, () => serverSecret({ dataDir: folder })),
  );
  expect(new Set(secrets.map((secret) => secret.reveal())).size).toBe(1);
  expect(await readdir(folder)).toEqual(['secret']);
});

it('takes the configured one and writes nothing', async () => {
  const secret = await serverSecret({ dataDir: folder, secret: new Secret('configured') });
  expect(secret.reveal()).toBe('configured');
  expect(await readdir(folder)).toEqual([]);
});

it('refuses a file that holds no usable secret', async () => {
  await writeFile(join(folder, 'secret'), 'tiny\n');
  await expect(serverSecret({ dataDir: folder })).rejects.toThrow(ConfigError);
});
