export { type DiffLine, diff, diffText, type Shown } from './diff.js';
export { type Facts, factLines, indented, section } from './facts.js';
export { type Format, FORMATS, jsonLine, structured, text, yaml } from './formats.js';
export { age, ago, bytes, daysLeft, moment, span, times, until } from './moments.js';
export { aligned, type Column, columnsOf, oneLine, tableLines } from './table.js';
export { type Color, colored, ForeignText, printable, printableLines } from './terminal.js';
