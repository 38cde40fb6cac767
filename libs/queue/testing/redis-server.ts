import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** A Redis that a test has started. */
export interface RedisServer {
  readonly url: string;
  stop(): Promise<void>;
}

const START_LIMIT = 5;

/** Ends the server when asked to by a line, and also when the process that started it dies. */
const GUARDED = 'redis-server "$@" & pid=$!; read -r _; kill -9 $pid; wait $pid';

/** Whether this machine has a Redis that tests can start. */
export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}

/** Start a Redis that keeps nothing, on a free port of the loopback. */
export async function startRedis(): Promise<RedisServer> {
  for (let tried = 0; tried < START_LIMIT; tried += 1) {
    const server = await startOn(await freePort());
    if (server !== null) return server;
  }
  throw new Error('redis-server does not start');
}

async function startOn(port: number): Promise<RedisServer | null> {
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn('/bin/sh', ['-c', GUARDED, 'redis', ...options], {
    stdio: ['pipe', 'pipe', 'ignore'],
    cwd: '/',
  });
  child.stdin.on('error', () => undefined);
  const exited = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) {
    if (line.includes('Ready to accept connections')) {
      child.stdout.resume();
      return {
        url: `redis://127.0.0.1:${port}`,
        stop: async () => {
          child.stdin.end('stop\n');
          await exited;
        },
      };
    }
    if (line.includes('Failed listening') || line.includes('in use')) break;
  }
  child.stdin.end('stop\n');
  await exited;
  return null;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
