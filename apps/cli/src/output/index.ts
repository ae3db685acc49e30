export { type DiffLine, diff, diffText } from './diff.js';
export { type Facts, factLines, indented, section } from './facts.js';
export { type Format, FORMATS, json, text, yaml } from './formats.js';
export { age, bytes, daysLeft, moment, span, times } from './moments.js';
export { aligned, type Column, oneLine, printable, tableLines } from './table.js';
