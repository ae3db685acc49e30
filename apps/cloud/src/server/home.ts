import type { FastifyInstance } from 'fastify';

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Selvage hub</title>
<h1>Selvage hub</h1>
<p>This hub looks after edge nodes and the apps on them. Use the command line: <code>selvage login</code>, then <code>selvage get nodes</code>.</p>
<ul>
<li><a href="/api/docs">The API, to read and to try</a> (<a href="/api/openapi.json">as an OpenAPI document</a>)</li>
<li><a href="/readyz">Whether the hub is ready</a></li>
<li><a href="/metrics">Figures for Prometheus</a></li>
</ul>
</html>
`;

/** What stands at `/`: the place of the console. */
export function addHome(server: FastifyInstance): void {
  server.get('/', (_request, reply) => reply.type('text/html').send(PAGE));
}
