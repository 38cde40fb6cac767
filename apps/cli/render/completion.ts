import type { Command } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** What can be written after some words of a command line. */
export interface CompletionEntry {
  /** The words of the command, without the program: `policies check`. */
  readonly path: string;
  readonly words: readonly CompletionWord[];
}

export interface CompletionWord {
  readonly word: string;
  readonly description: string;
}

/** The program as a flat list of what can be completed where. Names of files are left to the shell. */
export function completionOf(program: Command): readonly CompletionEntry[] {
  const everywhere = optionsOf(program);
  const walk = (command: Command, path: readonly string[]): readonly CompletionEntry[] => [
    {
      path: path.join(' '),
      words: [
        ...command.commands.map((child) => ({
          word: child.name(),
          description: child.description(),
        })),
        ...command.registeredArguments.flatMap(({ argChoices = [] }) =>
          argChoices.map((word) => ({ word, description: '' })),
        ),
        ...(path.length === 0 ? [] : optionsOf(command)),
        ...everywhere,
      ],
    },
    ...command.commands.flatMap((child) => walk(child, [...path, child.name()])),
  ];
  return walk(program, []);
}

function optionsOf({ options }: Command): readonly CompletionWord[] {
  return options.flatMap(({ long, description }) =>
    long == null ? [] : [{ word: long, description }],
  );
}

const wordsOf = ({ words }: CompletionEntry): string => words.map(({ word }) => word).join(' ');

/** The longest known command that the line begins with decides. */
const bash = (entries: readonly CompletionEntry[]): string =>
  [
    '_fairlead() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" path="" word words',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case "${path:+$path }$word" in',
    ...paths(entries).map((path) => `      "${path}") path="${path}" ;;`),
    '    esac',
    '  done',
    '  case "$path" in',
    ...entries.map((entry) => `    "${entry.path}") words="${wordsOf(entry)}" ;;`),
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -o default -F _fairlead fairlead',
  ].join('\n');

const zsh = (entries: readonly CompletionEntry[]): string =>
  [
    '#compdef fairlead',
    '_fairlead() {',
    '  local spot="" word',
    '  local -a choices',
    '  for word in "${(@)words[2,CURRENT-1]}"; do',
    '    case "${spot:+$spot }$word" in',
    ...paths(entries).map((path) => `      "${path}") spot="${path}" ;;`),
    '    esac',
    '  done',
    '  case "$spot" in',
    ...entries.map((entry) => `    "${entry.path}") choices=(${zshWords(entry)}) ;;`),
    '  esac',
    '  _describe fairlead choices',
    '  _files',
    '}',
    'compdef _fairlead fairlead',
  ].join('\n');

function zshWords({ words }: CompletionEntry): string {
  return words
    .map(({ word, description }) => quote(`${word}:${description.replaceAll(':', '\\:')}`))
    .join(' ');
}

/** Text between single quotes, as POSIX shells and zsh read it. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** What is possible everywhere is listed once, without a condition. */
const fish = (entries: readonly CompletionEntry[]): string => {
  const root = entries.find(({ path }) => path === '')?.words ?? [];
  const everywhere = root.filter(({ word }) => isOption(word));
  const known = new Set(everywhere.map(({ word }) => word));
  return [
    ...everywhere.map((word) => `complete -c fairlead ${fishWord(word)}`),
    ...entries.flatMap(({ path, words }) =>
      words
        .filter(({ word }) => !known.has(word))
        .map((word) => `complete -c fairlead -n '${fishCondition(path)}' ${fishWord(word)}`),
    ),
  ].join('\n');
};

function fishCondition(path: string): string {
  if (path === '') return '__fish_use_subcommand';
  return path
    .split(' ')
    .map((word) => `__fish_seen_subcommand_from ${word}`)
    .join('; and ');
}

function fishWord({ word, description }: CompletionWord): string {
  const what = isOption(word) ? `-l ${word.slice(2)}` : `-a ${word}`;
  return `${what} -d '${fishText(description)}'`;
}

const isOption = (word: string): boolean => word.startsWith('--');
const fishText = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");

function paths(entries: readonly CompletionEntry[]): readonly string[] {
  return entries.map(({ path }) => path).filter((path) => path !== '');
}

/** A script for each shell. */
export const completionScripts: {
  readonly [S in Shell]: (entries: readonly CompletionEntry[]) => string;
} = { bash, zsh, fish };
