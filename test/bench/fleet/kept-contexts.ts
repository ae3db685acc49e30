import tls, { type SecureContext, type SecureContextOptions } from 'node:tls';

/**
 * Makes each key and certificate into a TLS context once instead of at every dial. An agent is one of thousands of machines and can
 * afford it; here all of them share one core, and this would be a third of the work.
 */
export function keepContexts(): void {
  const make = tls.createSecureContext;
  const kept = new Map<string, SecureContext>();
  tls.createSecureContext = (options: SecureContextOptions = {}): SecureContext => {
    const { key, ca } = options;
    if (typeof key !== 'string' || typeof ca !== 'string') return make(options);
    const known = kept.get(key + ca) ?? make(options);
    kept.set(key + ca, known);
    return known;
  };
}
