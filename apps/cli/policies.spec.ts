import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asProviderId } from '#libs/domain';
import { fakeOffers } from '#libs/testkit';
import { startGateway, type Gateway } from '../gateway/testing/gateway-harness';
import { exitCodes } from './exit-codes';
import { fairlead, type Ran, type Wish } from './testing/terminal';

/** Policies kept in a folder, against the real gateway and the policy engine's own answers. */
let gateway: Gateway;
let url: string;
let folder: string;
const keys = new Map<string, string>();

beforeAll(async () => {
  gateway = await startGateway();
  for (const role of ['ops', 'admin'] as const)
    keys.set(role, (await gateway.keyFor([role])).replace('Bearer ', ''));
  await gateway.storage.offers.replace(asProviderId('memory'), fakeOffers, gateway.clock.nowMs());
  await gateway.app.listen(0, '127.0.0.1');
  const { port } = gateway.app.getHttpServer().address() as AddressInfo;
  url = `http://127.0.0.1:${port}`;
  folder = mkdtempSync(join(tmpdir(), 'fairlead-cli-policies-'));
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

const router = (
  argv: readonly string[],
  who: 'ops' | 'admin' = 'ops',
  wish: Wish = {},
): Promise<Ran> =>
  fairlead(['policies', ...argv], {
    url,
    cwd: folder,
    env: { FAIRLEAD_API_KEY: keys.get(who) ?? '' },
    ...wish,
  });

/** A folder with one file for each text. */
function written(name: string, documents: Readonly<Record<string, string>>): string {
  mkdirSync(join(folder, name), { recursive: true });
  for (const [file, text] of Object.entries(documents))
    writeFileSync(join(folder, name, file), text);
  return name;
}
const policy = (name: string, because = 'of surprises', price = '$3.00') =>
  [
    `name: ${name}`,
    'description: |',
    '  Two lines,',
    '  kept as they are.',
    'rules:',
    `  - { id: no-spot, forbid: offer.interruptible, because: ${because} }`,
    `preferences: { training: { waitingCostPerHour: ${price} } }`,
    'scope: { projects: ["vis*", lab] }',
    'priority: 3',
    '',
  ].join('\n');

it('applies a folder, shows what it would do before, and does nothing the second time', async () => {
  const dir = written('git', {
    'a.yaml': policy('acme'),
    'b.json': '{"name": "beta", "rules": []}',
    'README.md': 'not a policy',
    '.hidden.yaml': 'name: [',
  });
  const diff = await router(['diff', '-f', dir]);
  expect(diff.stdout).toContain('+ acme version 1 would be active');
  expect(diff.stdout).toContain('nothing was done');
  expect((await router(['apply', '-f', dir, '--dry-run'])).stdout).toBe(diff.stdout);
  const applied = await router(['apply', '-f', dir, '--comment', 'first commit']);
  expect([applied.exitCode, applied.stdout]).toEqual([
    0,
    '+ acme version 1 is active\n+ beta version 1 is active\n2 changes, 0 the same\n',
  ]);
  expect((await router(['apply', '-f', dir])).stdout).toBe('0 changes, 2 the same\n');
  written('git', { 'a.yaml': policy('acme', 'of surprises', '$4.00') });
  const changed = await router(['apply', '-f', dir]);
  expect(changed.stdout).toContain('~ acme version 2 is active');
  expect(changed.stdout).toContain('/preferences/training/waitingCostPerHour');
  expect((await router(['history', 'acme'])).stdout).toContain('first commit');
});

it('writes what is in force so that applying it changes nothing, byte for byte the same each time', async () => {
  expect((await router(['export', '-o', 'out'])).exitCode).toBe(0);
  const read = () =>
    readdirSync(join(folder, 'out')).map((name) => [
      name,
      readFileSync(join(folder, 'out', name), 'utf8'),
    ]);
  const first = read();
  expect(first.map(([name]) => name)).toEqual(['acme.yaml', 'beta.yaml']);
  const applied = await router(['apply', '-f', 'out', '--prune', '--json']);
  const { policies } = JSON.parse(applied.stdout) as { policies: { change: string }[] };
  expect(policies.map(({ change }) => change)).toEqual(['none', 'none']);
  await router(['export', '-o', 'out']);
  expect(read()).toEqual(first);
});

it('ends what is no longer in the folder only when told to', async () => {
  const dir = written('small', { 'a.yaml': policy('acme', 'of surprises', '$4.00') });
  expect((await router(['apply', '-f', dir])).stdout).toBe('0 changes, 1 the same\n');
  const pruned = await router(['apply', '-f', dir, '--prune']);
  expect(pruned.stdout).toContain('- beta version 1 is retired');
});

it('says in which file the mistakes are, and applies nothing of it', async () => {
  const dir = written('bad', {
    'fine.yaml': policy('fine'),
    'typo.yaml': 'nmae: typo\nrules: []\n',
    'wrong.yaml': policy('wrong').replace('offer.interruptible', 'offer.regoin == 3.0'),
  });
  const typo = await router(['apply', '-f', dir]);
  expect(typo.exitCode).toBe(exitCodes.refused.code);
  expect(typo.stderr).toContain(`${join('bad', 'typo.yaml')}:/nmae`);
  rmSync(join(folder, 'bad', 'typo.yaml'));
  expect((await router(['apply', '-f', dir])).stderr).toContain('policy wrong: unknown field');
  expect((await router(['history', 'fine'])).exitCode).toBe(exitCodes['not-found'].code);
  expect((await router(['apply', '-f', 'nowhere'])).exitCode).toBe(exitCodes.usage.code);
});

it('waits for somebody else where the installation asks for it', async () => {
  expect((await router(['settings', '--require-approval', 'yes'])).exitCode).toBe(
    exitCodes.auth.code,
  );
  expect((await router(['settings', '--require-approval', 'yes'], 'admin')).stdout).toContain(
    'needs a second person',
  );
  const dir = written('strict', { 'a.yaml': policy('acme', 'a better reason') });
  const applied = await router(['apply', '-f', dir]);
  expect(applied.stdout).toContain('~ acme version 3 is awaiting-approval');
  expect(applied.stdout).toContain('fairlead policies approve acme 3');
  const own = await router(['approve', 'acme']);
  expect([own.exitCode, own.stderr]).toEqual([
    exitCodes.refused.code,
    expect.stringContaining('ask somebody who neither wrote nor proposed it'),
  ]);
  expect((await router(['approve', 'acme'], 'admin')).stdout).toContain(
    'acme version 3 is in force',
  );
  expect((await router(['settings', '--require-approval', 'no'], 'admin')).exitCode).toBe(0);
  expect((await router(['rollback', 'acme'])).stdout).toContain('acme version 2 is in force');
  expect((await router(['rollback', 'acme', '--to', '1'])).stdout).toContain('version 1');
  const later = await router(['schedule', 'acme', '2', '--at', '2030-01-01T00:00:00Z']);
  expect(later.exitCode).toBe(exitCodes.refused.code);
  expect((await router(['diff', 'acme', '--from', '1', '--to', '2'])).stdout).toContain(
    '+ 4.00 USD',
  );
});

it('tries a draft out on the last decisions', async () => {
  const dir = written('try', { 'a.yaml': policy('acme', 'another reason') });
  const text = await router(['what-if', join(dir, 'a.yaml'), '--last', '10']);
  expect([text.exitCode, text.stdout]).toEqual([
    0,
    expect.stringContaining('made again under acme'),
  ]);
  const report = await router(['what-if', join(dir, 'a.yaml'), '--json']);
  expect(JSON.parse(report.stdout)).toMatchObject({ name: 'acme', replaces: 1, considered: 0 });
  expect((await router(['what-if', join(dir, 'a.yaml'), '--last', '5000'])).exitCode).toBe(
    exitCodes.usage.code,
  );
});
