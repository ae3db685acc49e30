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

/** What may follow the words of a command. */
interface Entry {
  readonly after: string;
  readonly words: readonly { readonly word: string; readonly help: string }[];
  /** Options with a fixed choice of values. */
  readonly choices: readonly Choice[];
}

interface Choice {
  readonly flags: readonly string[];
  readonly values: readonly string[];
}

function entries(command: Command, path = ''): Entry[] {
  const verbs = command.commands.map((one) => ({ word: one.name(), help: one.description() }));
  const options = command.options.flatMap(({ long, description }) => (long ? [{ word: long, help: description }] : []));
  const choices = command.options.flatMap(({ short, long, argChoices: values }) =>
    values ? [{ flags: [short, long].filter((flag) => flag !== undefined), values }] : [],
  );
  const nouns = path === 'get' ? NOUNS : given(command);
  const inner = command.commands.flatMap((one) => entries(one, `${path} ${one.name()}`.trim()));
  const words = [...verbs, ...nouns, ...options, { word: '--help', help: 'show help' }];
  return [{ after: path, words, choices }, ...inner];
}

/** What the arguments of a verb may be, or begin with: `app/` of one whose help says `app/NAME`. */
function given({ registeredArguments }: Command): Entry['words'] {
  const words = registeredArguments.flatMap(({ argChoices, description }) => [
    ...(argChoices ?? []),
    ...[...description.matchAll(/([a-z-]+\/)NAME/g)].map(([, noun = '']) => noun),
  ]);
  return [...new Set(words)].map((word) => ({ word, help: '' }));
}

const NOUNS = [
  ...['nodes', 'apps', 'secrets', 'devices', 'device-models', 'clients', 'endpoints', 'routes'],
  ...['projects', 'certificates', 'tokens', 'audit'],
].map((word) => ({
  word,
  help: '',
}));

const SCRIPT: Readonly<Record<Shell, (all: readonly Entry[]) => string>> = { bash, zsh, fish };

function bash(all: readonly Entry[]): string {
  return `_selvage() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ "$word" == -* ]] || path="\${path:+$path }$word"
  done
  while :; do
    case "$path" in
${cases(all, { offer: bashOffer, previous: '$previous' })}
    esac
    [[ "$path" == *" "* ]] && path="\${path% *}" || path=""
  done
}
complete -F _selvage selvage
`;
}

/** After a noun with its slash the name follows at once. */
function bashOffer(words: readonly string[]): string {
  const noSpace = words.some(isPrefix) ? `; [[ "\${COMPREPLY[0]}" != */ ]] || compopt -o nospace 2> /dev/null` : '';
  return `COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$current"))${noSpace}; return`;
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
${cases(all, { offer: zshOffer, previous: '${words[CURRENT-1]}' })}
    esac
    [[ "$path" == *" "* ]] && path="\${path% *}" || path=""
  done
}
if [[ "\${funcstack[1]}" == _selvage ]]; then _selvage "$@"; else compdef _selvage selvage; fi
`;
}

function zshOffer(words: readonly string[]): string {
  const prefixes = words.filter(isPrefix);
  const names = prefixes.length === 0 ? '' : `compadd -S '' -- ${prefixes.join(' ')}; `;
  return `${names}compadd -- ${words.filter((word) => !isPrefix(word)).join(' ')}; return`;
}

function isPrefix(word: string): boolean {
  return word.endsWith('/');
}

interface Shape {
  readonly offer: (words: readonly string[]) => string;
  /** The word before the one that is completed, as the shell knows it. */
  readonly previous: string;
}

/** For each command what to offer: the values of the option just before, or all that may follow. */
function cases(all: readonly Entry[], { offer, previous }: Shape): string {
  return all
    .map(({ after, words, choices }) => {
      const values = choices.map(({ flags, values }) => `${flags.join('|')}) ${offer(values)} ;; `);
      const first = values.length === 0 ? '' : `case "${previous}" in ${values.join('')}esac; `;
      return `      "${after}") ${first}${offer(words.map(({ word }) => word))} ;;`;
    })
    .join('\n');
}

function fish(all: readonly Entry[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = all.flatMap(({ after, words, choices }) => {
    const path = after.split(' ').filter(Boolean);
    const inner = all.filter((one) => one.after.startsWith(after === '' ? '' : `${after} `) && one.after !== after);
    const next = inner.map((one) => one.after.split(' ')[path.length] ?? '').filter(Boolean);
    const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
    const not = next.length === 0 ? [] : [`not __fish_seen_subcommand_from ${[...new Set(next)].join(' ')}`];
    const condition = [...seen, ...not].join('; and ');
    return words.map(({ word, help }) => {
      const values = choices.find(({ flags }) => flags.includes(word))?.values;
      const more = values === undefined ? '' : ` -x -a ${quoted(values.join(' '))}`;
      const what = word.startsWith('--') ? `-l ${word.slice(2)}${more}` : `-a ${word}`;
      return `complete -c selvage -f -n ${quoted(condition)} ${what} -d ${quoted(help)}`;
    });
  });
  return `${lines.join('\n')}\n`;
}
