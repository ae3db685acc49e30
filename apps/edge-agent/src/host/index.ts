export { ownNames } from './observe.js';
export { Facts, type FactsOptions } from './facts.js';
