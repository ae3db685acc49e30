import type { Role } from '@selvage/protocol';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A person. */
@Entity('users')
export class User {
  @PrimaryColumn({ type: 'text' })
  username!: string;

  @Column({ type: 'text', name: 'password_hash' })
  passwordHash!: string;

  @Column({ type: 'text' })
  role!: Role;
}

/** A bearer token, of a login or of a program. Only its SHA-256 is kept, as `id`. */
@Entity('tokens')
export class Token {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  /** Name of an API token; null for the token of a login. */
  @Column({ type: 'text', nullable: true })
  name!: string | null;

  /** Who logged in, or who made the API token. */
  @Column({ type: 'text' })
  username!: string;

  @Column({ type: 'text' })
  role!: Role;

  @Column({ type: 'simple-json', nullable: true })
  projects!: string[] | null;

  @Column({ type: 'text', name: 'created_at' })
  createdAt!: string;

  @Column({ type: 'text', name: 'expires_at', nullable: true })
  expiresAt!: string | null;

  @Column({ type: 'text', name: 'last_used_at', nullable: true })
  lastUsedAt!: string | null;
}
