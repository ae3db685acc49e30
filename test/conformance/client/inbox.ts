import type { Packet, PacketCmd } from 'mqtt-packet';

export type PacketOf<C extends PacketCmd> = Extract<Packet, { cmd: C }>;

/** How long a broker may take for an answer. */
export const ANSWER_MS = 3_000;

/** What came from the broker and was not looked at yet, in order, and whether the connection ended. */
export class Inbox {
  private readonly packets: Packet[] = [];
  private readonly watchers = new Set<() => void>();
  private ending: string | undefined;

  get closed(): boolean {
    return this.ending !== undefined;
  }

  add(packet: Packet): void {
    this.packets.push(packet);
    this.wake();
  }

  /** Notes that nothing more can come. */
  end(reason: string): void {
    this.ending ??= reason;
    this.wake();
  }

  /** Whether a packet of this kind is here. */
  has(cmd: PacketCmd): boolean {
    return this.packets.some((packet) => packet.cmd === cmd);
  }

  /** Removes and gives the packets that fit, without waiting. */
  takeAll(fits: (packet: Packet) => boolean): Packet[] {
    const taken = this.packets.filter(fits);
    this.packets.splice(0, this.packets.length, ...this.packets.filter((packet) => !fits(packet)));
    return taken;
  }

  /** Removes and gives the first packet that fits, waiting for it; others stay. */
  async take<P extends Packet>(fits: (packet: Packet) => packet is P, what: string): Promise<P> {
    const found = (): P | undefined => this.packets.find(fits);
    await this.until(() => found() !== undefined || this.closed, ANSWER_MS);
    const packet = found();
    if (packet === undefined) throw new Error(`expected ${what}, but ${this.state()}`);
    this.packets.splice(this.packets.indexOf(packet), 1);
    return packet;
  }

  /** Waits for the end of the connection. */
  async ended(timeoutMs: number): Promise<void> {
    await this.until(() => this.closed, timeoutMs);
    if (!this.closed) throw new Error(`expected the connection to be closed, but ${this.state()}`);
  }

  /** What is here, for an error. */
  state(): string {
    const came = this.packets.length === 0 ? 'nothing came' : `came: ${this.packets.map(show).join(', ')}`;
    return `${this.ending ?? 'the connection is open'}; ${came}`;
  }

  private async until(met: () => boolean, timeoutMs: number): Promise<void> {
    if (met()) return;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (met()) done();
      };
      const done = (): void => {
        clearTimeout(deadline);
        this.watchers.delete(look);
        resolve();
      };
      const deadline = setTimeout(done, timeoutMs);
      this.watchers.add(look);
    });
  }

  private wake(): void {
    for (const look of this.watchers) look();
  }
}

/** A packet in a few words. */
function show(packet: Packet): string {
  if (packet.cmd === 'publish') {
    const { topic, payload, qos, retain, dup } = packet;
    const flags = `${retain ? ' retain' : ''}${dup ? ' dup' : ''}`;
    return `publish ${topic} "${payload.toString().slice(0, 40)}" qos ${qos}${flags}`;
  }
  if (packet.cmd === 'connack') return `connack ${packet.returnCode ?? '?'}`;
  if (packet.cmd === 'suback') return `suback ${packet.granted.map(Number).join(' ')}`;
  return packet.cmd;
}
