import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EdgeError } from '@selvage/protocol';
import { z } from 'zod';

const absolute = z
  .string()
  .max(4096)
  .regex(/^\/[^\0]*$/, 'a path that starts with /');
const port = z.int().min(0).max(65_535);
const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']);

/** What `agent.json` in the data folder may say. */
const fileSettings = z.strictObject({
  dockerSocket: absolute.optional(),
  apiPort: port.optional(),
  mountAllowList: z.array(absolute).max(64).optional(),
  logLevel: logLevel.optional(),
  mqttPort: port.optional(),
  mqttWebSocketPort: port.optional(),
  mqttPlain: z.boolean().optional(),
  mqttPlainPort: port.optional(),
});

/** What the environment may say; it counts for more than the file. */
const environment = z.object({
  SELVAGE_DOCKER_SOCKET: absolute.optional(),
  DOCKER_HOST: z
    .string()
    .regex(/^unix:\/\/\/[^\0]+$/, 'a socket of this machine, unix:///var/run/docker.sock for instance')
    .transform((url) => url.slice('unix://'.length))
    .optional(),
  SELVAGE_API_PORT: z.coerce.number().pipe(port).optional(),
  SELVAGE_MOUNT_ALLOW_LIST: z
    .string()
    .transform((text) => text.split(',').map((path) => path.trim()))
    .transform((paths) => paths.filter((path) => path !== ''))
    .pipe(z.array(absolute).max(64))
    .optional(),
  SELVAGE_LOG_LEVEL: logLevel.optional(),
  SELVAGE_MQTT_PORT: z.coerce.number().pipe(port).optional(),
  SELVAGE_MQTT_WEBSOCKET_PORT: z.coerce.number().pipe(port).optional(),
  SELVAGE_MQTT_PLAIN: z
    .enum(['0', '1'], 'set it to 1 or 0')
    .transform((text) => text === '1')
    .optional(),
  SELVAGE_MQTT_PLAIN_PORT: z.coerce.number().pipe(port).optional(),
});

/** Everything that can be set, checked and resolved. */
export interface AgentConfig {
  /** The data folder, absolute. */
  readonly data: string;
  readonly dockerSocket: string;
  /** Port of the local API; 0 for any free one. */
  readonly apiPort: number;
  /** Host paths under which containers may mount. */
  readonly mountAllowList: readonly string[];
  readonly logLevel: z.output<typeof logLevel>;
  /** Whether the broker listens without TLS, on the loopback address. */
  readonly mqttPlain: boolean;
  /** Ports of the broker that count for more than what the hub says; 0 for any free one. */
  readonly mqttPorts: { readonly tls?: number; readonly webSocket?: number; readonly plain?: number };
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The data folder: the one given, `SELVAGE_DATA`, or that of an installed agent. */
export function dataFolder(given: string | undefined, env: Environment = process.env): string {
  return resolve(given ?? withoutEmpty(env).SELVAGE_DATA ?? '/var/lib/selvage');
}

/**
 * Reads the environment and `agent.json` of the data folder.
 * @throws EdgeError `config_invalid` whose detail has a line for each problem.
 */
export function readConfig(folder: string, env: Environment = process.env): AgentConfig {
  const path = join(folder, 'agent.json');
  const read = readSettings(path);
  const file = fileSettings.safeParse(read.settings);
  const given = environment.safeParse(withoutEmpty(env));
  if (read.problem === undefined && file.success && given.success) return merged(folder, file.data, given.data);
  const ofFile = read.problem === undefined ? problemsOf(file.error, `${path}: `) : [`  ${path}: ${read.problem}`];
  const problems = [...problemsOf(given.error, ''), ...ofFile];
  throw new EdgeError('config_invalid', `Change these settings:\n${problems.join('\n')}`);
}

function merged(data: string, file: z.output<typeof fileSettings>, env: z.output<typeof environment>): AgentConfig {
  return {
    data,
    dockerSocket: env.SELVAGE_DOCKER_SOCKET ?? file.dockerSocket ?? env.DOCKER_HOST ?? '/var/run/docker.sock',
    apiPort: env.SELVAGE_API_PORT ?? file.apiPort ?? 9780,
    mountAllowList: env.SELVAGE_MOUNT_ALLOW_LIST ?? file.mountAllowList ?? [],
    logLevel: env.SELVAGE_LOG_LEVEL ?? file.logLevel ?? 'info',
    mqttPlain: env.SELVAGE_MQTT_PLAIN ?? file.mqttPlain ?? false,
    mqttPorts: mqttPorts(file, env),
  };
}

function mqttPorts(file: z.output<typeof fileSettings>, env: z.output<typeof environment>): AgentConfig['mqttPorts'] {
  const tls = env.SELVAGE_MQTT_PORT ?? file.mqttPort;
  const webSocket = env.SELVAGE_MQTT_WEBSOCKET_PORT ?? file.mqttWebSocketPort;
  const plain = env.SELVAGE_MQTT_PLAIN_PORT ?? file.mqttPlainPort;
  return {
    ...(tls !== undefined && { tls }),
    ...(webSocket !== undefined && { webSocket }),
    ...(plain !== undefined && { plain }),
  };
}

/** What the file says, nothing when there is none; or why it cannot be read. */
function readSettings(path: string): { readonly settings: unknown; readonly problem?: string } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { settings: {} };
    return { settings: {}, problem: `cannot be read: ${wordsOf(error)}` };
  }
  try {
    const settings: unknown = JSON.parse(text);
    if (typeof settings === 'object' && settings !== null && !Array.isArray(settings)) return { settings };
    return { settings: {}, problem: 'begins with { and ends with }, see docs/configuration.md' };
  } catch (error) {
    return { settings: {}, problem: `is no JSON: ${wordsOf(error)}` };
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function withoutEmpty(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
}

function problemsOf(error: z.ZodError | undefined, where: string): string[] {
  return (error?.issues ?? []).map(({ path, message }) => {
    const setting = path.map(String).join('.');
    return `  ${where}${setting === '' ? '' : `${setting}: `}${message}`;
  });
}
