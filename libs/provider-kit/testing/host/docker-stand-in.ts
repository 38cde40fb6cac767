import { MARK_VARIABLE } from './marked-processes';
import { shellText, shellWord } from './shell-text';

/** Below a host's folder: `containers/<name>/`, `missing-images` (one name a line), `gpu-bin` and the host's `search-path`. */
export const CONTAINERS = 'containers';
export const MISSING_IMAGES = 'missing-images';
export const GPU_BIN = 'gpu-bin';
export const BLOCKED_BIN = 'blocked-bin';
export const SEARCH_PATH = 'search-path';

/**
 * A `docker` that runs the command as a local process. Images are names only. There is no root of its own for a
 * container: mounts become links below `containers/<name>/root`, the command starts in the mounted directory, so a workload
 * that keeps to relative paths sees what it would see in Docker. Output of attached containers is not kept for `docker logs`.
 */
export function dockerScript(directory: string): string {
  return shellText`
#!/bin/sh
host=${shellWord(directory)}
all=$host/${CONTAINERS}

fail() {
  code=$1
  shift
  printf 'docker: %s\n' "$*" >&2
  exit "$code"
}

missing() {
  grep -qxF -e "$1" -e "$1:latest" "$host/${MISSING_IMAGES}"
}

known() {
  [ -d "$all/$1" ] || {
    echo "Error response from daemon: No such container: $1" >&2
    exit 1
  }
}

send() {
  kill -s "$1" "$(cat "$all/$2/pid")" 2>/dev/null
}

running() {
  [ ! -e "$all/$1/code" ] && send 0 "$1"
}

mount() {
  from=\${1%%:*} to=\${1#*:}
  to=\${to%%:*}
  [ "$from" != "$1" ] || return 0
  case $from in
    /*) [ -e "$from" ] || mkdir -p "$from" ;;
    *)
      mkdir -p "$host/volumes/$from"
      from=$host/volumes/$from
      ;;
  esac
  mkdir -p "$place/root\${to%/*}"
  rm -rf "$place/root$to"
  ln -s "$from" "$place/root$to"
}

# Runs the container's command; $@ is the environment followed by the command, $given how many there are of the first.
contain() {
  inside=$PATH
  read -r inside <"$host/${SEARCH_PATH}"
  inside=$host/${BLOCKED_BIN}:$inside
  [ -z "$gpus" ] || inside=$host/${GPU_BIN}:$inside
  mkdir -p "$place/root$directory" "$place/root/root" "$place/root/tmp"
  cd "$place/root$directory" || exit 125
  $(command -v setsid) env -i PATH="$inside" HOME="$place/root/root" TMPDIR="$place/root/tmp" HOSTNAME="$short" \
    PWD="$PWD" FAIRLEAD_ROOT="$place/root" ${MARK_VARIABLE}="$${MARK_VARIABLE}" \
    \${gpus:+"FAIRLEAD_EMULATED_GPU=$gpus"} "$@" </dev/null &
  pid=$!
  echo $pid >"$place/pid"
  # This shell would remark on a killed child; docker does not.
  exec 2>/dev/null
  for signal in TERM INT HUP QUIT USR1 USR2; do trap "kill -s $signal $pid" $signal; done
  while :; do
    wait $pid
    code=$?
    kill -s 0 $pid 2>/dev/null || break
  done
  kill -KILL -$pid 2>/dev/null
  echo $code >"$place/code"
  [ -z "$remove" ] || rm -rf "$place"
  exit $code
}

visible_gpus() {
  [ -n "\${FAIRLEAD_EMULATED_GPU-}" ] ||
    fail 125 'Error response from daemon: could not select device driver "" with capabilities: [[gpu]].'
  case $1 in
    *[!0-9]* | '') gpus=$FAIRLEAD_EMULATED_GPU ;;
    *) gpus="\${FAIRLEAD_EMULATED_GPU%,*}, $1" ;;
  esac
}

run() {
  name= remove= detach= gpus= directory=/ entrypoint= given=0 mounts= wanted=
  while [ $# -gt "$given" ]; do
    option=$1
    shift
    case $option in
      --*=*)
        value=\${option#*=} option=\${option%%=*}
        ;;
      --name | --gpus | -e | --env | --env-file | -v | --volume | -w | --workdir | --entrypoint | --network | --shm-size | \
        --pull | -p | --publish | --ipc | --ulimit | --restart | -u | --user | --cpus | -m | --memory | --hostname | -h | \
        --label | -l | --platform | --runtime | --log-driver | --stop-timeout)
        [ $# -gt "$given" ] || fail 125 "flag needs an argument: $option"
        value=$1
        shift
        ;;
      *) value= ;;
    esac
    case $option in
      --rm) remove=1 ;;
      -d | --detach) detach=1 ;;
      --init | -i | -t | -it | --privileged | --read-only) ;;
      --name) name=$value ;;
      --gpus) wanted=\${value:-all} ;;
      -w | --workdir) directory=$value ;;
      --entrypoint) entrypoint=$value ;;
      -v | --volume)
        mounts="$mounts$value
"
        ;;
      -e | --env)
        case $value in
          *=*)
            set -- "$@" "$value"
            given=$((given + 1))
            ;;
          *)
            # The dot keeps newlines at the end of the value from being cut off.
            passed=$(printenv "$value" && echo .) || continue
            set -- "$@" "$value=\${passed%??}"
            given=$((given + 1))
            ;;
        esac
        ;;
      --env-file)
        [ -r "$value" ] || fail 125 "open $value: no such file or directory."
        while IFS= read -r line || [ -n "$line" ]; do
          case $line in
            '' | '#'*) continue ;;
            *=*) ;;
            *) line=$line=$(printenv "$line") ;;
          esac
          set -- "$@" "$line"
          given=$((given + 1))
        done <"$value"
        ;;
      --network | --shm-size | --pull | -p | --publish | --ipc | --ulimit | --restart | -u | --user | --cpus | -m | \
        --memory | --hostname | -h | --label | -l | --platform | --runtime | --log-driver | --stop-timeout) ;;
      -*) fail 125 "unknown flag: $option" ;;
      *)
        image=$option
        break
        ;;
    esac
  done
  [ -n "\${image-}" ] || fail 125 "'docker run' requires at least 1 argument"
  if missing "$image"; then
    echo "Unable to find image '$image' locally" >&2
    fail 125 "Error response from daemon: manifest for $image not found: manifest unknown: manifest unknown."
  fi
  [ -z "$wanted" ] || visible_gpus "$wanted"
  [ -z "$entrypoint" ] || set -- "$entrypoint" "$@"
  [ $# -gt "$given" ] || fail 127 "the command of image $image is not known here: name one"
  id=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
  short=$(printf '%.12s' "$id")
  name=\${name:-$short}
  place=$all/$name
  mkdir -p "$all"
  mkdir "$place" 2>/dev/null || fail 125 "Error response from daemon: Conflict. The container name \"/$name\" is already in use."
  echo "$image" >"$place/image"
  printf '%s' "$mounts" >"$place/mounts"
  while IFS= read -r one; do mount "$one"; done <"$place/mounts"
  PATH=$(cat "$host/${SEARCH_PATH}"):$PATH command -v "$1" >/dev/null || [ -e "$place/root$directory/$1" ] || {
    rm -rf "$place"
    fail 127 "Error response from daemon: failed to create task for container: exec: \"$1\": executable file not found in \$PATH: unknown."
  }
  # The environment stands behind the command so far; env wants it in front.
  count=$(($# - given))
  while [ $count -gt 0 ]; do
    word=$1
    shift
    set -- "$@" "$word"
    count=$((count - 1))
  done
  if [ -n "$detach" ]; then
    (contain "$@") >"$place/log" 2>&1 &
    while [ ! -s "$place/pid" ] && [ ! -e "$place/code" ] && [ -d "$place" ]; do sleep 0.02; done
    echo "$id"
  else
    contain "$@"
  fi
}

stop() {
  seconds=10
  case \${1-} in
    -t | --time | --timeout)
      seconds=$2
      shift 2
      ;;
  esac
  for one; do
    known "$one"
    send TERM "$one"
    waited=0
    while [ -d "$all/$one" ] && running "$one" && [ $waited -lt $((seconds * 10)) ]; do
      sleep 0.1
      waited=$((waited + 1))
    done
    [ ! -d "$all/$one" ] || ! running "$one" || send KILL "$one"
    echo "$one"
  done
}

kill_container() {
  signal=KILL
  case \${1-} in
    -s | --signal)
      signal=\${2#SIG}
      shift 2
      ;;
    --signal=*)
      signal=\${1#*=}
      signal=\${signal#SIG}
      shift
      ;;
  esac
  known "$1"
  running "$1" || {
    echo "Error response from daemon: cannot kill container: $1: container $1 is not running" >&2
    exit 1
  }
  send "$signal" "$1"
  echo "$1"
}

inspect() {
  format=
  case \${1-} in
    -f | --format)
      format=$2
      shift 2
      ;;
    --format=*)
      format=\${1#*=}
      shift
      ;;
  esac
  [ -d "$all/$1" ] || {
    echo "Error: No such object: $1" >&2
    exit 1
  }
  code=0 status=running
  if [ -e "$all/$1/code" ]; then code=$(cat "$all/$1/code") status=exited; fi
  case $format in
    '{{.State.ExitCode}}') echo "$code" ;;
    '{{.State.Status}}') echo "$status" ;;
    '{{.State.Running}}') [ $status = running ] && echo true || echo false ;;
    '{{.Config.Image}}') cat "$all/$1/image" ;;
    *) printf '[{"Name":"/%s","State":{"Status":"%s","ExitCode":%d}}]\n' "$1" "$status" "$code" ;;
  esac
}

remove_container() {
  force=
  case \${1-} in
    -f | --force)
      force=1
      shift
      ;;
  esac
  known "$1"
  if running "$1"; then
    [ -n "$force" ] || {
      echo "Error response from daemon: cannot remove container \"/$1\": container is running: stop the container before removing or force remove" >&2
      exit 1
    }
    send KILL "$1"
    while running "$1"; do sleep 0.02; done
  fi
  rm -rf "$all/$1"
  echo "$1"
}

verb=\${1-}
[ $# = 0 ] || shift
case $verb in
  run) run "$@" ;;
  stop) stop "$@" ;;
  kill) kill_container "$@" ;;
  inspect) inspect "$@" ;;
  rm) remove_container "$@" ;;
  logs)
    known "$1"
    [ ! -e "$all/$1/log" ] || cat "$all/$1/log"
    ;;
  pull)
    [ "$1" != -q ] || shift
    if missing "$1"; then
      echo "Error response from daemon: manifest for $1 not found: manifest unknown: manifest unknown" >&2
      exit 1
    fi
    echo "Status: Downloaded newer image for $1"
    ;;
  login)
    cat >/dev/null
    echo 'Login Succeeded'
    ;;
  *) fail 1 "'$verb' is not a docker command." ;;
esac
`;
}
