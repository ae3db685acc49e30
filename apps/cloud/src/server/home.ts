import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { NOTHING } from './security.js';

const STYLE = `body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 4rem auto; padding: 0 1.5rem; }
pre { padding: 0.75rem 1rem; border: 1px solid #8886; border-radius: 0.4rem; overflow-x: auto; }`;

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Selvage hub</title>
<style>${STYLE}</style>
<h1>Selvage hub</h1>
<p>This hub looks after edge nodes, the apps on them and the devices at them. Use the command line:</p>
<pre><code>selvage login
selvage get nodes
selvage --help</code></pre>
<ul>
<li><a href="/api/docs">The API, to read and to try</a> (<a href="/api/openapi.json">as an OpenAPI document</a>);
it takes a token that <code>selvage token create</code> makes</li>
<li><a href="/readyz">Whether the hub is ready</a></li>
<li><a href="/metrics">Figures for Prometheus</a></li>
</ul>
</html>
`;

/** The page's own style is all that it may use. */
const POLICY = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { ...NOTHING, 'style-src': [`'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`] },
  },
};

/** What stands at `/`: the place of the console. */
export function addHome(server: FastifyInstance): void {
  server.get('/', { helmet: POLICY }, (_request, reply) => reply.type('text/html').send(PAGE));
}
