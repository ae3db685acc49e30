/** Answers to clients that ask for an encrypted value in IEF's way. */
import { type DesiredEncrypted, encryptedTopic, parseTopic } from '@selvage/protocol';
import type { Outgoing } from './publisher.js';

/** The topics on which encrypted values are asked for. */
export const DECRYPT = '$hw/+/encryptdatas/+/properties/+/decrypt';

/** The answer to a request; undefined when it is none of this project. The payload of a request is not read. */
export function plaintext(project: string, topic: string, section: DesiredEncrypted | undefined): Outgoing | undefined {
  const asked = parseTopic(topic);
  if (asked?.kind !== 'encrypted' || asked.of !== 'decrypt' || asked.project !== project) return undefined;
  const data = section?.datas.find(({ name }) => name === asked.data);
  const value = data && Object.hasOwn(data.properties, asked.property) ? data.properties[asked.property] : undefined;
  const missing = `This node has no property ${asked.property} of encrypted data ${asked.data}.`;
  const answer = value === undefined ? { ret_code: 400, ret_message: missing } : { ret_code: 200, plain_text: value };
  return { topic: encryptedTopic('plaintext', asked), payload: JSON.stringify(answer) };
}
