export { createTwins } from './create-twins.js';
export type { TwinMessage, Twins, TwinsOptions } from './options.js';
