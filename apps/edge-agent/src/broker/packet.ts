/** On a message that was handed out; a weak set of them is work for the garbage collector. */
export const EMITTED = Symbol('emitted');

/** A message as aedes hands it over. */
export interface BrokerPacket {
  cmd: string;
  topic: string;
  payload: Buffer | string;
  qos: number;
  retain: boolean;
  dup?: boolean;
  messageId?: number | undefined;
  brokerId?: string;
  brokerCounter?: number;
  [EMITTED]?: true;
}

export function bytesOf(payload: Buffer | string): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload, 'utf8') : payload;
}
