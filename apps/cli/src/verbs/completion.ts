import { Argument, type Command } from 'commander';
import { examples, type Register } from '../world/index.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/** `selvage completion`: what a shell needs to complete verbs and options. */
export const completion: Register = (parent, world) => {
  const command = parent
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: Shell) => world.out.write(SCRIPT[shell](entries(parent))));
  examples(command, [
    'source <(selvage completion bash)',
    'selvage completion zsh > "${fpath[1]}/_selvage"',
    'selvage completion fish > ~/.config/fish/completions/selvage.fish',
  ]);
};

/** Words that may follow the words of a command. */
interface Entry {
  readonly after: string;
  readonly words: readonly { readonly word: string; readonly help: string }[];
}

function entries(command: Command, path = ''): Entry[] {
  const verbs = command.commands.map((one) => ({ word: one.name(), help: one.description() }));
  const options = command.options.flatMap(({ long, description }) => (long ? [{ word: long, help: description }] : []));
  const nouns = path === 'get' ? NOUNS : [];
  const inner = command.commands.flatMap((one) => entries(one, `${path} ${one.name()}`.trim()));
  return [{ after: path, words: [...verbs, ...nouns, ...options, { word: '--help', help: 'show help' }] }, ...inner];
}

const NOUNS = [
  ...['nodes', 'apps', 'secrets', 'devices', 'device-models', 'clients'],
  ...['projects', 'certificates', 'tokens', 'audit'],
].map((word) => ({
  word,
  help: '',
}));

const SCRIPT: Readonly<Record<Shell, (all: readonly Entry[]) => string>> = { bash, zsh, fish };

function bash(all: readonly Entry[]): string {
  return `_selvage() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ "$word" == -* ]] || path="\${path:+$path }$word"
  done
  while :; do
    case "$path" in
${cases(all, (words) => `COMPREPLY=($(compgen -W "${words}" -- "$current")); return`)}
    esac
    path="\${path% *}"
  done
}
complete -F _selvage selvage
`;
}

function zsh(all: readonly Entry[]): string {
  return `#compdef selvage
_selvage() {
  local path="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ "$word" == -* ]] || path="\${path:+$path }$word"
  done
  while :; do
    case "$path" in
${cases(all, (words) => `compadd -- ${words}; return`)}
    esac
    [[ "$path" == *" "* ]] && path="\${path% *}" || path=""
  done
}
if [[ "\${funcstack[1]}" == _selvage ]]; then _selvage "$@"; else compdef _selvage selvage; fi
`;
}

function cases(all: readonly Entry[], act: (words: string) => string): string {
  return all
    .map(({ after, words }) => `      "${after}") ${act(words.map(({ word }) => word).join(' '))} ;;`)
    .join('\n');
}

function fish(all: readonly Entry[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = all.flatMap(({ after, words }) => {
    const path = after.split(' ').filter(Boolean);
    const inner = all.filter((one) => one.after.startsWith(after === '' ? '' : `${after} `) && one.after !== after);
    const next = inner.map((one) => one.after.split(' ')[path.length] ?? '').filter(Boolean);
    const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
    const not = next.length === 0 ? [] : [`not __fish_seen_subcommand_from ${[...new Set(next)].join(' ')}`];
    const condition = [...seen, ...not].join('; and ');
    return words.map(({ word, help }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c selvage -f -n ${quoted(condition)} ${what} -d ${quoted(help)}`;
    });
  });
  return `${lines.join('\n')}\n`;
}
