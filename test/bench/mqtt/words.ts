/** What the load's process is asked, and what it answers. */
export type Order =
  | { readonly do: 'flow'; readonly flow: Flow }
  | { readonly do: 'latency'; readonly of: Latency }
  | { readonly do: 'ingest'; readonly of: Ingest }
  | { readonly do: 'idle'; readonly of: Idle }
  | { readonly do: 'connects'; readonly of: Connects };

export interface At {
  readonly port: number;
  /** Folder with the certificates of the run; without it the connection is plain. */
  readonly tls?: string;
}

/** Pairs of a publisher and its subscriber, or one publisher that all subscribers listen to. */
export interface Flow extends At {
  readonly publishers: number;
  readonly subscribers: number;
  readonly qos: 0 | 1;
  readonly bytes: number;
  /** Messages of one publisher that are not acknowledged, or at QoS 0 not delivered. */
  readonly window: number;
  readonly seconds?: number;
  /** Ends after so many deliveries instead. */
  readonly deliveries?: number;
  /** The broker's process, whose processor time is looked at. */
  readonly pid: number;
  /** One more subscriber that takes everything and never reads. */
  readonly frozen?: boolean;
}

/** Messages at all subscribers together. */
export interface Flowed {
  readonly perSecond: number;
  /** For each second of processor time that the broker used: on a shared machine it does not get every second. */
  readonly perCoreSecond: number;
  /** How busy the load was, as a share of its core. */
  readonly busy: number;
}

export interface Latency extends At {
  readonly clients: number;
  readonly seconds: number;
}

/** Milliseconds from the write of the publisher to the read of the subscriber. */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
}

/** Messages that nobody subscribes to. With `perSecond` all publishers together send so many and no more. */
export interface Ingest extends At {
  readonly publishers: number;
  readonly window: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly perSecond?: number;
  /** Topic of each publisher with `#` for its number, and the payload when it is not just bytes. */
  readonly topic: string;
  readonly payload?: string;
}

export interface Ingested {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

export interface Idle extends At {
  readonly connections: number;
  /** Of their client ids. */
  readonly prefix: string;
}

export interface Connects extends At {
  readonly sideBySide: number;
  readonly seconds: number;
}
