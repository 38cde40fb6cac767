import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProviderDescriptor } from '../descriptor';
import type { ProbeKind, ProbeWorkload } from './harness';

const IMAGE = 'docker.io/library/alpine:3.22';
/** A workload that stays gives up by itself after 3,000 beats of a fifth of a second, so that nothing can outlive a test for long. */
const BEATS = 3_000;

const bodies: { readonly [K in ProbeKind]: (mark: string) => readonly string[] } = {
  ends: (mark) => [`echo "word=$CONFORMANCE_WORD" ${mark}`, `echo finished ${mark}`],
  stays: (mark) => [
    'beats=0',
    `while [ "$beats" -lt ${BEATS} ]; do`,
    `  echo beat ${mark}`,
    '  beats=$((beats + 1))',
    '  sleep 0.2',
    'done',
  ],
};

/** A shell script that writes its marks into a file under `directory`; with null it only prints, for machines that are far away. */
export function makeProbe(
  kind: ProbeKind,
  { runs }: ProviderDescriptor,
  directory: string | null,
): ProbeWorkload {
  const file = directory === null ? null : join(directory, `marks-${randomUUID()}`);
  const mark = file === null ? '' : `>> '${file}'`;
  const lines = [
    ...(runs === 'vm' ? ['#!/bin/sh'] : []),
    `echo started ${mark}`,
    'echo hello from the workload',
    ...bodies[kind](mark),
    ...(runs === 'vm' ? ['poweroff'] : []),
  ];
  return {
    workload: {
      image: IMAGE,
      script: `${lines.join('\n')}\n`,
      env: runs === 'container' ? { CONFORMANCE_WORD: 'fairlead' } : {},
    },
    marks: () => (file === null ? [] : linesOf(file)),
  };
}

function linesOf(file: string): readonly string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
