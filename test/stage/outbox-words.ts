import type { DownFrame, UpFrame } from '@selvage/protocol';

/** Numbers of one start of the agent are all below those of the next. */
export const ROUND = 1_000_000;
/** Each has an order of its own. */
export const KEYS = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7'];

export type Up = Extract<UpFrame, { t: 'messages' }>;
export type Down = Extract<DownFrame, { t: 'settled' | 'rejected' }>;

/** What test and agent say to each other. */
export type ToAgent =
  | { readonly is: 'connect'; readonly link: number }
  | { readonly is: 'frame'; readonly frame: Down }
  | { readonly is: 'cut' | 'enough' | 'status' };
export type FromAgent =
  | { readonly is: 'up' }
  | { readonly is: 'stored'; readonly key: string; readonly n: number }
  | { readonly is: 'frame'; readonly link: number; readonly frame: Up }
  | { readonly is: 'left'; readonly count: number; readonly drops: number };

/** What test and hub say to each other. */
export type ToHub =
  | { readonly is: 'frame'; readonly link: number; readonly frame: Up }
  | { readonly is: 'cut'; readonly link: number }
  | { readonly is: 'rows' };
export type FromHub =
  | { readonly is: 'up' }
  | { readonly is: 'frame'; readonly link: number; readonly frame: DownFrame }
  | { readonly is: 'rows'; readonly rows: readonly { readonly key: string; readonly n: number }[] };
