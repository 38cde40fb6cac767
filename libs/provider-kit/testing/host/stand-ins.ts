import { dockerScript } from './docker-stand-in';
import { shellText, shellWord } from './shell-text';

/** What a host needs to know to make its programs. */
export interface HostLayout {
  readonly directory: string;
  readonly kind: 'vm' | 'container';
}

export interface StandIn {
  readonly name: string;
  readonly script: string;
}

/** Programs in front of a host's PATH. Whatever could touch the real machine is stood in for on every kind of host. */
export function standInsOf(host: HostLayout): readonly StandIn[] {
  const powered = host.kind === 'vm' ? powerScript(host.directory) : withoutPower;
  const power = ['poweroff', 'shutdown', 'halt', 'reboot'].map((name) => ({
    name,
    script: powered,
  }));
  const docker = host.kind === 'vm' ? dockerScript(host.directory) : withoutDocker;
  return [...power, { name: 'docker', script: docker }];
}

/** What a container on a host may run besides the real programs. */
export const gpuStandIn: StandIn = {
  name: 'nvidia-smi',
  script: shellText`
#!/bin/sh
# Shows the GPUs named by FAIRLEAD_EMULATED_GPU, "NAME, COUNT".
if [ -z "\${FAIRLEAD_EMULATED_GPU-}" ]; then
  echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."
  exit 9
fi
name=\${FAIRLEAD_EMULATED_GPU%,*}
count=\${FAIRLEAD_EMULATED_GPU##*, }
mib=$(printf '%s' "$name" | sed -n 's/.*[^0-9]\([0-9][0-9]*\)GB.*/\1/p')
[ -z "$mib" ] || mib=$((mib * 1024))
fields= list= unit=' MiB'
for argument; do
  case $argument in
    -L | --list-gpus) list=1 ;;
    --query-gpu=*) fields=\${argument#*=} ;;
    --format=*nounits*) unit= ;;
    --format=*) ;;
    *)
      echo "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help."
      exit 2
      ;;
  esac
done
field() {
  case $1 in
    name | gpu_name) printf '%s' "$name" ;;
    count) printf '%s' "$count" ;;
    index) printf '%s' "$index" ;;
    uuid | gpu_uuid) printf 'GPU-00000000-0000-0000-0000-%012d' "$index" ;;
    memory.total) printf '%s' "\${mib:-[N/A]}\${mib:+$unit}" ;;
    *) printf '[N/A]' ;;
  esac
}
index=0
while [ "$index" -lt "$count" ]; do
  if [ -n "$list" ] || [ -z "$fields" ]; then
    echo "GPU $index: $name (UUID: $(field uuid))"
  else
    line=
    for one in $(echo "$fields" | tr , ' '); do line="$line\${line:+, }$(field "$one")"; done
    echo "$line"
  fi
  index=$((index + 1))
done
`,
};

function powerScript(directory: string): string {
  return shellText`
#!/bin/sh
# Turns the emulated machine off: now, or after "+MINUTES".
notes=${shellWord(`${directory}/notes`)}
off() {
  : >"$notes/off"
  kill -s TERM "$(cat "$notes/watchdog")"
}
case "\${0##*/} $*" in
  halt*) echo 'the system is halted and still powered' ;;
  reboot*) echo 'this emulated machine cannot be started again' >&2; exit 1 ;;
  'shutdown -c'*) [ ! -e "$notes/timer" ] || kill "$(cat "$notes/timer")" ;;
  shutdown*+[0-9]*)
    minutes=\${*##*+}
    minutes=\${minutes%% *}
    (sleep $((minutes * 60)) && off) >/dev/null 2>&1 &
    echo $! >"$notes/timer"
    ;;
  *) off ;;
esac
`;
}

const withoutPower = shellText`
#!/bin/sh
echo 'a container cannot change the power of its machine' >&2
exit 1
`;

const withoutDocker = shellText`
#!/bin/sh
echo 'docker: not found' >&2
exit 127
`;
