import { shell } from './shell-text';

/**
 * The supervisor, in shell that dash, bash and busybox ash understand alike. `renderBootstrap` puts the settings, the
 * launcher and the lists of files in front of it and after it, and strips what is only there for the reader.
 *
 * Times are in centiseconds since boot, so that a clock set right after boot looks like nothing has happened.
 * Set before: api token max beat tick grace giveup every saveSignal onEnd logKib reads badCode ckName root.
 * Defined between: reap, prepare (which sets ckDir), inputs, outputs, launcher. Names that start with `_` are shortened.
 * Nothing here uses `$` twice in a row, see `shellQuote`.
 */
export const supervisorFunctions = shell`
_json=application/json _bytes=application/octet-stream _tarred=application/x-tar

# To the console, and into the log of the attempt while the workload has not begun to write there.
_say() {
  printf 'fairlead: %s\n' "$*"
  [ -n "$_work" ] || [ ! -e "$_dir/log/0" ] || printf 'fairlead: %s\n' "$*" >>"$_dir/log/0"
}

now() {
  if read -r t _ </proc/uptime; then
    t=$((\${t%.*} * 100 + 1\${t#*.} - 100))
  else
    t=$(date +%s)00
  fi
}

# Sleeps in the background and waits, because a trap only runs between commands or during a wait.
_nap() {
  if [ "$fine" ]; then
    sleep $(($1 / 100)).$(($1 / 10 % 10)) &
  else
    sleep $((($1 + 99) / 100)) &
  fi
  _child=$!
  wait $_child
}

_back() {
  _nap $_pause
  _pause=$((_pause * 2))
  [ $_pause -lt 1000 ] || _pause=1000
}

# True when nobody has answered for too long, or the attempt is over.
_gone() {
  now
  [ -e "$_dir/over" ] || { read -r last <"$_dir/contact" && [ $((t - last)) -gt $giveup ]; }
}

# request NAME URL [FILE TYPE]: sends one request. Sets status, 000 for no answer; the body is in $dir/NAME.
# The token goes to our own control plane only, and through a file so that no process list shows it.
_request() {
  out=$_dir/$1 url=$2 _body=\${3-} _type=\${4-} own=
  case $url in "$api"/*) own=1 ;; esac
  : >"$out"
  case $_client in
    curl)
      set -- curl -q -s -g -o "$out" -w '%{http_code}' --connect-timeout 20 -y 60 -Y 1
      if [ "$own" ]; then set -- "$@" -K "$_dir/auth"; else set -- "$@" -f -L; fi
      [ -z "$_body" ] || set -- "$@" -X POST -H Expect: -H "Content-Type: $_type" -T "$_body"
      ;;
    gnu)
      set -- wget -nv -S -t1 -T 60 -O "$out"
      [ -z "$own" ] || set -- "$@" --config="$_dir/auth"
      ;;
    *)
      set -- wget $_client -O "$out"
      [ -z "$own" ] || set -- "$@" --header "Authorization: Bearer $token" --header 'Accept: text/plain'
      ;;
  esac
  [ -z "$_body" ] || [ "$_client" = curl ] || set -- "$@" --header "Content-Type: $_type" --post-file "$_body"
  "$@" "$url" >"$out.out" 2>"$out.err" </dev/null &
  _child=$!
  while :; do
    wait $_child
    _code=$?
    kill -0 $_child || break
  done
  if [ "$_client" = curl ]; then
    read -r _status <"$out.out"
    [ $_code = 0 ] || case $_status in 4*) ;; *) _status=000 ;; esac
  elif [ $_code = 0 ]; then
    _status=200
  else
    _status=$(cat "$out.err")
    case $_status in
      *HTTP/*) _status=\${_status##*HTTP/} _status=\${_status#* } _status=\${_status%%[!0-9]*} ;;
      *) _status=000 ;;
    esac
  fi
  [ "$own" ] || return 0
  case $_status in
    401 | 403 | 410) : >"$_dir/over" ;;
    2* | 4*) now; echo $t >"$_dir/contact" ;;
  esac
}

# persist NAME URL [FILE TYPE]: repeats a request until it is answered for good. False when refused or given up.
_persist() {
  now
  _until=$((t + giveup)) _pause=$tick
  while :; do
    _request "$@"
    case $_status in
      2*) return 0 ;;
      408 | 429 | 5* | 000 | '') ;;
      *) return 1 ;;
    esac
    ! _gone && [ $t -lt $_until ] || return 1
    _back
  done
}

# Runs beside the workload and leaves what it hears as files, so that no slow request holds up the main loop.
_heartbeat() {
  trap '' TERM INT
  while kill -0 $_main && [ ! -e "$_dir/over" ]; do
    _request beat "$api/heartbeat" "$_dir/boot" $_json
    _word=
    case $_status in 2*) read -r _word _ <"$_dir/beat" ;; esac
    case $_word in stop | checkpoint) : >"$_dir/$_word" ;; esac
    _nap $beat
  done
}

# Cuts the output of the workload into numbered segments; one that has a successor is complete.
_collect() {
  trap '' TERM INT
  n=1
  while :; do
    if dd of="$_dir/log/$n" bs=65536 count=$reads; then
      [ -s "$_dir/log/$n" ] || break
    else
      _nap 100
    fi
    n=$((n + 1))
    _bound
  done
  : >"$_dir/eof"
}

# Over the limit, empties segments from the middle: what came first and what came last say most.
_bound() {
  set -- $(du -sk "$_dir/log")
  if [ $1 -le $((logKib / 2)) ]; then
    _victim=
  elif [ -z "$_victim" ]; then
    _victim=$n _mark=
  fi
  while [ $1 -gt $logKib ] && [ $_victim -lt $n ]; do
    read -r _sent <"$_dir/sent"
    if [ $_victim -gt $((_sent + 1)) ]; then
      [ -n "$_mark" ] && [ $_mark -gt $((_sent + 1)) ] || _mark=$_victim _lost=0
      _lost=$((_lost + $(wc -c <"$_dir/log/$_victim")))
      : >"$_dir/log/$_victim"
      printf '\n[fairlead: %s bytes of output dropped]\n' $_lost >"$_dir/log/$_mark"
    fi
    _victim=$((_victim + 1))
    set -- $(du -sk "$_dir/log")
  done
}

# Sends the segments in order. An empty chunk first asks where the stream stands: an earlier boot may have sent some.
_deliver() {
  trap '' TERM INT
  n=0 _skip=0 _offset= _pause=$tick
  while kill -0 $_main; do
    _ended= _next= _size=0
    [ ! -e "$_dir/eof" ] || _ended=1
    [ ! -e "$_dir/log/$((n + 1))" ] || _next=1
    : >"$_dir/chunk"
    if [ "$_offset" ]; then
      tail -c +$((_skip + 1)) "$_dir/log/$n" | head -c 65536 >"$_dir/chunk"
      _size=$(($(wc -c <"$_dir/chunk")))
      if [ $_size = 0 ]; then
        if [ "$_next" ]; then
          rm -f "$_dir/log/$n"
          n=$((n + 1)) _skip=0
          echo $n >"$_dir/sent"
        elif [ "$_ended" ]; then
          exit
        else
          _nap $tick
        fi
        continue
      fi
    fi
    _request ack "$api/logs?offset=\${_offset:-0}" "$_dir/chunk" $_bytes
    case $_status in
      2*)
        read -r _word _ <"$_dir/ack"
        case $_word in '' | *[!0-9]*) _word=$((\${_offset:-0} + _size)) ;; esac
        _moved=$((_word - \${_offset:-$_word}))
        [ $_moved -gt 0 ] || [ $_size = 0 ] || _nap $tick
        [ $_moved -le $_size ] || _moved=$_size
        _offset=$_word _skip=$((_skip + _moved)) _pause=$tick
        [ $_skip -ge 0 ] || _skip=0
        ;;
      401 | 403 | 410) exit ;;
      408 | 429 | 5* | 000 | '') _back ;;
      *) _skip=$((_skip + _size)) _offset=\${_offset:-0} ;;
    esac
  done
}

# pack FILE DIRECTORY NAME: a tar, or the bytes of a file where there is no tar. Sets type. Tar's 1 means "changed meanwhile".
_pack() {
  _type=$_tarred
  if command -v tar >/dev/null; then
    tar -cf "$1" -C "$2" "$3" || [ $? = 1 ]
  else
    _type=$_bytes
    cat "$2/$3" >"$1"
  fi
}

_signature() {
  { ls -lniR --full-time "$ckDir/$ckName" || ls -lniR "$ckDir/$ckName"; } | cksum
}

# save [final]: sends the checkpoint if it changed. While the workload runs, only one that did not change under our hands.
save() {
  [ -e "$ckDir/$ckName" ] || return 0
  for try in 1 2 3; do
    _seen=$(_signature)
    [ "$_seen" != "$(cat "$_dir/saved")" ] || return 0
    _pack "$_dir/ck" "$ckDir" "$ckName" || continue
    [ -n "\${1-}" ] || [ "$_seen" = "$(_signature)" ] || continue
    _persist save "$api/checkpoint" "$_dir/ck" $_type && echo "$_seen" >"$_dir/saved"
    break
  done
  rm -f "$_dir/ck"
}

_restore() {
  _persist ck "$api/checkpoint" || { [ "$_status" = 404 ] && return; }
  [ -s "$_dir/ck" ] || return 0
  case $(dd if="$_dir/ck" bs=1 skip=257 count=5) in
    ustar) tar -xof "$_dir/ck" -C "$ckDir" ;;
    *) mv -f "$_dir/ck" "$ckDir/$ckName" && chmod 644 "$ckDir/$ckName" ;;
  esac || return 1
  rm -f "$_dir/ck"
  _signature >"$_dir/saved"
}

# fetch N PATH [URL]
fetch() {
  _persist in "\${3:-$api/inputs/$1}" && mv -f "$_dir/in" "$2" && chmod 644 "$2" || _abort "input $1 could not be fetched"
}

# output N DIRECTORY NAME
output() {
  if [ -d "$2/$3" ]; then
    _pack "$_dir/o" "$2" "$3" && _persist out "$api/outputs/$1" "$_dir/o" $_type
    rm -f "$_dir/o"
  elif [ -f "$2/$3" ]; then
    _persist out "$api/outputs/$1" "$2/$3" $_bytes
  else
    false
  fi || _say "output $1 was not delivered"
}

# To the whole process group, or to the first process where there is no setsid to make one.
_hit() {
  kill -$1 -$_work || kill -$1 $_work
}

# A SIGTERM that came while the exit was being reported is heeded only now, when there is nothing left to lose.
_finish() {
  [ ! -d "\${_dir-}" ] || rm -rf "$_dir"
  case $onEnd in
    exit) exit $_code ;;
    poweroff) poweroff || shutdown -h now || echo 'fairlead: this machine cannot be powered off from inside' ;;
  esac
  trap 'exit 0' TERM INT
  [ -z "$_leave" ] || exit 0
  while :; do
    sleep 3600 &
    wait $!
  done
}

# conclude CODE REASON: the rest of the log, then the exit; the last thing that is said is that all is said.
_conclude() {
  trap _leave=1 TERM INT
  _said=$1
  _say "ended with exit code $1 ($2)"
  : >"$_dir/eof"
  now
  _until=$((t + giveup))
  while kill -0 $_deliverer && ! _gone && [ $t -lt $_until ]; do _nap $tick; done
  if [ ! -e "$_dir/over" ]; then
    printf '{"bootId":"%s","code":%d,"reason":"%s"}' "$boot" $1 $2 >"$_dir/exit.json"
    _persist exit "$api/exit" "$_dir/exit.json" $_json || _say 'the exit could not be reported'
  fi
  kill -9 $_deliverer $_beater $_collector
  _code=$_said
  _finish
}

_abort() {
  _say "$1"
  _conclude 1 start-failed
}
`;
