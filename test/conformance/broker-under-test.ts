/** Where a broker listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** Port that speaks MQTT over WebSocket at the path `/`, when the broker has one. */
  readonly webSocketPort?: number;
}

/** What a broker can do beyond the plain protocol; a clause that needs more is not asked of it. */
export interface Capabilities {
  /** Sessions and retained messages outlive {@link BrokerUnderTest.restart}. */
  readonly durable: boolean;
  readonly webSocket: boolean;
  /** It lets everybody in without a user name, and these, and refuses any other pair. */
  readonly credentials: boolean;
}

/** User that a broker with the capability `credentials` knows. */
export const KNOWN_USER = { username: 'known', password: 'right' };

/**
 * The port between the suite and a broker: one real broker process (or server) on this machine that lets every client do
 * everything. Each clause uses client ids and topics of its own, so that one broker serves the whole suite.
 */
export interface BrokerUnderTest {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** How much later than one and a half keep alive times it may close a silent client: its clock's coarseness. */
  readonly keepaliveSlackMs: number;
  /** Starts the broker unless it runs and resolves when it accepts connections. */
  start(): Promise<Address>;
  /** Ends it and removes what it left on disk; works after a failed start. */
  stop(): Promise<void>;
  /** Ends it as hard as it promises to survive (SIGKILL for ours) and starts it again at the same address. */
  restart(): Promise<void>;
  /** What is wrong with the broker itself, such as a process that ended; undefined while it is well. */
  trouble(): string | undefined;
}
