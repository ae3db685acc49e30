/** The endpoints about devices, their models, and apps on the broker; part of the table in `http.ts`. */
import * as certificates from './certificates.js';
import * as clients from './clients.js';
import * as devices from './devices.js';
import { crud, endpoint, named, none, noQuery, PROJECT_PATH } from './endpoint.js';
import { listQuery } from './resources.js';
import { twinQuery, twinView } from './twin-views.js';

/** Endpoints by which devices and apps get what they prove themselves with. */
function credentials(plural: string, singular: string) {
  const path = `${PROJECT_PATH}/${plural}/{name}`;
  const change = { params: named, role: 'operator', scope: 'project', query: noQuery } as const;
  return {
    certificates: endpoint({
      method: 'GET',
      path: `${path}/certificates`,
      role: 'viewer',
      scope: 'project',
      summary: `List the certificates of a ${singular}`,
      params: named,
      query: listQuery,
      body: none,
      answer: certificates.certificatePage,
    }),
    certificate: endpoint({
      ...change,
      method: 'POST',
      path: `${path}/certificate`,
      summary: `Issue a certificate for a ${singular}`,
      body: clients.clientCertificateRequest,
      answer: clients.clientCertificate,
    }),
    login: endpoint({
      ...change,
      method: 'PUT',
      path: `${path}/login`,
      summary: `Set user name and password of a ${singular}`,
      body: devices.loginWrite,
      answer: none,
    }),
    logout: endpoint({
      ...change,
      method: 'DELETE',
      path: `${path}/login`,
      summary: `Remove user name and password of a ${singular}`,
      body: none,
      answer: none,
    }),
  };
}

export const deviceEndpoints = {
  deviceModels: crud({
    plural: 'device-models',
    singular: 'device model',
    item: devices.deviceModel,
    write: devices.deviceModelWrite,
    list: devices.deviceModelList,
    patch: devices.deviceModelPatch,
    remove: noQuery,
  }),
  devices: {
    ...crud({
      plural: 'devices',
      singular: 'device',
      item: devices.device,
      write: devices.deviceWrite,
      list: devices.deviceList,
      patch: devices.devicePatch,
      remove: noQuery,
    }),
    expected: endpoint({
      method: 'PUT',
      path: `${PROJECT_PATH}/devices/{name}/expected`,
      role: 'operator',
      scope: 'project',
      summary: 'Set expected values of a device; null deletes a key',
      params: named,
      query: noQuery,
      body: devices.expectedWrite,
      answer: devices.device,
    }),
    twin: endpoint({
      method: 'GET',
      path: `${PROJECT_PATH}/devices/{name}/twin`,
      role: 'viewer',
      scope: 'project',
      summary: 'Read the twin of a device as it is, or as it was at a moment',
      params: named,
      query: twinQuery,
      body: none,
      answer: twinView,
    }),
    history: endpoint({
      method: 'GET',
      path: `${PROJECT_PATH}/devices/{name}/history`,
      role: 'viewer',
      scope: 'project',
      summary: 'List what changed in the twin of a device, newest first',
      params: named,
      query: devices.historyQuery,
      body: none,
      answer: devices.historyPage,
    }),
    ...credentials('devices', 'device'),
  },
  clients: {
    ...crud({
      plural: 'clients',
      singular: 'client',
      item: clients.client,
      write: clients.clientWrite,
      list: clients.clientList,
      patch: clients.clientPatch,
      remove: noQuery,
    }),
    ...credentials('clients', 'client'),
  },
} as const;
