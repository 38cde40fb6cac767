import * as files from 'node:fs/promises';
import { join } from 'node:path';
import { inlineInputs, readDocument } from '#libs/contracts';

const FOLDER = 'examples';

/** A job of the examples folder, ready to be sent. */
export interface Example {
  readonly name: string;
  readonly document: unknown;
  readonly workload: string;
  /** What its program is meant to exit with. */
  readonly expectedExitCode: number;
  /** `interrupt`: the plug is pulled on it. `plan-only`: nothing here can run it, and the plan says why. */
  readonly role: 'run' | 'interrupt' | 'plan-only';
}

/** Every example, in the order of their names; throws with all that is wrong with one. */
export async function readExamples(): Promise<readonly Example[]> {
  const names = (await files.readdir(FOLDER)).filter((name) => name.endsWith('.yaml')).sort();
  return Promise.all(names.map(readExample));
}

async function readExample(file: string): Promise<Example> {
  const document = readDocument(await files.readFile(join(FOLDER, file), 'utf8'), 'yaml');
  const inlined = document.ok ? await inlineInputs(document.value, FOLDER, files) : document;
  if (!inlined.ok)
    throw new Error(`${file}: ${inlined.problems.map(({ message }) => message).join('; ')}`);
  const { name, workload, labels } = inlined.value as {
    readonly name: string;
    readonly workload?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  const role = labels?.['demo'];
  return {
    name,
    document: inlined.value,
    workload: workload ?? 'general',
    expectedExitCode: Number(labels?.['expect-exit-code'] ?? 0),
    role: role === 'interrupt' || role === 'plan-only' ? role : 'run',
  };
}
