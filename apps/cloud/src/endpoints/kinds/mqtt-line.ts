import type { Duplex } from 'node:stream';
import mqtt, { type IClientOptions } from 'mqtt';

type Client = InstanceType<typeof mqtt.MqttClient>;

export interface LineOptions extends Pick<IClientOptions, 'clientId' | 'username' | 'password' | 'connectTimeout'> {
  readonly socket: () => Duplex;
}

/** One connection to a broker. It is never made again by itself: whoever wants another one opens it. */
export class MqttLine {
  /** Why it is over. */
  private why: Error | undefined;
  /** Messages that had no answer when it ended. */
  private left = 0;
  private readonly unanswered = new Set<(why: Error) => void>();

  private readonly client: Client;

  /** Begins to connect. */
  constructor({ socket, ...options }: LineOptions) {
    this.client = new mqtt.MqttClient(socket, {
      ...options,
      protocolVersion: 4,
      clean: true,
      keepalive: 30,
      // One client, one connection: when to try again, and with what, is for the pump of each route to say.
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
    });
    this.client.on('error', (error) => {
      this.why ??= error;
    });
    this.client.on('close', () => {
      this.over();
    });
  }

  /** Resolves when the broker lets us in. @throws Error with its word when it does not. */
  opened(): Promise<void> {
    return this.answered((resolve) => this.client.once('connect', resolve));
  }

  get isOpen(): boolean {
    return this.client.connected && this.why === undefined;
  }

  /** Whether it ended while exactly one message had no answer. */
  get endedOverOne(): boolean {
    return this.left === 1;
  }

  /** Resolves when the broker has the message (PUBACK). @throws Error when the connection ends before that. */
  publish(topic: string, payload: Uint8Array, { retain }: { readonly retain: boolean }): Promise<void> {
    return this.answered((resolve, reject) => {
      this.client.publish(topic, Buffer.from(payload), { qos: 1, retain }, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Says goodbye when there is still somebody. */
  close(): void {
    this.client.end(!this.isOpen);
  }

  /** Ends without a word. */
  drop(why: Error): void {
    this.why ??= why;
    this.client.end(true);
    this.over();
  }

  private answered(ask: (resolve: () => void, reject: (error: Error) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.why !== undefined) {
        reject(this.why);
        return;
      }
      const end = (why: Error): void => {
        this.unanswered.delete(end);
        reject(why);
      };
      this.unanswered.add(end);
      ask(() => {
        this.unanswered.delete(end);
        resolve();
      }, end);
    });
  }

  private over(): void {
    this.why ??= new Error('it closed the connection');
    this.left = Math.max(this.left, this.unanswered.size);
    for (const end of [...this.unanswered]) end(this.why);
    this.client.end(true);
  }
}
