import { EdgeError } from '@selvage/protocol';

/** Variables that every message has, beside the captures of its source. */
export const MESSAGE_VARIABLES = ['topic', 'node', 'device', 'project', 'id'] as const;

const VARIABLE = /\{([^{}]*)\}/g;

/** Names of the variables in a template, in order. */
export function variablesOf(template: string): string[] {
  return [...template.matchAll(VARIABLE)].map(([, name = '']) => name);
}

/**
 * Checks a template against the variables that there will be.
 * @throws EdgeError `bad_request` with the place in the text.
 */
export function checkTemplate(what: string, template: string, known: readonly string[]): void {
  for (const match of template.matchAll(VARIABLE)) {
    const [whole, name = ''] = match;
    if (known.includes(name)) continue;
    const offered =
      known.length === 0 ? 'there are no variables here' : `there are ${known.map((one) => `{${one}}`).join(' ')}`;
    throw new EdgeError('bad_request', `${what}: character ${match.index + 1}: there is no ${whole}; ${offered}`);
  }
  const stray = template.replace(VARIABLE, (whole) => '_'.repeat(whole.length)).search(/[{}]/);
  if (stray !== -1)
    throw new EdgeError('bad_request', `${what}: character ${stray + 1}: a brace without its other half`);
}

/**
 * Fills in a template.
 * @throws EdgeError `bad_request` for a variable that the message does not have.
 */
export function fill(template: string, variables: Readonly<Record<string, string | undefined>>): string {
  return template.replace(VARIABLE, (whole, name: string) => {
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined) throw new EdgeError('bad_request', `The message has no ${whole}.`);
    return value;
  });
}
