import type { Deviation } from './deviation.js';

const STAYS_OPEN = /expected the connection to be closed, but it answers pings/;

/** What mosquitto 2.0.11 does otherwise than the standard says. */
export const mosquittoDeviations: readonly Deviation[] = [
  {
    of: [
      'PINGREQ with a reserved flag closes the connection',
      'PUBACK with a reserved flag closes the connection',
      'PUBREC with a reserved flag closes the connection',
      'PUBCOMP with a reserved flag closes the connection',
    ],
    seen: STAYS_OPEN,
    reason: 'It does not check the reserved flags of these packets.',
  },
  {
    of: ['PINGREQ with a body closes the connection'],
    seen: STAYS_OPEN,
    reason: 'It skips a body where none belongs.',
  },
  {
    of: [
      'SUBACK from a client closes the connection',
      'UNSUBACK from a client closes the connection',
      'PINGRESP from a client closes the connection',
    ],
    seen: STAYS_OPEN,
    reason: 'A broker that can be a bridge has to understand these packets; it does so on every connection.',
  },
  {
    of: ['the packet id of a message in flight is not used again, even after 65535 others'],
    seen: /the packet id in flight was used again/,
    reason: 'It counts packet ids up and does not look which are in use.',
  },
  {
    of: ['the will is published when the broker closes for a second CONNECT'],
    seen: /expected publish, but the connection is open; nothing came/,
    reason: 'It drops the will of the connection together with the second CONNECT.',
  },
];
