import type { Deviation } from './deviation.js';

const STAYS_OPEN = /expected the connection to be closed, but it answers pings/;
const LETS_IN = /expected a refusal, but it was answered with CONNACK 0/;

/** Packets that its parser or handlers accept although they are malformed. */
const malformed: readonly Deviation[] = [
  {
    of: / in (a topic name|a filter of (UN)?SUBSCRIBE) closes the connection$/,
    seen: STAYS_OPEN,
    reason: 'The parser decodes any bytes with toString: bad UTF-8 becomes U+FFFD, U+0000 stays.',
  },
  {
    of: / in (a client id|a will topic) closes the connection$/,
    seen: LETS_IN,
    reason: 'As for topics: two different bad client ids become one.',
  },
  {
    of: [
      'CONNECT with will QoS 3 is refused',
      'CONNECT with a password flag but no user name flag is refused',
      'CONNECT with more payload than its flags announce is refused',
      'the name MQIsdp with level 4 is refused',
      'the name MQTT with level 3 is refused',
    ],
    seen: LETS_IN,
    reason: 'The parser of CONNECT checks neither these flags, nor its end, nor that name and level belong together.',
  },
  {
    of: ['CONNECT with an unknown protocol level is answered with CONNACK 1, then closed'],
    seen: /return codes: expected \[1\], but it was \[\]/,
    reason: 'The parser throws before the handler that would answer: closed without CONNACK.',
  },
  {
    of: [
      'an empty client id without a clean session gets CONNACK 2, then is closed',
      'a client of MQTT 3.1 without an id gets CONNACK 2, then is closed',
    ],
    seen: /return codes: expected \[2\], but it was \[0\]/,
    reason: 'It makes an id up whatever the session and the version are; such a session is never found again.',
  },
  {
    of: [
      'PUBLISH of QoS 1 with packet id 0 closes the connection',
      'PUBLISH of QoS 2 with packet id 0 closes the connection',
      'PUBLISH of QoS 1 that ends before its packet id closes the connection',
      'SUBSCRIBE with packet id 0 closes the connection',
      'UNSUBSCRIBE with packet id 0 closes the connection',
      'UNSUBSCRIBE without a filter closes the connection',
      'PUBACK without a packet id closes the connection',
      'PUBACK with half a packet id closes the connection',
      'PUBREL without a packet id closes the connection',
      'PINGREQ with a body closes the connection',
    ],
    seen: STAYS_OPEN,
    reason: 'Packet id 0 is never checked, and the parser reads a missing one from the packet that follows.',
  },
  {
    of: ['the filter +a is refused', 'the filter a/+b is refused'],
    seen: /return codes: expected \[128\], but it was \[0\]/,
    reason: 'validateTopic does not look at the last character behind a +: off by one.',
  },
  {
    of: /^a will topic with a wildcard \(a\/.\) is refused or never published$/,
    seen: /expected no message, but came:/,
    reason: 'A will topic is never validated.',
  },
  {
    of: ['a PUBLISH behind DISCONNECT is ignored'],
    seen: /expected no message, but came:/,
    reason: 'The rest of a segment is still handled after its connection was destroyed.',
  },
  {
    of: ['a text frame closes the connection even when its bytes are a packet'],
    seen: STAYS_OPEN,
    reason: 'The stream over ws does not tell text from binary: whoever opens the listener has to.',
  },
];

/** Messages that come with a wrong flag or QoS, in a wrong order, twice or never. */
const delivery: readonly Deviation[] = [
  {
    of: ['DUP of a publisher is not passed on'],
    seen: /"payload":"one","dup":true/,
    reason: 'The packet is forwarded with the flag of the publisher.',
  },
  {
    of: [
      'PUBLISH of QoS 1 without PUBACK is sent again with DUP and the same packet id',
      'PUBLISH of QoS 1 without PUBACK is sent again after DISCONNECT too',
      'PUBLISH of QoS 1 is sent again at every reconnect until its PUBACK',
      'PUBLISH of QoS 2 without PUBREC is sent again with DUP and the same packet id',
      'a message of QoS 1 in flight is sent again after UNSUBSCRIBE and a reconnect',
    ],
    seen: /but it was \{.*"dup":false/,
    reason: 'It is sent again with the same packet id, but nothing remembers that it was sent before.',
  },
  {
    of: [
      'a message of QoS 2 comes to a wildcard subscription of QoS 1 with QoS 1',
      'unsubscribing one of two overlapping filters leaves the other with its QoS',
      'a retained message comes to a wildcard with at most the QoS of the subscription',
      'a message that waits has at most the QoS of the subscription',
    ],
    seen: /but it was \{.*"qos":2/,
    reason: 'The QoS is lowered only when a filter equals the topic, and never for what waits.',
  },
  {
    of: ['overlapping subscriptions deliver with the highest QoS of them at least once'],
    seen: /highest QoS: expected 2, but it was 0/,
    reason: 'The first subscription that matches wins, the others are taken for duplicates.',
  },
  {
    of: ['every copy that overlapping subscriptions of a session that is away give can be acknowledged'],
    seen: /expected pubrel, but the connection was closed/,
    reason: 'One copy per filter is queued under one broker counter; acknowledging the second is an error that closes.',
  },
  {
    of: ['a session that comes back gets what waited before what is new'],
    seen: /payloads: expected|the connection was closed/,
    reason:
      'Live delivery starts before the queue is emptied, and may even close the connection for an unknown packet.',
    race: true,
  },
  {
    of: ['the packet id of a message in flight is not used again, even after 65535 others'],
    seen: /the packet id in flight was used again/,
    reason: 'It counts packet ids up and does not look which are in use.',
  },
  {
    of: ['a message published with retain comes to a session that was away with RETAIN 0'],
    seen: /"payload":"live","retain":true/,
    reason: 'The flag is cleared for live delivery only, not for what waits.',
  },
  {
    of: ['a retained message of QoS 1 that was not acknowledged is sent again after a reconnect'],
    seen: /expected publish, but the connection is open; nothing came/,
    reason: 'A retained message sent for a subscription is not stored as in flight.',
  },
  {
    of: ['a retained message at a $ topic does not come to #'],
    seen: /messages from \$ topics: expected 0/,
    reason: 'The search for retained messages does not know the rule about $.',
  },
  {
    of: ['one filter twice in a SUBSCRIBE gives two codes, and the last one holds'],
    seen: /return codes: expected \[2,0\], but it was \[0\]/,
    reason: 'Equal filters are merged before they are counted.',
  },
  {
    of: ['a stored session without any subscription is present'],
    seen: /expected \{"sessionPresent":true\}, but it was \{"sessionPresent":false\}/,
    reason: 'A session exists for it only while there are subscriptions.',
  },
];

/** What aedes 1.2.0 does otherwise than the standard says, as long as nothing repairs it. */
export const rawAedesDeviations: readonly Deviation[] = [...malformed, ...delivery];
