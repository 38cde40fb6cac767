import { shell } from './shell-text';

/** What runs, in order: find a client, ask, prepare, run, watch, deliver, report, end. Its own errors interest nobody. */
export const supervisorMain = shell`
exec 2>/dev/null
mask=$(umask)
umask 077
_main=\${$} why= _code=1 _work= _collector= _deliverer= _beater= _victim= _leave= fine= _child=
! sleep 0.0 || fine=1
_dir=$(mktemp -d "\${TMPDIR:-/tmp}/fairlead.XXXXXX") || _finish
mkdir "$_dir/log"
if command -v curl >/dev/null; then
  _client=curl
  printf 'header = "Authorization: Bearer %s"\nheader = "Accept: text/plain"\n' "$token" >"$_dir/auth"
else
  case $(wget --version 2>&1; wget --help 2>&1) in
    *GNU\ Wget*)
      _client=gnu
      printf 'header = Authorization: Bearer %s\nheader = Accept: text/plain\n' "$token" >"$_dir/auth"
      ;;
    *'-T SEC'*--post-file* | *--post-file*'-T SEC'*) _client='-q -T 60' ;;
    *--post-file*) _client=-q ;;
    *)
      _say 'needs curl, or a wget that knows --post-file, to report the exit: not starting'
      _finish
      ;;
  esac
fi
boot=$(cat /proc/sys/kernel/random/uuid || od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '{"bootId":"%s"}' "$boot" >"$_dir/boot"
now
echo $t >"$_dir/contact"
_deadline=$((t + max))

trap '_code=143; _finish' TERM INT
while :; do
  _persist verdict "$api/start" "$_dir/boot" $_json || {
    _say "may not start (answer $_status)"
    _code=1
    _finish
  }
  read -r _word _ <"$_dir/verdict"
  case $_word in
    run | resume) break ;;
    busy) ;;
    *)
      _say "not starting: $_word"
      _code=0
      _finish
      ;;
  esac
  now
  _code=1
  [ $t -lt $_deadline ] || _finish
  _nap $beat
done

echo 0 >"$_dir/sent"
: >"$_dir/log/0"
_heartbeat &
_beater=$!
_deliver &
_deliverer=$!
trap '_conclude 143 stopped' TERM INT
prepare || _abort 'the working directory could not be prepared'
inputs
[ -z "$ckName" ] || _restore || _abort 'the checkpoint could not be restored'
_gone && _conclude 1 lost-control-plane

{ echo "umask $mask"; launcher; } >"$_dir/launch"
mkfifo "$_dir/pipe"
trap 'why=\${why:-stopped}' TERM INT
_collect <"$_dir/pipe" &
_collector=$!
$(command -v setsid) sh "$_dir/launch" "$_dir" >"$_dir/pipe" 2>&1 </dev/null &
_work=$!
now
kill= due=$((t + every)) _saver=
while kill -0 $_work; do
  _nap $tick
  if [ -z "$why" ]; then
    if _gone; then
      why=lost-control-plane
    elif [ -e "$_dir/stop" ]; then
      why=stopped
    elif [ $t -gt $_deadline ]; then
      why=max-duration
    fi
  fi
  now
  if [ -n "$why" ]; then
    if [ -z "$kill" ]; then
      _hit TERM
      kill=$((t + grace))
    elif [ $t -gt $kill ]; then
      _hit KILL
      reap
    fi
  elif [ -n "$ckName" ]; then
    if [ -e "$_dir/checkpoint" ]; then
      rm -f "$_dir/checkpoint"
      due=$t
      [ -z "$saveSignal" ] || { kill -$saveSignal $_work && due=$((t + 100)); }
    fi
    if [ $t -ge $due ] && ! { [ -n "$_saver" ] && kill -0 $_saver; }; then
      due=$((t + every))
      { trap 'kill $_child; exit' TERM; save; } &
      _saver=$!
    fi
  fi
done
wait $_work
_code=$?
now
while [ -n "$why" ] && [ $t -lt $kill ] && kill -0 -$_work; do _nap $tick; now; done
kill -KILL -$_work

trap _leave=1 TERM INT
if [ -e "$_dir/failed" ] || [ $_code = "$badCode" ]; then
  why=start-failed
elif [ -z "$why" ]; then
  why=exited
  [ $_code -le 128 ] || [ $_code -gt 192 ] || why=signalled
fi
_ended=$_code
[ -z "$_saver" ] || { kill $_saver; wait $_saver; }
[ -z "$ckName" ] || save final
outputs
for try in 1 2 3 4 5 6 7 8 9 10; do [ -e "$_dir/eof" ] || _nap 20; done
_conclude $_ended $why
`;
