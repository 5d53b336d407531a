// gateway - the example agents, and an agent that says what a test wants it to say
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';

import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

import { protoDir, run, top } from './env.mjs';
import { metadata } from './grpc.mjs';

const examples = path.join(top, 'examples');
const load = (file, dir, options = {}) =>
  grpc.loadPackageDefinition(protoLoader.loadSync(file, { includeDirs: [dir, '/usr/include'], longs: String, ...options }));

export const { Gateway } = load('roost/v1/gateway.proto', protoDir, { oneofs: true }).roost.v1;
export const { Greeter } = load('greeter.proto', examples, { defaults: true }).example;

const ca = (env) => path.join(env.data, 'tls', 'ca.pem');
export const dial = (env, Service, options = {}) =>
  new Service(`127.0.0.1:${env.port}`, grpc.credentials.createSsl(readFileSync(ca(env))), options);

// A token to join with, without the link around it.
export const joinToken = async (env, name, ...args) => /\/\/[^/]+\/([^#]+)#/.exec(await env.link(name, ...args))[1];

// What both example agents need: the descriptors of what they serve, and for Python the
// messages as modules.
export async function prepare(folder) {
  mkdirSync(folder, { recursive: true });
  await run('protoc', ['-I', examples, '--include_imports', `--descriptor_set_out=${path.join(folder, 'greeter.binpb')}`, '--python_out', folder, 'greeter.proto']);
  copyFileSync(path.join(examples, 'node/agent.mjs'), path.join(folder, 'agent.mjs'));
  symlinkSync(path.join(top, 'test/e2e/node_modules'), path.join(folder, 'node_modules'));
  const roost = ['common', 'gateway', 'host'].map((name) => `roost/v1/${name}.proto`);
  await run('protoc', ['-I', protoDir, '--python_out', folder, ...roost]);
  return folder;
}

// One of the examples at work; args are its own. Modules are found beside the program, so
// that the one of Node runs as a copy.
export function startExample(env, language, name, args = []) {
  const folder = env.file('gen');
  const common = [`127.0.0.1:${env.port}`, '--ca', ca(env), '--name', name, '--state', env.file(`${name}.json`), '--interval', '0.25', ...args];
  if (language === 'python') {
    common.push('--descriptors', path.join(folder, 'greeter.binpb'));
    const options = { name, env: { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' } };
    return env.start('/usr/bin/python3', [path.join(examples, 'python/agent.py'), ...common], options);
  }
  common.push('--protos', protoDir, '--service', path.join(examples, 'greeter.proto'));
  return env.start(process.execPath, [path.join(folder, 'agent.mjs'), ...common], { name });
}

// A call whose answers nobody reads, so that no credit is given beyond the first window.
// (grpc-js reads on into its buffers.) status() reads them after all, to the status.
export function unread(env, method, request, fields) {
  const session = http2.connect(env.url, { rejectUnauthorized: false, settings: { initialWindowSize: 65535 } });
  const message = method.requestSerialize(request);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  const stream = session.request({ ':method': 'POST', ':path': method.path, 'content-type': 'application/grpc', te: 'trailers', ...fields });
  const end = new Promise((resolve, reject) => {
    const look = ({ 'grpc-status': status }) => status && resolve(Number(status));
    stream.on('response', look).on('trailers', look).on('error', reject);
  });
  stream.end(Buffer.concat([head, message]));
  return {
    async status() {
      stream.resume();
      const status = await end;
      session.close();
      return status;
    },
  };
}

// A stream on which the test says what it likes. `said` is what the hub said; `ended` is
// the status, once it has ended.
export function rawAgent(env, credential, fields = {}) {
  const stub = dial(env, Gateway);
  const said = [];
  const stream = stub.Connect(metadata({ ...(credential && { authorization: `Bearer ${credential}` }), ...fields }));
  const ended = new Promise((resolve) => {
    stream.on('error', resolve);
    stream.on('status', resolve);
  });
  stream.on('data', (message) => {
    said.push(message);
    stream.emit('said', message);
  });
  return {
    said,
    ended,
    stream,
    say: (message) => stream.write(message),
    hello: (services = []) => stream.write({ hello: { services } }),
    // The next message of that kind, or the first that was said.
    wait(kind) {
      const known = said.find((message) => message.kind === kind);
      if (known) return Promise.resolve(known[kind]);
      return new Promise((resolve, reject) => {
        stream.on('said', (message) => message.kind === kind && resolve(message[kind]));
        ended.then((status) => reject(new Error(`${status.code} ${status.details}`)));
      });
    },
    close() {
      stream.cancel();
      stub.close();
    },
  };
}
