/** One line of a Dockerfile, with what was continued joined to it. */
export interface Instruction {
  readonly word: string;
  readonly rest: string;
}

export function instructionsIn(text: string): readonly Instruction[] {
  return text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [word = '', ...rest] = line.split(/\s+/);
      return { word, rest: rest.join(' ') };
    });
}

export interface Copy {
  /** The stage it comes from; null for the repository. */
  readonly from: string | null;
  readonly sources: readonly string[];
}

export function copiesIn(instructions: readonly Instruction[]): readonly Copy[] {
  return instructions
    .filter(({ word }) => word === 'COPY')
    .map(({ rest }) => {
      const words = rest.split(' ');
      const flag = words.find((word) => word.startsWith('--from='));
      const paths = words.filter((word) => !word.startsWith('--'));
      return { from: flag?.slice('--from='.length) ?? null, sources: paths.slice(0, -1) };
    });
}

/** The names of the stages, in order; the last one may have none. */
export function stagesIn(instructions: readonly Instruction[]): readonly (string | null)[] {
  return instructions
    .filter(({ word }) => word === 'FROM')
    .map(({ rest }) => / AS (\S+)$/.exec(rest)?.[1] ?? null);
}
