import { spawn } from 'node:child_process';
import type { Ownership } from './owner';

/**
 * Reads from a pipe that only this process writes to. A line means that all is in order; the end of the pipe means
 * that the process died, whatever it died of. Then the server is told to stop, every half second and with rising
 * force, until it is gone or the data folder has a new owner, which stops what it finds by itself.
 */
const SCRIPT = `
read -r line && exit 0
token=$1 owner=$2 pidfile=$3 signal=INT seen=no n=0
while [ "$n" -lt 60 ] && grep -q "$token" "$owner" 2>/dev/null; do
  pid=$(head -n 1 "$pidfile" 2>/dev/null)
  if [ -n "$pid" ]; then seen=yes; kill "-$signal" "$pid" 2>/dev/null || exit 0
  elif [ "$seen" = yes ] || [ "$n" -ge 8 ]; then exit 0
  fi
  n=$((n + 1))
  if [ "$n" -ge 40 ]; then signal=KILL; elif [ "$n" -ge 20 ]; then signal=QUIT; fi
  sleep 0.5
done
`;

/** A tiny process that outlives this one just long enough to stop the server. */
export interface Watchdog {
  readonly pid: number | undefined;
  dismiss(): void;
}

/** Guard the server whose pid is in `pidFile` against the death of this process. */
export function setWatchdog(ownership: Ownership, pidFile: string): Watchdog {
  const args = ['-c', SCRIPT, 'fairlead-watchdog', ownership.token, ownership.file, pidFile];
  const child = spawn('/bin/sh', args, {
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  return { pid: child.pid, dismiss: () => void child.stdin.end('done\n') };
}
