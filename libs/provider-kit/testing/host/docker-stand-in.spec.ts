import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createHostPark, type HostHandle, type HostPark } from './host-park';

jest.setTimeout(20_000);

const POLL_MS = 20;
const LONGEST_WAIT_MS = 10_000;

let rootDir: string;
let park: HostPark;
let booted = 0;

beforeAll(() => {
  rootDir = mkdtempSync(join(tmpdir(), 'fairlead-docker-'));
  park = createHostPark({ rootDir });
});
afterAll(async () => {
  await park.closeAll();
  rmSync(rootDir, { recursive: true, force: true });
});

function boot(script: string, env: Readonly<Record<string, string>> = {}): HostHandle {
  booted += 1;
  return park.boot({
    hostId: `machine-${booted}`,
    script,
    kind: 'vm',
    restart: 'never',
    env,
    missingImages: ['no/such:1', 'absent:latest'],
  });
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < LONGEST_WAIT_MS; waitedMs += POLL_MS) {
    if (holds()) return;
    await delay(POLL_MS);
  }
  throw new Error(`waited in vain until ${what}`);
}

/** What a script prints on a machine, from start to end. */
async function output(script: string, env?: Readonly<Record<string, string>>): Promise<string> {
  const end = '[end of script]\n';
  const host = boot(`(\n${script}\n)\necho '${end.trim()}'`, env);
  await until('the script has ended', () => host.consoleOutput().endsWith(end));
  return host.consoleOutput().slice(0, -end.length);
}

const GPUS = { FAIRLEAD_EMULATED_GPU: 'NVIDIA H100 80GB HBM3, 8' };

describe('docker run', () => {
  it('gives back the exit code of the command, and its output on both streams', async () => {
    const text = await output(
      'docker run --rm img sh -c "echo out; echo err >&2; exit 42" 2>err; echo $?; cat err; docker run img sh -c \'kill -9 $$\'; echo $?',
    );
    expect(text).toBe('out\n42\nerr\n137\n');
  });

  it('starts in the mounted directory, so that relative paths lead to the machine', async () => {
    const text = await output(
      'mkdir w; echo hi >w/in; docker run --rm -v "$PWD/w:/workspace:rw" -w /workspace/sub/.. img sh -c "cat in >out; echo \\$FAIRLEAD_ROOT"; cat w/out',
    );
    expect(text).toMatch(/\/containers\/[0-9a-f]{12}\/root\nhi\n$/);
  });

  it('passes the environment it is told to, and nothing else of the machine', async () => {
    const text = await output(
      `export PASSED='two
lines
' SECRET=hidden
printf '%s\\n' '# comment' 'FILE= spaced = value ' 'QUOTE="x"' >env
docker run --rm -e GIVEN='a b=c' -e PASSED --env=SHORT=1 --env-file env img env`,
    );
    expect(text).toContain('GIVEN=a b=c\n');
    expect(text).toContain('PASSED=two\nlines\n\n');
    expect(text).toContain('SHORT=1\n');
    expect(text).toContain('FILE= spaced = value \nQUOTE="x"\n');
    expect(text).not.toContain('hidden');
    expect(text).not.toContain('comment');
  });

  it('hands arguments on as they are, after the entrypoint', async () => {
    const text = await output(
      `docker run --rm --entrypoint printf -e A=1 --shm-size 1g --network host --init img '<%s>' 'a b' '' "x'y" '--rm' '*'`,
    );
    expect(text).toBe("<a b><><x'y><--rm><*>");
  });

  it('forwards SIGTERM to the command', async () => {
    const text = await output(
      'docker run --name c img sh -c "trap \'echo saved; exit 5\' TERM; echo >ready; while :; do sleep 0.05; done" & ' +
        'while ! docker inspect c >/dev/null 2>&1 || [ ! -e "$FAIRLEAD_ROOT/../containers/c/root/ready" ]; do sleep 0.05; done; ' +
        'kill $!; wait $!; echo $?; docker inspect -f "{{.State.ExitCode}}" c',
    );
    expect(text).toBe('saved\n5\n5\n');
  });

  it.each([
    {
      script: 'docker run no/such:1 true',
      code: 125,
      text: 'manifest for no/such:1 not found: manifest unknown',
    },
    { script: 'docker run absent true', code: 125, text: "Unable to find image 'absent' locally" },
    { script: 'docker pull -q no/such:1', code: 1, text: 'manifest unknown' },
    {
      script: 'docker run img no-such-program',
      code: 127,
      text: '"no-such-program": executable file not found',
    },
    {
      script: 'docker run --no-such-flag img true',
      code: 125,
      text: 'unknown flag: --no-such-flag',
    },
    { script: 'docker run --gpus all img true', code: 125, text: 'could not select device driver' },
    {
      script: 'docker run -d --name n img sleep 9; docker run --name n img true',
      code: 125,
      text: 'Conflict',
    },
    { script: 'docker kill nobody', code: 1, text: 'No such container: nobody' },
    { script: 'docker frobnicate', code: 1, text: "'frobnicate' is not a docker command" },
  ])('fails as docker does: $script', async ({ script, code, text }) => {
    const printed = await output(`${script}; echo "code $?"`);
    expect(printed).toContain(text);
    expect(printed).toContain(`code ${code}\n`);
  });

  it('kills what the command leaves behind, and cannot touch the power', async () => {
    const text = await output(
      'docker run --rm -v "$PWD:/w" -w /w img sh -c "sleep 60 & echo \\$! >pid; poweroff; echo \\$?"; until ! ps -o stat= -p $(cat pid) | grep -v Z; do sleep 0.05; done; echo gone',
    );
    expect(text).toBe('a container cannot change the power of its machine\n1\ngone\n');
  });
});

describe('other docker commands', () => {
  it('follow a detached container from its start to its removal', async () => {
    const text = await output(
      'docker run -d --name d img sh -c "trap \'echo bye; exit 3\' TERM; echo hi; while :; do sleep 0.05; done" | wc -c; ' +
        'until docker logs d | grep -q hi; do sleep 0.05; done; docker inspect -f "{{.State.Status}}" d; docker rm d 2>&1 | wc -l; ' +
        'docker stop -t 5 d; docker inspect --format="{{.State.ExitCode}}" d; docker logs d; docker rm d; docker inspect d 2>&1',
    );
    expect(text).toBe('65\nrunning\n1\nd\n3\nhi\nbye\nd\nError: No such object: d\n');
  });

  it('stop kills what does not heed SIGTERM, kill sends what it is told to', async () => {
    const text = await output(
      'docker run -d --name a img sh -c "trap \'\' TERM; while :; do sleep 0.05; done" >id; docker stop -t 0 a; ' +
        'until docker inspect -f "{{.State.ExitCode}}" a | grep 137; do sleep 0.05; done; ' +
        'docker run -d --name b img sleep 60 >id; docker kill --signal=SIGHUP b; ' +
        'until docker inspect -f "{{.State.ExitCode}}" b | grep 129; do sleep 0.05; done; echo pw | docker login -u me --password-stdin',
    );
    expect(text).toBe('a\n137\nb\n129\nLogin Succeeded\n');
  });
});

describe('nvidia-smi', () => {
  const query = 'nvidia-smi --query-gpu=name,memory.total --format=csv,noheader';

  it('shows the GPUs of the machine', async () => {
    const lines = (await output(`nvidia-smi -L; ${query}`, GPUS)).trim().split('\n');
    expect(lines).toHaveLength(16);
    expect(lines[7]).toBe(
      'GPU 7: NVIDIA H100 80GB HBM3 (UUID: GPU-00000000-0000-0000-0000-000000000007)',
    );
    expect(lines[15]).toBe('NVIDIA H100 80GB HBM3, 81920 MiB');
  });

  it('shows a container those it was given, and says so where there are none', async () => {
    const text = await output(
      `docker run --gpus 2 img ${query}; docker run --gpus all img nvidia-smi -L | wc -l; docker run img sh -c 'echo "$FAIRLEAD_EMULATED_GPU."'`,
      GPUS,
    );
    expect(text).toBe('NVIDIA H100 80GB HBM3, 81920 MiB\nNVIDIA H100 80GB HBM3, 81920 MiB\n8\n.\n');
    expect(await output('nvidia-smi -L; echo $?')).toMatch(/couldn't communicate[^]*\n9\n$/);
  });
});
