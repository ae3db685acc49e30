/** Every HTTP endpoint of the hub once, as data: the hub's controllers, the OpenAPI document and the client all read this table. */
import { z } from 'zod';
import * as apps from './apps.js';
import * as certificates from './certificates.js';
import { brokerShown } from './brokers.js';
import { deviceEndpoints } from './devices-http.js';
import { crud, endpoint, inProject, named, none, noQuery, PROJECT_PATH } from './endpoint.js';
import { name } from './ids.js';
import * as nodes from './nodes.js';
import { listQuery } from './resources.js';
import * as secrets from './secrets.js';
import * as users from './users.js';

export const endpoints = {
  session: {
    login: endpoint({
      method: 'POST',
      path: '/api/v1/login',
      role: 'public',
      summary: 'Trade user name and password for a bearer token',
      params: noQuery,
      query: noQuery,
      body: users.loginRequest,
      answer: users.loginAnswer,
    }),
    logout: endpoint({
      method: 'POST',
      path: '/api/v1/logout',
      role: 'viewer',
      summary: 'End the session of this token',
      params: noQuery,
      query: noQuery,
      body: none,
      answer: none,
    }),
    me: endpoint({
      method: 'GET',
      path: '/api/v1/me',
      role: 'viewer',
      summary: 'Who am I',
      params: noQuery,
      query: noQuery,
      body: none,
      answer: users.me,
    }),
    password: endpoint({
      method: 'PUT',
      path: '/api/v1/me/password',
      role: 'viewer',
      summary: 'Change the own password',
      params: noQuery,
      query: noQuery,
      body: users.passwordChange,
      answer: none,
    }),
  },
  tokens: {
    list: endpoint({
      method: 'GET',
      path: '/api/v1/tokens',
      role: 'admin',
      summary: 'List API tokens',
      params: noQuery,
      query: listQuery,
      body: none,
      answer: users.apiTokenPage,
    }),
    make: endpoint({
      method: 'POST',
      path: '/api/v1/tokens',
      role: 'admin',
      summary: 'Make an API token',
      params: noQuery,
      query: noQuery,
      body: users.apiTokenWrite,
      answer: users.apiTokenMade,
    }),
    remove: endpoint({
      method: 'DELETE',
      path: '/api/v1/tokens/{name}',
      role: 'admin',
      summary: 'Revoke an API token',
      params: z.strictObject({ name }),
      query: noQuery,
      body: none,
      answer: none,
    }),
  },
  projects: {
    list: endpoint({
      method: 'GET',
      path: '/api/v1/projects',
      role: 'viewer',
      summary: 'List projects',
      params: noQuery,
      query: listQuery,
      body: none,
      answer: users.projectPage,
    }),
    put: endpoint({
      method: 'PUT',
      path: '/api/v1/projects/{project}',
      role: 'admin',
      summary: 'Create or change a project',
      params: inProject,
      query: noQuery,
      body: users.projectWrite,
      answer: users.project,
    }),
    remove: endpoint({
      method: 'DELETE',
      path: '/api/v1/projects/{project}',
      role: 'admin',
      summary: 'Delete an empty project',
      params: inProject,
      query: noQuery,
      body: none,
      answer: none,
    }),
  },
  audit: {
    list: endpoint({
      method: 'GET',
      path: '/api/v1/audit',
      role: 'admin',
      summary: 'Read the audit log, newest first',
      params: noQuery,
      query: listQuery,
      body: none,
      answer: users.auditPage,
    }),
  },
  nodes: {
    ...crud({
      plural: 'nodes',
      singular: 'node',
      item: nodes.node,
      write: nodes.nodeWrite,
      list: nodes.nodeList,
      patch: nodes.nodePatch,
      remove: noQuery,
    }),
    broker: endpoint({
      method: 'GET',
      path: `${PROJECT_PATH}/nodes/{name}/broker`,
      role: 'viewer',
      summary: "Ask a node for its broker's listeners, clients, subscriptions and counters",
      params: named,
      query: noQuery,
      body: none,
      answer: brokerShown,
    }),
    join: endpoint({
      method: 'POST',
      path: `${PROJECT_PATH}/nodes/{name}/join-token`,
      role: 'operator',
      summary: 'Make a single-use join token',
      params: named,
      query: noQuery,
      body: nodes.joinTokenRequest,
      answer: nodes.joinToken,
    }),
  },
  certificates: {
    list: endpoint({
      method: 'GET',
      path: `${PROJECT_PATH}/nodes/{name}/certificates`,
      role: 'viewer',
      summary: 'List the certificates of a node',
      params: named,
      query: listQuery,
      body: none,
      answer: certificates.certificatePage,
    }),
    revoke: endpoint({
      method: 'POST',
      path: `${PROJECT_PATH}/certificates/{serial}/revoke`,
      role: 'operator',
      summary: 'Revoke a certificate',
      params: inProject.extend({ serial: z.string().regex(/^[0-9a-f]{1,40}$/) }),
      query: noQuery,
      body: certificates.revokeRequest,
      answer: certificates.certificate,
    }),
  },
  ...deviceEndpoints,
  secrets: crud({
    plural: 'secrets',
    singular: 'secret',
    item: secrets.secret,
    write: secrets.secretWrite,
    list: secrets.secretList,
    patch: secrets.secretWrite,
    remove: noQuery,
  }),
  apps: {
    ...crud({
      plural: 'apps',
      singular: 'app',
      item: apps.app,
      write: apps.appWrite,
      list: apps.appList,
      patch: apps.appPatch,
      remove: apps.appDelete,
    }),
    check: endpoint({
      method: 'POST',
      path: `${PROJECT_PATH}/apps/{name}/check`,
      role: 'operator',
      summary: 'Check an app as a PUT would, change nothing',
      params: named,
      query: noQuery,
      body: apps.appWrite,
      answer: apps.app,
    }),
    logs: endpoint({
      method: 'GET',
      path: `${PROJECT_PATH}/apps/{name}/logs`,
      role: 'viewer',
      summary: 'Stream the log of a container',
      params: named,
      query: apps.logQuery,
      body: none,
      answer: none,
      stream: 'text',
    }),
  },
  live: {
    events: endpoint({
      method: 'GET',
      path: '/api/v1/live',
      role: 'viewer',
      summary: 'Server-sent events "noun/name changed"',
      params: noQuery,
      query: z.strictObject({ project: name.optional() }),
      body: none,
      answer: none,
      stream: 'events',
    }),
  },
} as const;

/** What agents call on the hub's TLS port: certificate of the hub checked, no client certificate. */
export const enrolment = {
  join: endpoint({
    method: 'POST',
    path: '/join',
    role: 'public',
    summary: 'Trade a join token and a CSR for a certificate',
    params: noQuery,
    query: noQuery,
    body: certificates.joinRequest,
    answer: certificates.issuedCertificate,
  }),
  renew: endpoint({
    method: 'POST',
    path: '/renew',
    role: 'public',
    summary: 'Renew a certificate by proof of its key',
    params: noQuery,
    query: noQuery,
    body: certificates.renewRequest,
    answer: certificates.issuedCertificate,
  }),
} as const;

/** Answered in clear text on the hub's TLS port: the root CA, PEM. The agent compares its hash with the join token's. */
export const CA_PATH = '/ca.pem';
/** Largest request body, bytes. */
export const MAX_BODY = 1024 * 1024;
