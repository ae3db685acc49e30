export { seconds } from './duration.js';
export { labelArguments, labelChanges } from './label-arguments.js';
export { containerOf, nameArgument, type NounName, nounOf, type Reference, referenceOf } from './references.js';
