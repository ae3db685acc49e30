/** The hub's gateway, where requests become messages of routes whose source is `rest`. */
import { z } from 'zod';

/** `/gateway/{project}`, and then the path that a route's template fits. */
export const GATEWAY_PATH = '/gateway';

/**
 * How a request is signed that has no bearer token. `key`: a secret of type `data` of the project, whose property `gateway` is the key
 * of the signature. `timestamp`: seconds since 1970. `signature`: `v1=` and, in hexadecimal, the HMAC-SHA-256 of `signedText` and the
 * body.
 */
export const SIGNED_HEADERS = {
  key: 'selvage-key',
  timestamp: 'selvage-timestamp',
  signature: 'selvage-signature',
} as const;
/** Property of the secret. */
export const GATEWAY_PROPERTY = 'gateway';
/** Shortest key of a signature, characters. */
export const MIN_GATEWAY_KEY = 16;
/** How far the clock of who signs may be from the hub's. */
export const SIGNED_SECONDS = 300;

/**
 * What is signed before the body. `target`: path and query as they are sent, `/gateway/…?…`. Lines, so that no byte of the path can pass
 * for one of the body.
 */
export function signedText({ timestamp, method, target }: Record<'timestamp' | 'method' | 'target', string>): string {
  return `${timestamp}\n${method}\n${target}\n`;
}

/** Answer of the gateway, 202, when it has stored a message. `kept` false: the filter of the route leaves it out. */
export const gatewayTaken = z.object({ id: z.string(), kept: z.boolean() });
export type GatewayTaken = z.infer<typeof gatewayTaken>;
