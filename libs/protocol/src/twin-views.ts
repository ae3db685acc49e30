import { z } from 'zod';
import { shownKey } from './devices.js';
import { name, timestamp } from './ids.js';
import { twinKey } from './twins.js';

/** `GET …/devices/{name}/twin`: without `at`, as it is now. */
export const twinQuery = z.strictObject({ at: timestamp.optional() });

/** The twin of a device as it was at a moment. Of a key that had no value then, neither side is there. */
export const twinView = z.object({ device: name, at: timestamp, twin: z.record(twinKey, shownKey) });
export type TwinView = z.infer<typeof twinView>;
