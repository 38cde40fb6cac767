import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as files from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseJobSpec, readDocument } from '#libs/contracts';
import type { JobSpec } from '#libs/domain';
import { inlineInputs } from '../libs/contracts/inline-inputs';

export const EXAMPLES = join(__dirname, '..', 'examples');
const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin';

export const exampleNames: readonly string[] = readdirSync(EXAMPLES)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.replace('.yaml', ''))
  .sort();

/** An example as it would be stored; throws with everything that is wrong with it. */
export async function exampleSpec(name: string): Promise<JobSpec> {
  const document = readDocument(readFileSync(join(EXAMPLES, `${name}.yaml`), 'utf8'), 'yaml');
  const inlined = document.ok ? await inlineInputs(document.value, EXAMPLES, files) : document;
  const parsed = inlined.ok ? parseJobSpec(inlined.value) : inlined;
  if (!parsed.ok) throw new Error(`${name}: ${JSON.stringify(parsed.problems, null, 2)}`);
  return parsed.spec;
}

/** A run of an example's command as a local process, in a folder of its own that holds its inputs. */
export class ExampleRun {
  readonly folder = mkdtempSync(join(tmpdir(), 'fairlead-example-'));
  private child: ChildProcess | null = null;
  private end: Promise<number | string | null> = Promise.resolve(null);
  private said = '';

  constructor(private readonly spec: JobSpec) {
    for (const { path, uri } of spec.inputs) this.write(path, bytesOf(uri));
  }

  write(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), content);
  }

  read(path: string): Buffer {
    return readFileSync(join(this.folder, path));
  }

  text(path: string): string {
    return this.read(path).toString();
  }

  /** What all starts so far have printed. */
  output(): string {
    return this.said;
  }

  /** Starts the command; may be called again after it ended. The pace of the example is for people, so it is set aside. */
  start(env: Readonly<Record<string, string>> = { PACE_MS: '0' }): void {
    const [program = '', ...rest] = this.spec.command;
    const path = `${dirname(process.execPath)}:${SYSTEM_PATH}`;
    const child = spawn(program, rest, {
      cwd: this.folder,
      env: { ...this.spec.env, PATH: path, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    [child.stdout, child.stderr].forEach((stream) =>
      stream.on('data', (chunk: Buffer) => {
        this.said += chunk.toString();
      }),
    );
    this.child = child;
    this.end = new Promise((resolve) => {
      child.once('error', ({ message }) => resolve(message));
      child.once('close', (code, signal) => resolve(code ?? signal));
    });
  }

  signal(name: NodeJS.Signals): void {
    this.child?.kill(name);
  }

  /** The exit code, the signal that ended it, or why it could not start; everything that it printed has arrived then. */
  ended(): Promise<number | string | null> {
    return this.end;
  }

  remove(): void {
    this.signal('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function bytesOf(uri: string): Buffer {
  const [head = '', body = ''] = uri.split(/,(.*)/s);
  return head.endsWith(';base64')
    ? Buffer.from(body, 'base64')
    : Buffer.from(decodeURIComponent(body));
}

/** The lines of a CSV file after its header, as records. */
export function recordsOf(csv: string): readonly Readonly<Record<string, string>>[] {
  const [header = '', ...lines] = csv.trimEnd().split('\n');
  const columns = header.split(',');
  return lines.map((line) => {
    const values = line.split(',');
    return Object.fromEntries(columns.map((column, index) => [column, values[index] ?? '']));
  });
}
