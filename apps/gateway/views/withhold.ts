import { access, mayCall, type JobSpecInput, type JobView } from '#libs/contracts';
import type { Principal } from '../principal';

/** Stands for what is left out; a spec with it still reads as one. */
const WITHHELD = 'withheld';
const INLINE = /^data:/i;

/** The job as a key may see it: without what may hold its data unless the key reads its output and logs as well. */
export function jobFor({ roles }: Pick<Principal, 'roles'>, view: JobView): JobView {
  if (mayCall(access.jobData, roles)) return view;
  const { spec } = view;
  return {
    ...view,
    spec: {
      ...spec,
      command: [WITHHELD],
      args: [],
      env: withoutValues(spec.env ?? {}),
      inputs: (spec.inputs ?? []).map(withoutBytes),
    },
    withheld: ['/spec/command', ...envPointers(spec), ...inputPointers(spec)],
  };
}

function withoutValues(env: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.keys(env).map((name) => [name, WITHHELD]));
}

type Input = NonNullable<JobSpecInput['inputs']>[number];

function withoutBytes(input: Input): Input {
  return INLINE.test(input.uri) ? { ...input, uri: `data:,${WITHHELD}` } : input;
}

/** Names of variables have no letters that a pointer would have to escape. */
function envPointers({ env = {} }: JobSpecInput): readonly string[] {
  return Object.keys(env).map((name) => `/spec/env/${name}`);
}

function inputPointers({ inputs = [] }: JobSpecInput): readonly string[] {
  return inputs.flatMap(({ uri }, index) =>
    INLINE.test(uri) ? [`/spec/inputs/${index}/uri`] : [],
  );
}
