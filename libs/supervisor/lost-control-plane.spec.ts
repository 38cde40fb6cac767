import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openBench, textOf, until, type Bench, type Shell } from './testing/run-bootstrap';

jest.setTimeout(30_000);

const sh: Shell = { name: 'sh', argv: ['sh'] };
const shell = (text: string): readonly string[] => ['sh', '-c', text];

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

describe('without a control plane', () => {
  it('runs on, and delivers everything in order once it is back', async () => {
    const running = bench.start(sh, {
      command: shell('for i in $(seq 1 40); do echo line $i; sleep 0.05; done; exit 5'),
    });
    const { controlPlane } = bench;
    await until('the first lines arrive', () => controlPlane.logs().includes('line 3\n'));
    await controlPlane.goDown();
    await delay(2_500);
    expect(running.child.exitCode).toBeNull();
    await controlPlane.comeBack();
    await running.exitCode;

    const lines = Array.from({ length: 40 }, (_, index) => `line ${index + 1}\n`);
    expect(controlPlane.logs().toString()).toBe(lines.join(''));
    expect(controlPlane.exits).toMatchObject([{ code: 5, reason: 'exited' }]);
  });

  it('survives answers of 503 in the same way', async () => {
    const running = bench.start(sh, { command: shell('echo one; sleep 0.5; echo two') });
    await until('the first line arrives', () => bench.controlPlane.logs().includes('one'));
    bench.controlPlane.script.refuseWith = 503;
    await delay(1_000);
    expect(bench.controlPlane.exits).toEqual([]);
    bench.controlPlane.script.refuseWith = null;
    await running.exitCode;
    expect(bench.controlPlane.logs().toString()).toBe('one\ntwo\n');
    expect(bench.controlPlane.exits).toMatchObject([{ code: 0, reason: 'exited' }]);
  });

  it('gives up its lease after a while: a checkpoint on disk, the workload gone, the machine ended', async () => {
    const running = bench.start(sh, {
      command: shell(
        'trap "echo last >../last; exit 0" TERM; echo ready; while :; do sleep 0.1; done',
      ),
      giveUpAfterMs: 1_000,
    });
    await until('the workload is ready', () => bench.controlPlane.logs().includes('ready'));
    await bench.controlPlane.goDown();
    expect(await running.exitCode).toBe(0);
    expect(textOf(join(bench.directory, 'last'))).toBe('last\n');
    expect(running.console()).toContain('(lost-control-plane)');
    expect(running.console()).toContain('the exit could not be reported');
  });

  it('never starts when nobody could be asked, and ends', async () => {
    await bench.controlPlane.goDown();
    const running = bench.start(sh, { command: shell('touch ../ran'), giveUpAfterMs: 600 });
    expect(await running.exitCode).toBe(1);
    expect(readdirSync(bench.directory)).not.toContain('ran');
  });

  it('bounds what it buffers: the first and the last lines stay, a line tells what was dropped', async () => {
    const { controlPlane, directory } = bench;
    const text =
      'echo first; while [ ! -e ../down ]; do sleep 0.05; done; ' +
      'yes 0123456789012345678901234567890123456789 | head -c 12000000; echo; echo last; touch ../written; ' +
      'while [ ! -e ../up ]; do sleep 0.05; done';
    const running = bench.start(sh, { command: shell(text), logBufferBytes: 1_000_000 });
    await until('the first line arrives', () => controlPlane.logs().includes('first'));
    await controlPlane.goDown();
    bench.touch('down');
    await until('all is written', () => readdirSync(directory).includes('written'));
    await until('the buffer is in bounds', () => bytesBelow(join(directory, 'tmp')) < 1_300_000);
    await controlPlane.comeBack();
    bench.touch('up');
    await running.exitCode;

    const log = controlPlane.logs().toString();
    expect(log.startsWith('first\n0123')).toBe(true);
    expect(log.endsWith('\nlast\n')).toBe(true);
    expect(log).toMatch(/\n\[fairlead: \d+ bytes of output dropped\]\n/);
    const dropped = Number(/(\d+) bytes of output dropped/.exec(log)?.[1]);
    const marker = `\n[fairlead: ${dropped} bytes of output dropped]\n`;
    expect(log.length - marker.length + dropped).toBe(
      'first\n'.length + 12_000_000 + '\nlast\n'.length,
    );
  });
});

describe('much output', () => {
  it('gets 10 MB through, byte for byte', async () => {
    const node = process.execPath;
    const program =
      'const b = Buffer.alloc(1e7); let x = 1; for (let i = 0; i < 1e7; i++) { x = (x * 48271) % 2147483647; b[i] = x & 255; } ' +
      'require("fs").writeSync(2, ""); process.stdout.write(b);';
    const running = bench.start(sh, { command: [node, '-e', program] });
    expect(await running.exitCode).toBe(0);
    expect(bench.controlPlane.logs().equals(pseudoRandomBytes(1e7))).toBe(true);
    expect(bench.controlPlane.exits).toMatchObject([{ code: 0, reason: 'exited' }]);
  });
});

function pseudoRandomBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  let x = 1;
  for (let index = 0; index < count; index++) {
    x = (x * 48271) % 2147483647;
    bytes[index] = x & 255;
  }
  return bytes;
}

function bytesBelow(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const sizes = entries.map((entry) => sizeOf(join(entry.parentPath, entry.name)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
