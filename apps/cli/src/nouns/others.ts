import { type ApiToken, type Certificate, endpoints, type Project, type Secret } from '@selvage/protocol';
import type { Answer } from '@selvage/protocol';
import { nameArgument, referenceOf } from '../arguments/index.js';
import { age, moment } from '../output/index.js';
import { UsageError } from '../world/index.js';
import { everything } from './listing.js';
import { labelText, type Noun } from './noun.js';

export const secrets: Noun<Secret> = {
  noun: 'secret',
  plural: 'secrets',
  filters: ['selector'],
  live: 'secret',
  columns: [
    { title: 'NAME', of: ({ name }) => name },
    { title: 'TYPE', of: ({ spec }) => spec.type },
    { title: 'REGISTRY', of: ({ spec }) => (spec.type === 'registry' ? spec.registry : '') },
    { title: 'USER', of: ({ spec }) => (spec.type === 'registry' ? spec.username : '') },
    { title: 'USED BY', of: ({ spec, status }) => (spec.type === 'data' ? spec.nodes : status.usedBy).join(',') },
    { title: 'AGE', of: ({ createdAt }, now) => age(createdAt, now), ticking: true },
    { title: 'LABELS', of: ({ labels }) => labelText(labels), wide: true },
  ],
  nameOf: ({ name }) => name,
  list: ({ client, project }, { selector, limit, signal }) => {
    const query = selector === undefined ? {} : { labels: selector };
    return everything(
      (page) => client.call(endpoints.secrets.list, { params: { project }, query: { ...query, ...page }, signal }),
      limit,
    );
  },
  get: ({ client, project }, name, signal) => client.call(endpoints.secrets.get, { params: { project, name }, signal }),
};

export const projects: Noun<Project> = {
  noun: 'project',
  plural: 'projects',
  ofHub: true,
  filters: [],
  live: 'project',
  columns: [
    { title: 'NAME', of: ({ name }) => name },
    { title: 'AGE', of: ({ createdAt }, now) => age(createdAt, now), ticking: true },
    { title: 'DESCRIPTION', of: ({ description }) => description },
  ],
  nameOf: ({ name }) => name,
  list: ({ client }, { limit, signal }) =>
    everything((query) => client.call(endpoints.projects.list, { query, signal }), limit),
};

export const tokens: Noun<ApiToken> = {
  noun: 'token',
  plural: 'tokens',
  ofHub: true,
  filters: [],
  columns: [
    { title: 'NAME', of: ({ name }) => name },
    { title: 'ROLE', of: ({ role }) => role },
    { title: 'PROJECTS', of: (token) => token.projects?.join(',') ?? 'all' },
    { title: 'AGE', of: ({ createdAt }, now) => age(createdAt, now), ticking: true },
    { title: 'EXPIRES', of: ({ expiresAt }, now) => moment(expiresAt, now) || 'never', ticking: true },
    { title: 'LAST USED', of: ({ lastUsedAt }, now) => age(lastUsedAt, now) || 'never', ticking: true },
  ],
  nameOf: ({ name }) => name,
  list: ({ client }, { limit, signal }) =>
    everything((query) => client.call(endpoints.tokens.list, { query, signal }), limit),
};

export const certificates: Noun<Certificate> = {
  noun: 'certificate',
  plural: 'certificates',
  filters: [],
  columns: [
    { title: 'SERIAL', of: ({ serial }) => serial },
    { title: 'SUBJECT', of: ({ subject }) => subject },
    { title: 'KIND', of: ({ kind }) => kind },
    { title: 'STATE', of: stateOf },
    { title: 'VALID UNTIL', of: ({ notAfter }, now) => moment(notAfter, now), ticking: true },
    { title: 'FINGERPRINT', of: ({ fingerprint }) => fingerprint, wide: true },
    { title: 'REASON', of: ({ revokedReason }) => revokedReason ?? '', sparse: true },
  ],
  nameOf: ({ serial }) => serial,
  list: ({ client, project }, { of, limit, signal }) => {
    if (of === undefined)
      throw new UsageError(
        'name the node, device or client: selvage get certificates NODE, device/NAME or client/NAME',
      );
    const { list, name } = holderOf(of);
    return everything((query) => client.call(list, { params: { project, name }, query, signal }), limit);
  },
};

/** Where the certificates of `NODE`, `device/NAME` or `client/NAME` are listed. */
function holderOf(of: string) {
  const { noun, name } = of.includes('/')
    ? referenceOf([of], ['node', 'device', 'client'])
    : { noun: 'node' as const, name: nameArgument(of) };
  const lists = {
    node: endpoints.certificates.list,
    device: endpoints.devices.certificates,
    client: endpoints.clients.certificates,
  };
  return { list: lists[noun], name };
}

type AuditEntry = Answer<typeof endpoints.audit.list>['items'][number];
const AUDIT_SHOWN = 100;

export const audit: Noun<AuditEntry> = {
  noun: 'audit',
  plural: 'audit entries',
  ofHub: true,
  filters: [],
  columns: [
    { title: 'AT', of: ({ at }) => at.replace('T', ' ').replace(/\.\d+/, '') },
    { title: 'ACTOR', of: ({ actor }) => actor },
    { title: 'ACTION', of: ({ action }) => action },
    { title: 'TARGET', of: ({ target }) => target },
    { title: 'OUTCOME', of: ({ outcome }) => outcome },
    { title: 'ID', of: ({ id }) => String(id), wide: true },
    { title: 'REQUEST', of: ({ requestId }) => requestId, wide: true },
  ],
  nameOf: ({ id }) => String(id),
  list: ({ client }, { limit = AUDIT_SHOWN, signal }) =>
    everything((query) => client.call(endpoints.audit.list, { query, signal }), limit),
};

function stateOf({ revokedAt, notAfter }: Certificate, now: number): string {
  if (revokedAt !== undefined) return 'revoked';
  return Date.parse(notAfter) <= now ? 'expired' : 'valid';
}
