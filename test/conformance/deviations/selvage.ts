import type { Deviation } from './deviation.js';

/** What our broker does otherwise than the standard says: nothing that the suite knows of. */
export const selvageDeviations: readonly Deviation[] = [];
