import type { Certificate } from '@selvage/protocol';
import { moment } from '../output/index.js';

/** One line for each certificate, with what became of it. */
export function certificateLines(certificates: readonly Certificate[], now: number): string[] {
  return certificates.map(({ serial, notBefore, notAfter, revokedAt, revokedReason }) => {
    const fate = revokedAt === undefined ? '' : `, revoked ${moment(revokedAt, now)}: ${revokedReason ?? ''}`;
    return `${serial} valid from ${moment(notBefore, now)} until ${moment(notAfter, now)}${fate}`;
  });
}
