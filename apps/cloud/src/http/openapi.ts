import { type Endpoint, errorBody, type Scope } from '@selvage/protocol';
import { z } from 'zod';

type Json = Record<string, unknown>;

/** What a token limited to projects gets. */
const LIMITED: Readonly<Record<Scope, string>> = {
  caller: '',
  project: '',
  reach: ' A token limited to projects reaches only what is in them.',
  hub: ' A token limited to projects is refused.',
};

/** The OpenAPI 3.1 document of a table of endpoints, made from the schemas that the hub parses requests with. */
export function openApi(groups: Readonly<Record<string, Readonly<Record<string, Endpoint>>>>, version: string): Json {
  const paths: Record<string, Json> = {};
  for (const [tag, group] of Object.entries(groups)) {
    for (const [verb, endpoint] of Object.entries(group)) {
      (paths[endpoint.path] ??= {})[endpoint.method.toLowerCase()] = operation(`${tag}.${verb}`, tag, endpoint);
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Selvage hub', version, license: { name: 'Apache-2.0' } },
    security: [{ token: [] }],
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: schema(errorBody) },
    },
    paths,
  };
}

function operation(operationId: string, tag: string, endpoint: Endpoint): Json {
  const { summary, stream } = endpoint;
  const body = schema(endpoint.body);
  return {
    operationId,
    tags: [tag],
    summary,
    description: needs(endpoint),
    ...(endpoint.role === 'public' ? { security: [] } : {}),
    parameters: [...parameters('path', endpoint.params), ...parameters('query', endpoint.query)],
    ...(isNothing(endpoint.body)
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: { ...success(endpoint, stream), default: failure() },
  };
}

function needs({ role, scope }: Endpoint): string {
  return role === 'public' ? 'Needs no login.' : `Needs the role ${role}.${LIMITED[scope]}`;
}

function success(endpoint: Endpoint, stream: Endpoint['stream']): Json {
  if (stream !== undefined) {
    const type = stream === 'events' ? 'text/event-stream' : 'text/plain';
    return { 200: { description: 'A stream', content: { [type]: { schema: { type: 'string' } } } } };
  }
  if (isNothing(endpoint.answer)) return { 204: { description: 'Done' } };
  const status = endpoint.method === 'POST' ? 201 : 200;
  return {
    [status]: { description: 'Done', content: { 'application/json': { schema: schema(endpoint.answer, 'output') } } },
  };
}

function failure(): Json {
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };
  return { description: 'What went wrong and what to do about it', content };
}

function parameters(place: 'path' | 'query', of: z.ZodType): Json[] {
  const { properties = {}, required = [] } = schema(of) as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(properties).map(([name, described]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: described,
  }));
}

function schema(of: z.ZodType, io: 'input' | 'output' = 'input'): Json {
  if (isNothing(of)) return {};
  const described = Object.entries(z.toJSONSchema(of, { io, unrepresentable: 'any' }));
  return Object.fromEntries(described.filter(([key]) => key !== '$schema'));
}

function isNothing(of: z.ZodType): boolean {
  return of instanceof z.ZodUndefined;
}
