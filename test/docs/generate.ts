import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { documents } from './documents';

/** `npm run docs`: writes the generated documents, from the top of the repository. */
async function main(): Promise<void> {
  for (const [path, text] of documents()) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    console.log(path);
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
