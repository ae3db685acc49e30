import { hostname, networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import { EdgeError } from '@selvage/protocol';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

const PORT = 'is a port number, 0 to 65535';
const port = z.coerce.number(PORT).int(PORT).min(0, PORT).max(65_535, PORT);
const host = z.string().min(1, 'is a name or an address').max(255, 'has at most 255 characters');
const path = z.string().min(1, 'is a path');
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

const ranges = z
  .string()
  .max(4096, 'has at most 4096 characters')
  .refine((text) => listOf(text).every(isRange), 'is a list of ranges such as 10.0.0.0/8, with commas between');

/** Environment variable → what it must be and what it is when it is not set. */
const environment = z.object({
  SELVAGE_DATA: path.default('.selvage'),
  SELVAGE_HTTP_HOST: host.default('127.0.0.1'),
  SELVAGE_HTTP_PORT: port.default(8080),
  SELVAGE_LINK_HOST: host.default('0.0.0.0'),
  SELVAGE_LINK_PORT: port.default(8443),
  SELVAGE_PUBLIC_URL: z.url({ protocol: /^https$/, error: 'must begin with https://' }).optional(),
  SELVAGE_HUB_NAMES: z.string().max(4096, 'has at most 4096 characters').default(''),
  SELVAGE_DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be postgres://user:password@host/database' })
    .optional(),
  SELVAGE_MASTER_KEY_FILE: path.optional(),
  SELVAGE_HEARTBEAT_SECONDS: between(1, 3600).default(30),
  SELVAGE_CERTIFICATE_DAYS: upTo(825).default(90),
  SELVAGE_DEVICE_CERTIFICATE_DAYS: upTo(3650).default(365),
  SELVAGE_TWIN_HISTORY_DAYS: upTo(3650).default(30),
  SELVAGE_RENEW_GRACE_DAYS: between(0, 3650).default(30),
  SELVAGE_ALLOWED_TARGETS: ranges.default(''),
  SELVAGE_LOG_LEVEL: z.enum(LEVELS, `is one of ${LEVELS.join(', ')}`).default('info'),
  SELVAGE_ADMIN_PASSWORD: z
    .string()
    .min(12, 'has at least 12 characters')
    .max(256, 'has at most 256 characters')
    .optional(),
});

/** Everything that can be set, checked and resolved. Times in milliseconds, lifetimes in days, paths absolute. */
export class HubConfig {
  /** The hub's own folder: database, keys, `ports.json`. */
  readonly data: string;
  readonly http: { readonly host: string; readonly port: number };
  readonly link: { readonly host: string; readonly port: number };
  /** What join commands name; absent: made from the first address and the port in use. */
  readonly publicUrl: string | undefined;
  /** Names and addresses that the certificate of the TLS port carries. */
  readonly names: readonly string[];
  readonly databaseUrl: string | undefined;
  readonly masterKeyFile: string;
  readonly heartbeatMs: number;
  readonly certificateDays: number;
  /** Of devices and apps. */
  readonly deviceCertificateDays: number;
  readonly twinHistoryDays: number;
  readonly renewGraceDays: number;
  /** Ranges of addresses that endpoints may have though they are of the hub's own machine or network. */
  readonly allowedTargets: readonly string[];
  readonly logLevel: string;
  readonly adminPassword: string | undefined;

  private constructor(given: z.output<typeof environment>) {
    this.data = resolve(given.SELVAGE_DATA, 'hub');
    this.http = { host: given.SELVAGE_HTTP_HOST, port: given.SELVAGE_HTTP_PORT };
    this.link = { host: given.SELVAGE_LINK_HOST, port: given.SELVAGE_LINK_PORT };
    this.publicUrl = given.SELVAGE_PUBLIC_URL?.replace(/\/+$/, '');
    this.names = allNames(given.SELVAGE_HUB_NAMES, given.SELVAGE_PUBLIC_URL);
    this.databaseUrl = given.SELVAGE_DATABASE_URL;
    this.masterKeyFile = resolve(given.SELVAGE_MASTER_KEY_FILE ?? join(this.data, 'master.key'));
    this.heartbeatMs = given.SELVAGE_HEARTBEAT_SECONDS * 1000;
    this.certificateDays = given.SELVAGE_CERTIFICATE_DAYS;
    this.deviceCertificateDays = given.SELVAGE_DEVICE_CERTIFICATE_DAYS;
    this.twinHistoryDays = given.SELVAGE_TWIN_HISTORY_DAYS;
    this.renewGraceDays = given.SELVAGE_RENEW_GRACE_DAYS;
    this.allowedTargets = listOf(given.SELVAGE_ALLOWED_TARGETS);
    this.logLevel = given.SELVAGE_LOG_LEVEL;
    this.adminPassword = given.SELVAGE_ADMIN_PASSWORD;
  }

  /**
   * Reads the environment.
   * @throws EdgeError `config_invalid` whose detail has a line for each problem.
   */
  static fromEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): HubConfig {
    const parsed = environment.safeParse(env);
    if (parsed.success) return new HubConfig(parsed.data);
    const problems = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
    throw new EdgeError('config_invalid', `Change these environment variables:\n${problems.join('\n')}`);
  }
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}

function isRange(text: string): boolean {
  return ipaddr.isValid(text) || ipaddr.isValidCIDR(text);
}

function between(least: number, most: number): z.ZodCoercedNumber {
  const words = `is a number, ${least} to ${most}`;
  return z.coerce.number(words).min(least, words).max(most, words);
}

function upTo(most: number): z.ZodCoercedNumber {
  const words = `is a number above 0, ${most} at most`;
  return z.coerce.number(words).positive(words).max(most, words);
}

function allNames(more: string, publicUrl: string | undefined): string[] {
  const given = more.split(',').map((name) => name.trim());
  const url = publicUrl === undefined ? [] : [new URL(publicUrl).hostname.replace(/^\[|\]$/g, '')];
  return [...new Set(['localhost', '127.0.0.1', '::1', hostname(), ...addresses(), ...given, ...url])].filter(Boolean);
}

/** Addresses of this machine that others can reach, the ones of container bridges left out. */
export function addresses(): string[] {
  return Object.entries(networkInterfaces())
    .filter(([name]) => !/^(docker|br-|veth|virbr)/.test(name))
    .flatMap(([, list]) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
}
