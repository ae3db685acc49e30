/** The command line is not one that the program understands: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
