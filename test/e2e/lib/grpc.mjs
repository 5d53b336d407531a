// grpc - an independent gRPC client (grpc-js) of the hub under test
import { readFileSync } from 'node:fs';
import path from 'node:path';

import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

import { protoDir } from './env.mjs';

export { grpc };

const loaded = grpc.loadPackageDefinition(
  protoLoader.loadSync(
    [
      'compat/activity.proto',
      'compat/fluentd.proto',
      'compat/hub.proto',
      'roost/v1/activity.proto',
      'roost/v1/acts.proto',
      'roost/v1/alerts.proto',
      'roost/v1/groups.proto',
      'roost/v1/host.proto',
      'roost/v1/link.proto',
      'roost/v1/metrics.proto',
      'roost/v1/nodes.proto',
      'roost/v1/power.proto',
      'roost/v1/probe.proto',
      'roost/v1/processes.proto',
      'roost/v1/tokens.proto',
      'roost/v1/transfer.proto',
      'roost/v1/units.proto',
      'roost/v1/usage.proto',
      'roost/v1/users.proto',
      'grpc/health.proto',
      'grpc/reflection_v1.proto',
      'grpc/reflection_v1alpha.proto',
    ],
    { includeDirs: [protoDir, '/usr/include'], keepCase: false, longs: String, enums: String, defaults: true },
  ),
);

export const roost = loaded.roost.v1;
export const internal = loaded.internal;
export const external = loaded.external;
export const health = loaded.grpc.health.v1;
export const reflection = loaded.grpc.reflection;

// A client of a service over TLS, trusting the hub's own CA.
export function client(env, Service) {
  const ca = readFileSync(path.join(env.data, 'tls', 'ca.pem'));
  return new Service(`127.0.0.1:${env.port}`, grpc.credentials.createSsl(ca));
}

export function metadata(fields) {
  const result = new grpc.Metadata();
  for (const [name, value] of Object.entries(fields)) result.set(name, value);
  return result;
}

// A unary call as a promise; options may hold a deadline.
export function unary(stub, method, request, fields = {}, options = {}) {
  return new Promise((resolve, reject) => {
    stub[method](request, metadata(fields), options, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
}

// All services that reflection lists.
export function listServices(stub, fields = {}) {
  return new Promise((resolve, reject) => {
    const stream = stub.ServerReflectionInfo(metadata(fields));
    stream.on('error', reject);
    stream.on('data', (reply) => {
      stream.end();
      resolve((reply.listServicesResponse?.service ?? []).map((service) => service.name));
    });
    stream.write({ listServices: '' });
  });
}
