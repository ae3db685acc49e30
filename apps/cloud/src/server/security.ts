import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

type Policy = Record<string, string[]>;

/** For what is no page: nothing may be loaded, run or framed. */
export const NOTHING: Policy = {
  'default-src': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
};

/** For the API's own documentation, whose reader sets styles in the page. */
export const DOCS_POLICY = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      ...NOTHING,
      'script-src': ["'self'"],
      'style-src': ["'self'", "'unsafe-inline'"],
      'img-src': ["'self'", 'data:'],
      'connect-src': ["'self'"],
    },
  },
};

/** Security headers on every answer. The hub itself speaks plain HTTP on loopback, so demanding TLS is left to what stands before it. */
export async function addSecurityHeaders(server: FastifyInstance): Promise<void> {
  await server.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: NOTHING },
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
  });
}
