/** The endpoints about message endpoints and routes; part of the table in `http.ts`. */
import { crud, endpoint, named, noQuery, none, PROJECT_PATH } from './endpoint.js';
import * as ends from './message-endpoints.js';
import { listQuery } from './resources.js';
import * as routes from './routes.js';

const deadPath = `${PROJECT_PATH}/routes/{name}/dead-letters`;

/** What a route to the endpoint `live` carries, while somebody looks. */
export const routeLive = endpoint({
  method: 'GET',
  path: `${PROJECT_PATH}/routes/{name}/live`,
  role: 'viewer',
  scope: 'project',
  summary: 'Server-sent events with the messages of a route to the endpoint "live", each a LiveMessage as JSON',
  params: named,
  query: noQuery,
  body: none,
  answer: none,
  stream: 'events',
});

export const routeEndpoints = {
  endpoints: {
    ...crud({
      plural: 'endpoints',
      singular: 'endpoint',
      item: ends.messageEndpoint,
      write: ends.endpointWrite,
      list: ends.endpointList,
      patch: ends.endpointPatch,
      remove: noQuery,
    }),
    test: endpoint({
      method: 'POST',
      path: `${PROJECT_PATH}/endpoints/{name}/test`,
      role: 'operator',
      scope: 'project',
      summary: 'Try whether an endpoint can be reached with its credentials',
      params: named,
      query: noQuery,
      body: none,
      answer: ends.endpointTest,
    }),
  },
  routes: {
    ...crud({
      plural: 'routes',
      singular: 'route',
      item: routes.route,
      write: routes.routeWrite,
      list: routes.routeList,
      patch: routes.routePatch,
      remove: noQuery,
    }),
    live: routeLive,
    dead: endpoint({
      method: 'GET',
      path: deadPath,
      role: 'viewer',
      scope: 'project',
      summary: 'List the messages that a route gave up',
      params: named,
      query: listQuery,
      body: none,
      answer: routes.deadLetterPage,
    }),
    replay: endpoint({
      method: 'POST',
      path: `${deadPath}/replay`,
      role: 'operator',
      scope: 'project',
      summary: 'Send messages again that a route gave up',
      params: named,
      query: noQuery,
      body: routes.deadLetterChoice,
      answer: routes.deadLetterCount,
    }),
    discard: endpoint({
      method: 'POST',
      path: `${deadPath}/discard`,
      role: 'operator',
      scope: 'project',
      summary: 'Throw away messages that a route gave up',
      params: named,
      query: noQuery,
      body: routes.deadLetterChoice,
      answer: routes.deadLetterCount,
    }),
  },
} as const;
