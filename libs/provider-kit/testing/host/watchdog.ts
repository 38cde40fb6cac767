import { MARK_VARIABLE } from './marked-processes';
import { shellText } from './shell-text';

/**
 * Runs a guest and lives no longer than the pipe on its standard input, which the emulator holds: when the emulator
 * dies, however it dies, the guest's processes are killed. Arguments: mark, guest script, kind, folder for notes.
 * A container's watchdog ends with the guest's exit code; a machine's stays until SIGTERM, which `poweroff` sends.
 */
export const watchdogScript = shellText`
mark=$1 script=$2 kind=$3 notes=$4
exec 3<&0 </dev/null

marked() {
  if [ -e /proc/self/environ ]; then
    grep -lsF "${MARK_VARIABLE}=$mark" /proc/[0-9]*/environ | tr -dc '0-9\n'
  else
    ps -axwwE -o pid= -o command= | grep -F "${MARK_VARIABLE}=$mark" | sed 's/^ *\([0-9]*\).*/\1/'
  fi
}

sweep() {
  for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    found=$(marked)
    [ -n "$found" ] || break
    kill -9 $found
  done 2>/dev/null
}

(
  cat <&3 >/dev/null &
  trap 'kill $!; exit' TERM
  wait $!
  sweep
  kill -9 $$
) &
lifeline=$!
exec 3<&-
trap 'trap "" TERM; sweep; kill $lifeline; exit 0' TERM
echo $$ >"$notes/watchdog"

${MARK_VARIABLE}=$mark sh "$script" &
guest=$!
echo $guest >"$notes/guest"
wait $guest
code=$?
echo $code >>"$notes/codes"
if [ "$kind" = container ]; then
  sweep
  kill $lifeline
  exit $code
fi
while :; do wait $lifeline; done
`;
