import type { Command, Option } from 'commander';

/** Shells that a script can be written for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** A shell. */
export type Shell = (typeof SHELLS)[number];

/** A command as a shell completes it: its words, and those that may follow. */
interface Completed {
  /** As in `train classify`. */
  readonly path: string;
  readonly commands: readonly Command[];
  readonly options: readonly Option[];
  /** Of its first argument. */
  readonly choices: readonly string[];
}

/** What a shell runs to complete the words of a command. */
export function completionScript(shell: Shell, program: Command): string {
  const all = completed(program, '');
  if (shell === 'fish') return fish(all);
  const words = all.map(({ path, commands, options, choices }) => {
    const names = [...commands.map((command) => command.name()), ...choices].join(' ');
    const flags = options.flatMap(({ long }) => long ?? []).join(' ');
    return `    '${path}') words='${names}' flags='${flags}' ;;`;
  });
  const values = all.flatMap(({ path, options }) =>
    options.flatMap((option) => {
      const found = valuesOf(option);
      return found === undefined ? [] : [`    '${path} ${option.long}') values='${found.join(' ')}' ;;`];
    }),
  );
  const script = bash(words, values);
  return shell === 'bash' ? script : `#compdef stmnet\nautoload -U +X bashcompinit && bashcompinit\n${script}`;
}

/** Stands for the names of files. */
const FILES = '<file>';

/** What may stand behind an option: undefined behind a flag, and nothing that could be named where it is a number. */
function valuesOf({ flags, argChoices }: Option): readonly string[] | undefined {
  const [, argument] = /<([^>]+)>/.exec(flags) ?? [];
  if (argument === undefined || argChoices !== undefined) return argChoices;
  if (argument.includes('|')) return argument.split('|');
  return ['file', 'folder'].includes(argument.replace('...', '')) ? [FILES] : [];
}

function completed(command: Command, path: string): Completed[] {
  const options = command.createHelp().visibleOptions(command);
  const commands = command.commands.filter((below) => below.name() !== 'help');
  const below = commands.flatMap((one) => completed(one, `${path} ${one.name()}`.trim()));
  const choices = command.registeredArguments[0]?.argChoices ?? [];
  return [{ path, commands, options, choices }, ...below];
}

/**
 * Words that are known lead on; behind them come the words of the command, or files where it has none, and behind an
 * option its values.
 */
const bash = (words: readonly string[], values: readonly string[]): string => `_stmnet() {
  local current previous path word words flags values
  current="\${COMP_WORDS[COMP_CWORD]}"
  previous="\${COMP_WORDS[COMP_CWORD-1]}"
  if [ "$current" = = ]; then current=''
  elif [ "$previous" = = ]; then previous="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  path=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) break ;; esac
    _stmnet_words "\${path:+$path }$word" && path="\${path:+$path }$word"
  done
  _stmnet_words "$path"
  COMPREPLY=()
  if _stmnet_values "$path $previous"; then words="$values"
  else
    case "$current" in
      -*) words="$flags" ;;
      *) [ -n "$words" ] || words='${FILES}' ;;
    esac
  fi
  if [ "$words" = '${FILES}' ]; then
    local IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}
_stmnet_words() {
  case "$1" in
${words.join('\n')}
    *) return 1 ;;
  esac
}
_stmnet_values() {
  case "$1" in
${values.join('\n')}
    *) return 1 ;;
  esac
}
complete -o filenames -F _stmnet stmnet
`;

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function fish(all: readonly Completed[]): string {
  const lines = all.flatMap(({ path, commands, options }) => {
    const seen = path.split(' ').filter((word) => word !== '');
    const inside = seen.map((word) => `__fish_seen_subcommand_from ${word}`);
    const names = commands.map((command) => command.name()).join(' ');
    const before = [...inside, ...(names === '' ? [] : [`not __fish_seen_subcommand_from ${names}`])].join('; and ');
    const when = before === '' ? '' : ` -n ${quoted(before)}`;
    return [
      ...commands.map((one) => `complete -c stmnet${when} -f -a ${one.name()} -d ${quoted(one.summary())}`),
      ...options.flatMap((option) => {
        const { long, description } = option;
        return long
          ? [`complete -c stmnet${when} -l ${long.slice(2)}${fishValues(option)} -d ${quoted(description)}`]
          : [];
      }),
    ];
  });
  return `${lines.join('\n')}\n`;
}

/** What fish completes behind an option. */
function fishValues(option: Option): string {
  const values = valuesOf(option);
  if (values === undefined) return '';
  if (values[0] === FILES) return ' -r -F';
  return values.length === 0 ? ' -x' : ` -x -a ${quoted(values.join(' '))}`;
}
