import { InvalidArgumentError } from 'commander';

/** Reads how many of something are wanted. @throws InvalidArgumentError for what is no whole number from 1. */
export function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Give a whole number from 1.');
  return value;
}
