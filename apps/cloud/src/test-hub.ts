import { endpoints, type Endpoint, errorBody } from '@selvage/protocol';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@selvage/testkit';
import { pino } from 'pino';
import { DataSource } from 'typeorm';
import { HubConfig } from './config.js';
import { createHub, type Hub } from './create-hub.js';

/** What a hub answered: `body` is its JSON, or undefined. */
export interface TestAnswer {
  readonly status: number;
  readonly code: string | undefined;
  readonly body: unknown;
}
export interface TestRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly token?: string;
}

/** A whole hub in this process, on ports of its own. */
export class TestHub {
  static readonly PASSWORD = 'a password of a test';

  private constructor(
    private readonly folder: TempDir,
    private readonly config: HubConfig,
    private readonly hub: Hub,
    readonly url: string,
    readonly linkPort: number,
    /** Of a login as administrator. */
    readonly admin: string,
  ) {}

  /** `databaseUrl`: of a PostgreSQL database, none for SQLite. `more`: what else stands in its environment. */
  static async start(databaseUrl?: string, more: Readonly<Record<string, string>> = {}): Promise<TestHub> {
    const folder = tempDir();
    const config = HubConfig.fromEnvironment({
      SELVAGE_DATA: folder.path,
      SELVAGE_HTTP_PORT: '0',
      SELVAGE_LINK_HOST: '127.0.0.1',
      SELVAGE_LINK_PORT: '0',
      SELVAGE_ADMIN_PASSWORD: TestHub.PASSWORD,
      SELVAGE_DATABASE_URL: databaseUrl,
      ...more,
    });
    const hub = createHub(config, pino({ level: 'silent' }));
    const { httpPort, linkPort } = await hub.start();
    const url = `http://127.0.0.1:${httpPort}`;
    return new TestHub(folder, config, hub, url, linkPort, await login(url));
  }

  /** Logs the administrator in once more. */
  login(): Promise<string> {
    return login(this.url);
  }

  async stop(): Promise<void> {
    await this.hub.stop();
    this.folder.remove();
  }

  /** The head and the stream of an answer; without a token, as the administrator. */
  open({ method, path, body, token = this.admin }: TestRequest, signal?: AbortSignal): Promise<Response> {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = { authorization: `Bearer ${token}`, ...type };
    return fetch(`${this.url}${path}`, { method, headers, ...text, ...(signal && { signal }) });
  }

  /** Runs a statement on the hub's database, past the hub. */
  async query(statement: string): Promise<unknown> {
    const url = this.config.databaseUrl;
    const file = join(this.config.data, 'hub.db');
    const source = new DataSource(
      url === undefined ? { type: 'sqlite', database: file, busyTimeout: 5000 } : { type: 'postgres', url },
    );
    await source.initialize();
    try {
      return await source.query(statement);
    } finally {
      await source.destroy();
    }
  }

  /** Asks; of an answer that goes on, only the head is read. */
  async ask(request: TestRequest): Promise<TestAnswer> {
    const ended = new AbortController();
    const answer = await this.open(request, ended.signal);
    const isJson = answer.headers.get('content-type')?.includes('json') === true;
    const body: unknown = isJson ? await answer.json() : undefined;
    ended.abort();
    return { status: answer.status, code: errorBody.safeParse(body).data?.code, body };
  }

  /** Makes an API token as the administrator, or whoever has `token`. */
  async makeToken(body: object, token?: string): Promise<string> {
    const { method, path, answer } = endpoints.tokens.make;
    return answer.parse((await this.ask({ method, path, body, ...(token !== undefined && { token }) })).body).token;
  }
}

async function login(url: string): Promise<string> {
  const { method, path, answer } = endpoints.session.login;
  const body = JSON.stringify({ username: 'admin', password: TestHub.PASSWORD });
  const response = await fetch(`${url}${path}`, { method, headers: { 'content-type': 'application/json' }, body });
  return answer.parse(await response.json()).token;
}

/** Every endpoint that a caller must be known for, by method and path. */
export const CALLED: readonly (readonly [name: string, endpoint: Endpoint])[] = Object.values(endpoints)
  .flatMap((group) => Object.values<Endpoint>(group))
  .filter(({ role }) => role !== 'public')
  .map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const);

/** A request to an endpoint with a path that fits and an empty body. */
export function requestOf({ method, path }: Endpoint, project: string): TestRequest {
  const filled = path.replace('{project}', project).replace('{name}', 'no-such').replace('{serial}', '0f');
  return { method, path: filled, ...(method !== 'GET' && method !== 'DELETE' && { body: {} }) };
}
