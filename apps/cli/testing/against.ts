import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStandIn, type Replies, type StandIn } from './stand-in';
import { fairlead, type Ran, type Wish } from './terminal';

let folder: string;
let open: StandIn[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-cli-'));
  writeFileSync(join(folder, 'job.yaml'), 'name: train\nimage: alpine\ncommand: [sh, run.sh]\n');
  writeFileSync(
    join(folder, 'local.yaml'),
    'name: train\nimage: alpine\ninputs: [{path: run.sh, uri: ./run.sh}]\n',
  );
  writeFileSync(join(folder, 'run.sh'), 'echo hello\n');
  writeFileSync(join(folder, 'broken.yaml'), 'name: [train\n');
  writeFileSync(join(folder, 'policy.json'), '{"name": "health-data"}');
  writeFileSync(join(folder, 'Reserved 2027.csv'), 'provider,region\nacme,north\n');
  writeFileSync(join(folder, 'sheet.yaml'), 'rows: [{provider: acme}]\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  const broken = open.flatMap((server) => server.broken);
  await Promise.all(open.map((server) => server.close()));
  open = [];
  expect(broken).toEqual([]);
});

/** Runs a command line against a server that answers so. What is asked or answered against the contract fails the test. */
export async function against(
  replies: Replies,
  argv: readonly string[],
  wish: Wish = {},
): Promise<Ran & Pick<StandIn, 'heard'>> {
  const server = await startStandIn(replies);
  open.push(server);
  const ran = await fairlead(argv, { url: server.url, cwd: folder, ...wish });
  return { ...ran, heard: server.heard };
}
