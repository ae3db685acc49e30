export { Facts, type FactsOptions } from './facts.js';
