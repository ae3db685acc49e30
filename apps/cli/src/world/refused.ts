/** The hub refused something, and each refusal was told already: exit code 1 and one closing line. */
export class Refused extends Error {
  override readonly name = 'Refused';
}
