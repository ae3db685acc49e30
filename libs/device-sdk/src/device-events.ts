import type { EdgeError } from '@selvage/protocol';

/** A message that did not go out; of a twin or state message only the topic is known. */
export interface Unsent {
  readonly topic: string;
  readonly payload?: string | Uint8Array;
}

/** What listeners of a device get. */
export interface DeviceEvents {
  connected: [];
  /** Once for each time that the connection is lost or cannot be made; it is tried again. */
  disconnected: [reason: EdgeError];
  /** Something that somebody must look at: refused credentials, a handler that failed, a value that does not fit. */
  error: [error: EdgeError];
  /** A message will never arrive; counted in `dropped`. */
  dropped: [message: Unsent, reason: EdgeError];
}
