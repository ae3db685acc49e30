import type { Certificate } from '@selvage/protocol';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A certificate that was issued. Serial and fingerprint are lowercase hexadecimal, times ISO 8601. */
@Entity('certificates')
export class CertificateRow {
  @PrimaryColumn({ type: 'text' })
  serial!: string;

  @Column({ type: 'text' })
  fingerprint!: string;

  @Column({ type: 'text' })
  kind!: Certificate['kind'];

  @Column({ type: 'text' })
  project!: string;

  /** Of whom it identifies: a node, for instance. */
  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text', name: 'not_before' })
  notBefore!: string;

  @Column({ type: 'text', name: 'not_after' })
  notAfter!: string;

  @Column({ type: 'text', name: 'revoked_at', nullable: true })
  revokedAt!: string | null;

  @Column({ type: 'text', name: 'revoked_reason', nullable: true })
  revokedReason!: string | null;
}

/** A join token. Only the SHA-256 of its secret is kept, as `id`. */
@Entity('join_tokens')
export class JoinTokenRow {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  project!: string;

  @Column({ type: 'text' })
  node!: string;

  @Column({ type: 'text', name: 'created_at' })
  createdAt!: string;

  @Column({ type: 'text', name: 'expires_at' })
  expiresAt!: string;

  /** SHA-256 of the public key that joined with it. */
  @Column({ type: 'text', name: 'used_key', nullable: true })
  usedKey!: string | null;

  @Column({ type: 'text', name: 'used_at', nullable: true })
  usedAt!: string | null;

  @Column({ type: 'text', name: 'revoked_at', nullable: true })
  revokedAt!: string | null;
}
