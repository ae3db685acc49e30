import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import serveFiles from '@fastify/static';
import { endpoints } from '@selvage/protocol';
import type { FastifyInstance } from 'fastify';
import { openApi } from '../http/index.js';
import { DOCS_POLICY } from './security.js';

const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Selvage API</title>
<link rel="icon" href="/api/docs/favicon-32x32.png">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
<main id="api"></main>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</html>
`;
const START = `SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null });\n`;

/** `/api/openapi.json`, and `/api/docs` to read it: the same table of endpoints that the controllers are made from. */
export async function addDocs(server: FastifyInstance, version: string): Promise<void> {
  const document = JSON.stringify(openApi(endpoints, version));
  await server.register(serveFiles, { root: assetsFolder(), serve: false });
  const page = { helmet: DOCS_POLICY };
  server.get('/api/openapi.json', (_request, reply) => reply.type('application/json').send(document));
  server.get('/api/docs', page, (_request, reply) => reply.type('text/html').send(PAGE));
  server.get('/api/docs/start.js', (_request, reply) => reply.type('text/javascript').send(START));
  for (const name of ASSETS) server.get(`/api/docs/${name}`, (_request, reply) => reply.sendFile(name));
}

/** Swagger UI, as @nestjs/swagger brings it along. */
function assetsFolder(): string {
  const nest = createRequire(import.meta.url).resolve('@nestjs/swagger');
  return dirname(createRequire(nest).resolve('swagger-ui-dist/package.json'));
}
