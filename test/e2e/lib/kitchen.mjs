// kitchen - a gRPC server (grpc-js) with calls of every kind and with reflection, and the
// older servers' Fluentd
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

import { protoDir, top } from './env.mjs';
import { reflection } from './grpc.mjs';
import { handshake, join } from './link.mjs';

const includeDirs = [path.join(top, 'test/e2e/proto'), path.join(top, 'src/wire/testdata'), protoDir, '/usr/include'];
const includes = includeDirs.map((dir) => `-I${dir}`);

export const testProto = (name) => [...includes, name];

const loaded = grpc.loadPackageDefinition(
  protoLoader.loadSync(['kitchen.proto', 'compat/fluentd.proto', 'compat/hub.proto'], { includeDirs, longs: String, enums: String, defaults: true }),
);

// The descriptor set of a .proto file with all that it imports.
export function descriptorSet(env, name) {
  mkdirSync(env.folder, { recursive: true });
  const file = env.file(`${path.basename(name, '.proto')}.binpb`);
  execFileSync('protoc', [...includes, '--include_imports', `--descriptor_set_out=${file}`, name]);
  return file;
}

// Each FileDescriptorProto of a set.
function filesOf(set) {
  const files = [];
  for (let at = 0; at < set.length; ) {
    let length = 0;
    at++; // the tag of field 1
    for (let shift = 0, byte = 128; byte & 128; shift += 7) {
      byte = set[at++];
      length += (byte & 127) * 2 ** shift;
    }
    files.push(set.subarray(at, at + length));
    at += length;
  }
  return files;
}

function reflect(services, files) {
  return (call) => {
    call.on('data', (request) => {
      const answer = { validHost: '', originalRequest: request };
      if (request.listServices) answer.listServicesResponse = { service: services.map((name) => ({ name })) };
      else if (request.fileContainingSymbol && files) answer.fileDescriptorResponse = { fileDescriptorProto: files };
      else answer.errorResponse = { errorCode: grpc.status.NOT_FOUND, errorMessage: 'not here' };
      call.write(answer);
    });
    call.on('end', () => call.end());
  };
}

// What this process holds open would keep it from ending after a failure.
function atEnd(env, close) {
  const finish = env.finish.bind(env);
  env.finish = () => (close(), finish());
}

const raw = (bytes) => bytes;

export const fluentd = {
  Start: (call, done) => done(null, { status: 'START_SUCCESS' }),
  Stop: (call, done) => done(null, { status: 'STOP_NOCHANGE' }),
  Restart: (call, done) => done(null, { status: 'RESTART_SUCCESS' }),
};

// options: credentials, address ("unix:..."), files (what reflection gives instead of the truth), bare
// (no reflection), services (more of them: [definition, implementation]).
export async function startKitchen(env, { credentials = grpc.ServerCredentials.createInsecure(), address = '127.0.0.1:0', files, bare, services = [] } = {}) {
  const server = new grpc.Server();
  const seen = { metadata: [], cancelled: 0, numbers: [], echoed: [], deadlines: [] };
  const note = (call) => {
    seen.metadata.push(call.metadata.getMap());
    seen.deadlines.push(call.getDeadline());
    call.on('cancelled', () => seen.cancelled++);
  };
  const definition = { ...loaded.kitchen.Kitchen.service };
  for (const name of ['Echo', 'EchoEach']) definition[name] = { ...definition[name], requestDeserialize: raw, responseSerialize: raw };
  server.addService(definition, {
    Echo: (call, done) => {
      note(call);
      const head = new grpc.Metadata();
      head.set('x-head', 'kitchen');
      call.sendMetadata(head);
      const tail = new grpc.Metadata();
      tail.set('x-tail-bin', Buffer.from([0, 255]));
      done(null, call.request, tail);
    },
    EchoEach: (call) => {
      call.on('data', (bytes) => {
        seen.echoed.push(bytes);
        call.write(bytes);
      });
      call.on('end', () => call.end());
    },
    Sum: (call, done) => {
      note(call);
      let sum = 0;
      call.on('data', ({ value }) => {
        seen.numbers.push(value);
        sum += Number(value);
      });
      call.on('end', () => done(null, { value: sum }));
    },
    Count: (call) => {
      note(call);
      const last = Number(call.request.value);
      let value = 0;
      const go = () => {
        while (!call.cancelled && (!last || value < last)) if (!call.write({ value: ++value })) return call.once('drain', go);
        call.end();
      };
      go();
    },
    Double: (call) => {
      note(call);
      call.on('data', ({ value }) => call.write({ value: 2 * Number(value) }));
      call.on('end', () => call.end());
    },
    Fail: (call, done) => {
      const metadata = new grpc.Metadata();
      if (call.request.details.length) metadata.set('grpc-status-details-bin', call.request.details);
      done({ code: call.request.code, details: call.request.message, metadata });
    },
    Hang: (call) => note(call),
    Wrap: (call, done) => {
      const value = loaded.kitchen.Kitchen.service.Fail.responseSerialize(call.request);
      done(null, { content: { type_url: 'type.googleapis.com/kitchen.Number', value } });
    },
  });
  server.addService(loaded.external.Fluentd.service, fluentd);
  for (const [service, implementation] of services) server.addService(service, implementation);
  if (!bare) {
    const known = ['kitchen.Kitchen', 'external.Fluentd'];
    const sets = () => ['kitchen.proto', 'compat/fluentd.proto'].flatMap((name) => filesOf(readFileSync(descriptorSet(env, name))));
    server.addService(reflection.v1.ServerReflection.service, { ServerReflectionInfo: reflect(known, files ?? sets()) });
  }
  const port = await new Promise((resolve, reject) => server.bindAsync(address, credentials, (error, bound) => (error ? reject(error) : resolve(bound))));
  atEnd(env, () => server.forceShutdown());
  return { server, seen, port, address: `127.0.0.1:${port}`, close: () => server.forceShutdown() };
}

// Links a node of this name whose server is the one on the port.
export async function bridge(env, name, port) {
  const { socket } = await handshake(env, await join(env, name), { keep: true });
  const far = net.connect(port, '127.0.0.1');
  socket.pipe(far).pipe(socket);
  socket.on('error', () => {});
  far.on('error', () => {});
  atEnd(env, () => (socket.destroy(), far.destroy()));
  await env.state(name, 'ONLINE');
  return { close: () => (socket.destroy(), far.destroy()) };
}

export { grpc, loaded };
