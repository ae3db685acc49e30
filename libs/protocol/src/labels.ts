import { z } from 'zod';
import { EdgeError } from './errors.js';

const KEY = /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,126}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;
const MAX_LABELS = 64;

/** Labels of an object: key → value. */
export const labels = z
  .record(
    z.string().regex(KEY, 'a label key has letters, digits and . _ / -'),
    z.string().regex(VALUE, 'a label value has at most 63 letters, digits and . _ -'),
  )
  .refine((all) => Object.keys(all).length <= MAX_LABELS, `at most ${MAX_LABELS} labels`);
export type Labels = z.infer<typeof labels>;

/** One requirement of a selector, all of which must hold. */
export type Requirement =
  { key: string; op: 'in' | 'not in'; values: readonly string[] } | { key: string; op: 'exists' | 'absent' };

/** `a=b`, `a!=b`, `a in (b,c)`, `a not in (b,c)`, `a`, `!a`, joined by commas. */
export const selector = z
  .string()
  .max(1024)
  .superRefine((text, context) => {
    try {
      parseSelector(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof EdgeError ? error.detail : 'not a label selector' });
    }
  });

/**
 * Parses a label selector such as `site=a,tier in (x,y),!old`. An empty text selects everything.
 * @throws EdgeError `invalid_selector` with the part that cannot be read.
 */
export function parseSelector(text: string): Requirement[] {
  return splitOutsideParentheses(text)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseRequirement);
}

/** Whether labels meet every requirement. */
export function matches(requirements: readonly Requirement[], all: Labels): boolean {
  return requirements.every((requirement) => meets(requirement, all));
}

function meets(requirement: Requirement, all: Labels): boolean {
  const value = Object.hasOwn(all, requirement.key) ? all[requirement.key] : undefined;
  switch (requirement.op) {
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
    case 'in':
      return value !== undefined && requirement.values.includes(value);
    case 'not in':
      return value === undefined || !requirement.values.includes(value);
  }
}

function parseRequirement(part: string): Requirement {
  const list = /^(\S+)\s+(in|not\s*in)\s*\(([^()]*)\)$/.exec(part);
  if (list) {
    const [, key = '', op = '', values = ''] = list;
    return listed(part, { key, op: op === 'in' ? 'in' : 'not in', values: values.split(',').map((v) => v.trim()) });
  }
  const equals = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(part);
  if (equals) {
    const [, key = '', op = '', value = ''] = equals;
    return listed(part, { key, op: op === '!=' ? 'not in' : 'in', values: [value] });
  }
  const bare = /^(!?)\s*(\S+)$/.exec(part);
  const key = bare?.[2] ?? '';
  if (!KEY.test(key)) throw unreadable(part);
  return { key, op: bare?.[1] === '!' ? 'absent' : 'exists' };
}

function listed(part: string, requirement: { key: string; op: 'in' | 'not in'; values: string[] }): Requirement {
  const good = KEY.test(requirement.key) && requirement.values.every((value) => VALUE.test(value));
  if (!good) throw unreadable(part);
  return requirement;
}

function splitOutsideParentheses(text: string): string[] {
  const parts = text.split(/,(?![^(]*\))/);
  return parts.length === 0 ? [] : parts;
}

function unreadable(part: string): EdgeError {
  return new EdgeError('invalid_selector', `"${part}" is not one of: a=b, a!=b, a in (b,c), a not in (b,c), a, !a.`);
}
