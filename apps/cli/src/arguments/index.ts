export { count } from './count.js';
export { seconds } from './duration.js';
export { labelArguments, labelChanges } from './label-arguments.js';
export { containerOf, nameArgument, nameOf, type NounName, nounOf, type Reference, referenceOf } from './references.js';
