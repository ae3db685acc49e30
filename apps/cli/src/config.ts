import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What the environment says. The only place that reads it. */
export interface Config {
  /** `SELVAGE_URL`: the hub, before what `selvage login` wrote down. */
  readonly url?: string;
  /** `SELVAGE_TOKEN`: a bearer token, before the one of `selvage login`. */
  readonly token?: string;
  /** `SELVAGE_PASSWORD`: for `selvage login` in scripts. */
  readonly password?: string;
  /** File with what `selvage login` wrote down. */
  readonly contextFile: string;
  /** Whether output may be coloured at all (`NO_COLOR` is not set). */
  readonly mayColor: boolean;
  /** Version of this program. */
  readonly version: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the environment; an empty variable counts as not set. */
export function configOf(env: Environment = process.env): Config {
  const set = new Map(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const [url, token, password] = [set.get('SELVAGE_URL'), set.get('SELVAGE_TOKEN'), set.get('SELVAGE_PASSWORD')];
  const folder = set.get('XDG_CONFIG_HOME') ?? join(set.get('HOME') ?? homedir(), '.config');
  return {
    ...(url !== undefined && { url }),
    ...(token !== undefined && { token }),
    ...(password !== undefined && { password }),
    contextFile: join(folder, 'selvage', 'cli.json'),
    mayColor: !set.has('NO_COLOR'),
    version: versionOfPackage(),
  };
}

function versionOfPackage(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
