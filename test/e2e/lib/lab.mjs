// lab - gRPC servers by grpc-js for what an agent exposes, and what is observed of them
//
// A lab serves lab.v1.Lab (lab.proto), and reflection and health if asked to. observe() makes
// a suite of calls and answers what came of each, to be compared with another way there.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

import { health, reflection } from './grpc.mjs';
import { run, until } from './env.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
export const { Lab } = grpc.loadPackageDefinition(
  protoLoader.loadSync('lab.proto', { includeDirs: [here, '/usr/include'], keepCase: true, defaults: true }),
).lab.v1;

// --- the server ---

// Metadata as plain data: name -> values, binary ones in hex.
export function plain(metadata, without = []) {
  const names = Object.keys(metadata.getMap()).sort();
  return Object.fromEntries(
    names
      .filter((name) => !without.includes(name))
      .map((name) => [name, metadata.get(name).map((value) => (Buffer.isBuffer(value) ? `hex:${value.toString('hex')}` : value))]),
  );
}

const seen = (call) => JSON.stringify(plain(call.metadata, ['roost-user', 'roost-role', 'date']));

function end(saying) {
  const metadata = new grpc.Metadata();
  metadata.add('grpc-status-details-bin', Buffer.from([8, saying.code, 0x12, 2, 0xc3, 0xa4]));
  metadata.add('trace', 'one');
  metadata.add('trace', 'two');
  metadata.add('odd-bin', Buffer.from([0, 255, 10, 13]));
  return Object.assign(new Error(saying.text), { code: saying.code, details: saying.text, metadata });
}

// A head before anything else, unless the status shall be all there is.
function greet(call, saying) {
  if (saying.trailers_only) return;
  const head = new grpc.Metadata();
  head.add('kind', 'head');
  head.add('head-bin', Buffer.from([1, 2, 254]));
  call.sendMetadata(head);
}

function trailers() {
  const metadata = new grpc.Metadata();
  metadata.add('kind', 'trailer');
  metadata.add('sum-bin', Buffer.from([9, 0, 200]));
  return metadata;
}

export class LabServer {
  // Options: as of start().
  constructor(options) {
    this.options = options;
    this.calls = 0;
    this.cancels = []; // when calls were seen cancelled
    this.waits = 0;
    this.status = 'SERVING';
    this.watchers = new Set();
  }

  // Serves on a free port, or `port`, or `socket` (a path). creds; streams: the limit of
  // concurrent streams; reflection: false, 'v1', 'v1alpha'; health: true.
  static async start(options = {}) {
    const lab = new LabServer(options);
    await lab.open();
    return lab;
  }

  async open() {
    const { creds = grpc.ServerCredentials.createInsecure(), socket, streams } = this.options;
    const limits = { 'grpc.max_receive_message_length': 64 << 20, 'grpc.max_send_message_length': -1 };
    if (streams) limits['grpc.max_concurrent_streams'] = streams;
    this.server = new grpc.Server(limits);
    this.server.addService(Lab.service, this.methods());
    if (this.options.reflection) this.addReflection(this.options.reflection);
    if (this.options.health) this.addHealth();
    const port = this.port ?? this.options.port ?? 0;
    const address = socket ? `unix:${socket}` : `127.0.0.1:${port}`;
    const bound = await new Promise((resolve, reject) =>
      this.server.bindAsync(address, creds, (error, number) => (error ? reject(error) : resolve(number))),
    );
    if (!socket) this.port = bound;
  }

  get address() {
    return this.options.socket ? `unix:${this.options.socket}` : `127.0.0.1:${this.port}`;
  }

  // The end that nobody was told of.
  kill() {
    this.server.forceShutdown();
  }

  // The polite one: GOAWAY.
  stop() {
    return new Promise((resolve) => this.server.tryShutdown(resolve));
  }

  async again() {
    this.watchers.clear();
    await until(() => this.open().then(() => true));
  }

  methods() {
    const mark = (call) => {
      this.calls++;
      call.on('cancelled', () => this.cancels.push(Date.now()));
    };
    return {
      Say: (call, reply) => {
        mark(call);
        const { request } = call;
        greet(call, request);
        if (request.code) reply(end(request));
        else reply(null, { text: request.text, payload: request.payload, seen: seen(call) }, trailers());
      },
      Collect: (call, reply) => {
        mark(call);
        const hash = createHash('sha256');
        let count = 0;
        let last;
        call.on('data', (saying) => {
          last = saying;
          hash.update(saying.payload);
          count++;
        });
        call.on('end', () => {
          if (last?.code) reply(end(last));
          else reply(null, { text: hash.digest('hex'), index: count, seen: seen(call) }, trailers());
        });
      },
      Tell: (call) => {
        mark(call);
        const { request } = call;
        greet(call, request);
        for (let i = 0; i < request.count; i++) call.write({ text: request.text, payload: request.payload, index: i });
        if (request.code) call.emit('error', end(request));
        else call.end(trailers());
      },
      Talk: (call) => {
        mark(call);
        greet(call, {});
        let count = 0;
        call.on('data', (saying) => {
          if (saying.code) call.emit('error', end(saying));
          else call.write({ text: saying.text, payload: saying.payload, index: count++ });
        });
        call.on('end', () => call.end(trailers()));
      },
      Wait: (call) => {
        mark(call);
        this.waits++;
      },
    };
  }

  addReflection(version) {
    const files = readSet(this.options.set ?? descriptors());
    const answer = (request) => {
      const name = request.fileByFilename || '';
      if (request.listServices)
        return { listServicesResponse: { service: [{ name: 'lab.v1.Lab' }, { name: `grpc.reflection.${version}.ServerReflection` }] } };
      if (request.fileContainingSymbol?.startsWith('lab.v1')) return { fileDescriptorResponse: { fileDescriptorProto: [files['lab.proto']] } };
      if (files[name]) return { fileDescriptorResponse: { fileDescriptorProto: [files[name]] } };
      return { errorResponse: { errorCode: 5, errorMessage: 'not here' } };
    };
    this.server.addService(reflection[version].ServerReflection.service, {
      ServerReflectionInfo: (call) => {
        call.on('data', (request) => call.write({ originalRequest: request, ...answer(request) }));
        call.on('end', () => call.end());
        call.on('error', () => {});
      },
    });
  }

  addHealth() {
    this.server.addService(health.Health.service, {
      Check: (call, reply) => {
        if (call.request.service && call.request.service !== 'lab.v1.Lab') reply({ code: 5, details: 'unknown' });
        else reply(null, { status: this.status });
      },
      Watch: (call) => {
        this.watchers.add(call);
        call.on('cancelled', () => this.watchers.delete(call));
        call.write({ status: this.status });
      },
    });
  }

  setHealth(status) {
    this.status = status;
    for (const watcher of this.watchers) watcher.write({ status });
  }
}

// --- descriptors ---

let set;
export function descriptors() {
  return set;
}

// Has protoc make them: call it once before labs with reflection.
export async function makeDescriptors() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'roost-lab-'));
  const file = path.join(folder, 'lab.pb');
  await run('protoc', [`-I${here}`, '-I/usr/include', '--include_imports', `--descriptor_set_out=${file}`, 'lab.proto']);
  set = readFileSync(file);
  rmSync(folder, { recursive: true });
  return set;
}

// The files of a FileDescriptorSet by their names.
function readSet(bytes) {
  const files = {};
  const varint = (at) => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return [value, at];
    }
  };
  for (let at = 0; at < bytes.length; ) {
    const [len, start] = varint(at + 1);
    const file = bytes.subarray(start, start + len);
    files[file.subarray(2, 2 + file[1]).toString()] = file;
    at = start + len;
  }
  return files;
}

// --- the suite ---

// What a call came to: { code, details, head, trailers, messages }.
export function outcome(call, { unary, messages = [] } = {}) {
  return new Promise((resolve) => {
    const result = { head: null, messages };
    let answered;
    call.on('metadata', (head) => (result.head = plain(head, ['date'])));
    call.on('status', ({ code, details, metadata }) => {
      Object.assign(result, { code, details, trailers: plain(metadata, ['date', 'content-type']) });
      if (!unary || answered || code !== 0) resolve(result);
    });
    if (unary) {
      unary((error, reply) => {
        answered = true;
        if (reply) messages.push(reply);
        if (result.code !== undefined) resolve(result);
      });
    } else {
      call.on('data', (message) => messages.push(message));
      call.on('error', () => {});
    }
  });
}

const digest = (messages) => messages.map(({ text, payload, seen, index }) => ({ text, index, seen: seen && JSON.parse(seen), payload: `${payload.length}:${createHash('sha1').update(payload).digest('hex')}` }));

function say(stub, saying, metadata, options = {}) {
  let told;
  const call = stub.Say(saying, metadata, options, (error, reply) => told(error, reply));
  return outcome(call, { unary: (then) => (told = then) });
}

const big = Buffer.from(Array.from({ length: 4 << 10 }, (_, i) => (i * 7919) & 255));
const fourMegabytes = Buffer.concat(Array.from({ length: 1023 }, () => big)); // with its frame below the usual limit

// Every call of the suite by the stub, with metadata that make() makes; the lab is only
// looked at.
export async function observe(stub, make, lab) {
  const results = {};
  const record = async (name, promise) => {
    const result = await promise;
    results[name] = { ...result, messages: digest(result.messages) };
  };
  await record('unary', say(stub, { text: 'hällo', payload: big }, make()));
  await record('empty', say(stub, {}, make()));
  await record('4 MiB there and back', say(stub, { payload: fourMegabytes }, make()));
  await record('binary metadata and duplicates', say(stub, { text: 'x' }, make({ many: ['a', 'b', 'c'], 'one-bin': [Buffer.from([0, 1, 2, 255])], 'two-bin': [Buffer.from('a'), Buffer.alloc(0), Buffer.from([128])], empty: [''], spaced: ['a  b, c'] })));
  await record('large metadata', say(stub, { text: 'x' }, make({ large: ['y'.repeat(6000)], 'large-bin': [Buffer.alloc(1500, 7)] })));
  for (let code = 1; code <= 16; code++) {
    await record(`status ${code}`, say(stub, { code, text: `no: ${code} %25 ä\n` }, make()));
    await record(`status ${code}, trailers only`, say(stub, { code, text: `no: ${code}`, trailers_only: true }, make()));
  }
  await record('compressed', say(stub, { text: 'z'.repeat(5000) }, make(), { 'grpc.default_compression_algorithm': 2 }));
  await record('server stream', outcome(stub.Tell({ count: 50, payload: big, text: 't' }, make())));
  await record('server stream that fails', outcome(stub.Tell({ count: 3, code: 10, text: 'aborted' }, make())));
  await record('server stream of nothing', outcome(stub.Tell({ count: 0 }, make())));
  await record('client stream', collect(stub, make(), 50));
  await record('client stream of nothing', collect(stub, make(), 0));
  await record('bidirectional', talk(stub, make(), 30));
  await record('bidirectional that fails', talk(stub, make(), 3, 9));
  await record('deadline', late(stub, make()));
  await record('cancelled', cancelled(stub, make(), lab));
  const unknown = new grpc.Client(stub.getChannel().getTarget(), null, { channelOverride: stub.getChannel() });
  await record('an unknown method', new Promise((resolve) => {
    const call = unknown.makeUnaryRequest('/lab.v1.Lab/Nothing', (x) => x, (x) => x, Buffer.alloc(0), make(), () => {});
    call.on('status', ({ code }) => resolve({ code, messages: [] }));
  }));
  return results;
}

function collect(stub, metadata, count) {
  let told;
  const call = stub.Collect(metadata, (error, reply) => told(error, reply));
  const result = outcome(call, { unary: (then) => (told = then) });
  for (let i = 0; i < count; i++) call.write({ payload: big });
  call.end();
  return result;
}

function talk(stub, metadata, count, code) {
  const call = stub.Talk(metadata);
  const result = outcome(call);
  let said = 0;
  const next = () => {
    if (said < count) call.write({ text: `${said++}`, payload: big });
    else if (code) call.write({ code, text: 'enough' });
    else call.end();
  };
  call.on('data', next);
  next();
  return result;
}

async function late(stub, metadata) {
  const result = await outcome(stub.Tell({ count: 1 }, metadata)); // that the way is warm
  const began = Date.now();
  let told;
  const call = stub.Wait({}, metadata, { deadline: began + 300 }, (error, reply) => told(error, reply));
  const { code } = await outcome(call, { unary: (then) => (told = then) });
  const took = Date.now() - began;
  return { ...result, code, messages: [], intime: took >= 290 && took < 2000 };
}

async function cancelled(stub, metadata, lab) {
  const before = lab.waits;
  const seenBefore = lab.cancels.length;
  const call = stub.Wait({}, metadata, () => {});
  await until(() => lab.waits > before);
  const result = outcome(call, { unary: () => {} });
  const at = Date.now();
  call.cancel();
  const { code } = await result;
  await until(() => lab.cancels.length > seenBefore);
  return { code, messages: [], seen: lab.cancels.at(-1) - at < 100 };
}

export { grpc };
