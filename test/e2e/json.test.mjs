// JSON over HTTP to services of nodes, whose types the hub learns by reflection.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import protobuf from 'protobufjs';

import { protoDir, scenario, until } from './lib/env.mjs';
import { handshake, join, serve } from './lib/link.mjs';

const PROTOS = {
  'demo/types.proto': 'syntax="proto3"; package demo; import "google/protobuf/timestamp.proto"; import "google/protobuf/any.proto"; message Note { string text = 1; int64 count = 2; google.protobuf.Timestamp at = 3; google.protobuf.Any any = 4; }',
  'demo/echo.proto': 'syntax="proto3"; package demo; import "demo/types.proto"; service Echo { rpc Say(Note) returns (Note); rpc Count(Note) returns (stream Note); rpc Talk(stream Note) returns (stream Note); rpc Slow(Note) returns (stream Note); }',
};

// The serialised files, by name, that reflection hands out.
function compile(env) {
  const folder = env.file('protos');
  mkdirSync(path.join(folder, 'demo'), { recursive: true });
  for (const [name, text] of Object.entries(PROTOS)) writeFileSync(path.join(folder, name), text);
  const out = env.file('demo.binpb');
  execFileSync('protoc', [`-I${folder}`, '-I/usr/include', '--include_imports', `--descriptor_set_out=${out}`, 'demo/echo.proto']);
  const reader = protobuf.Reader.create(readFileSync(out));
  const files = new Map();
  while (reader.pos < reader.len) {
    reader.uint32();
    const bytes = reader.bytes();
    const inner = protobuf.Reader.create(bytes);
    inner.uint32();
    files.set(inner.string(), bytes);
  }
  return files;
}

const frame = (bytes) => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

// Calls take(message) for each message of a stream.
function messages(stream, take) {
  let bytes = Buffer.alloc(0);
  stream.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt32BE(1)) {
      const end = 5 + bytes.readUInt32BE(1);
      take(bytes.subarray(5, end));
      bytes = bytes.subarray(end);
    }
  });
}

// A node that serves demo.Echo and reflection (v1, or v1alpha alone).
async function echoNode(env, name, { versions = ['v1', 'v1alpha'], bloat = 0, fields } = {}) {
  const files = compile(env);
  const Reflection = protobuf.parse(readFileSync(path.join(protoDir, 'grpc/reflection_v1.proto'), 'utf8'), { keepCase: true }).root;
  const Asked = Reflection.lookupType('grpc.reflection.v1.ServerReflectionRequest');
  const Told = Reflection.lookupType('grpc.reflection.v1.ServerReflectionResponse');
  const { socket } = await handshake(env, fields ?? (await join(env, name)), { keep: true });
  const session = serve(socket);
  const it = { asked: [], seen: [], open: 0, close: () => session.destroy() };
  const respond = (stream) => stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  const trailers = (stream, code, message = '') => stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(code), 'grpc-message': message }));
  const tell = (request) => {
    const wanted = request.file_containing_symbol || request.file_by_filename || '';
    it.asked.push(wanted);
    const file = request.file_by_filename ? files.get(wanted) : wanted.startsWith('demo.Echo') ? files.get('demo/echo.proto') : undefined;
    if (!file) return { error_response: { error_code: 5, error_message: 'not found' } };
    const parts = bloat ? [protobuf.Writer.create().uint32(10).string('bloat').uint32(26).string('x'.repeat(bloat)).finish(), file] : [file];
    return { file_descriptor_response: { file_descriptor_proto: parts } };
  };
  session.on('error', () => {});
  session.on('stream', (stream, headers) => {
    const method = headers[':path'];
    stream.on('error', () => {});
    const refuse = (code, message) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(code), 'grpc-message': message }, { endStream: true });
    };
    if (method === '/roost.v1.Host/Samples' || method.startsWith('/roost.v1.Link')) return;
    const version = /^\/grpc\.reflection\.(v\w+)\./.exec(method)?.[1];
    if (version) {
      if (!versions.includes(version)) return refuse(12, 'unknown service');
      respond(stream);
      messages(stream, (bytes) => stream.write(frame(Buffer.from(Told.encode(tell(Asked.decode(bytes))).finish()))));
      return;
    }
    if (!method.startsWith('/demo.Echo/')) return refuse(12, 'unknown service');
    it.seen.push(headers);
    messages(stream, (bytes) => {
      respond(stream);
      if (method.endsWith('/Slow')) {
        it.open++;
        stream.on('close', () => it.open--);
        stream.write(frame(bytes));
        return;
      }
      trailers(stream, 0);
      if (method.endsWith('/Count')) for (let i = 0; i < 2; i++) stream.write(frame(bytes));
      stream.end(frame(bytes));
    });
  });
  await env.state(name, 'ONLINE');
  return it;
}

function post(env, token, target, body, fields = {}) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}), ...fields };
    const request = http.request(`${env.plainUrl}/${target}`, { method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk)).on('end', () => resolve({ status: response.statusCode, text, headers: response.headers }));
    });
    request.on('error', reject).end(body);
  });
}

const NOTE = { text: 'hé', count: '9007199254740993', at: '2026-11-21T01:02:03Z', any: { '@type': 'type.googleapis.com/demo.Note', text: 'inner' } };

scenario('methods of a node answer JSON once its types are learned', async (env) => {
  const node = await echoNode(env, 'srv');
  const token = await env.token();
  const say = (fields) => post(env, token, 'demo.Echo/Say', JSON.stringify(NOTE), fields);

  const reply = await say({ name: 'srv', cookie: 'a=b', 'x-mine': 'kept' });
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual(JSON.parse(reply.text), NOTE);
  assert.equal(reply.headers['content-type'], 'application/json');
  assert.deepEqual(node.asked.slice(0, 2), ['demo.Echo', 'demo/types.proto']);
  const seen = node.seen[0];
  assert.deepEqual([seen.name, seen['x-mine'], seen.cookie, seen.authorization], ['srv', 'kept', undefined, undefined]);

  const asked = node.asked.length;
  assert.equal((await say({ name: 'srv' })).status, 200);
  assert.equal((await say({ 'roost-node': 'srv' })).status, 200);
  assert.equal(node.asked.length, asked, 'the types are kept');

  const lines = await post(env, token, 'demo.Echo/Count', '{"text":"n"}', { name: 'srv' });
  assert.equal(lines.text, '{"text":"n"}\n'.repeat(3));
  assert.equal(lines.headers['content-type'], 'application/x-ndjson');
  assert.equal((await post(env, token, 'demo.Echo/Talk', '{}', { name: 'srv' })).status, 501);
  const unknown = await post(env, token, 'demo.Echo/Nope', '{}', { name: 'srv' });
  assert.deepEqual([unknown.status, JSON.parse(unknown.text).message], [501, 'demo.Echo has no method Nope']);
  const wrong = await post(env, token, 'demo.Echo/Say', '{"txt":1}', { name: 'srv' });
  assert.match(wrong.text, /txt: no such field in demo\.Note/);
  assert.equal(wrong.status, 400);
  assert.match((await post(env, token, 'demo.Other/Say', '{}', { name: 'srv' })).text, /demo\.Other: it has no such service/);

  await env.cli('group', 'new', 'echoes', 'srv');
  assert.equal((await say({ name: 'echoes' })).status, 200);
  node.close();
});

scenario('nobody learns more than he may call', async (env) => {
  const node = await echoNode(env, 'srv');
  const mint = async (...args) => (await env.cli('token', 'new', '--caller', ...args)).stdout.trim();
  const say = (token, fields) => post(env, token, 'demo.Echo/Say', '{}', fields).then((reply) => [reply.status, JSON.parse(reply.text).code]);
  const admin = await env.token();

  for (const round of ['unknown', 'kept']) {
    assert.deepEqual(await say(null, { name: 'srv' }), [401, 'unauthenticated'], round);
    assert.deepEqual(await say(await mint(`b-${round}`, '--node', 'other', '--role', 'owner'), { name: 'srv' }), [404, 'not_found'], round);
    assert.deepEqual(await say(await mint(`c-${round}`, '--node', 'srv', '--role', 'viewer'), { name: 'srv' }), [403, 'permission_denied'], round);
    assert.deepEqual(await say(await mint(`d-${round}`, '--node', 's*', '--role', 'operator'), { name: 'srv' }), [200, undefined], round);
  }
  assert.deepEqual(await say(admin, {}), [404, 'unimplemented']);
  assert.deepEqual(await say(admin, { name: 'nobody' }), [404, 'not_found']);
  assert.deepEqual(await say(admin, { name: 'srv', origin: 'https://evil.example' }), [403, 'permission_denied']);
  const short = await mint('short', '--node', 'srv', '--role', 'operator', '--lifetime', '1s');
  assert.deepEqual(await say(short, { name: 'srv' }), [200, undefined]);
  await until(async () => (await say(short, { name: 'srv' }))[0] === 401);
  node.close();
});

scenario('nodes that do not describe themselves, or too much, and callers that leave', async (env) => {
  const token = await env.token();
  const say = (name) => post(env, token, 'demo.Echo/Say', '{"text":"x"}', { name });
  const old = await echoNode(env, 'old', { versions: ['v1alpha'] });
  assert.deepEqual(JSON.parse((await say('old')).text), { text: 'x' });
  const mute = await echoNode(env, 'mute', { versions: [] });
  const answer = await say('mute');
  assert.equal(answer.status, 501);
  assert.match(answer.text, /no reflection/);
  const fat = await echoNode(env, 'fat', { bloat: 1_100_000 });
  assert.match((await say('fat')).text, /over 1 MiB/);

  const request = http.request(`${env.plainUrl}/demo.Echo/Slow`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, name: 'old' } });
  request.on('error', () => {});
  request.end('{}');
  await until(() => old.open === 1);
  request.destroy();
  await until(() => old.open === 0);
  for (let i = 0; i < 5; i++) {
    const early = http.request(`${env.plainUrl}/demo.Early${i}/Say`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, name: 'old' } });
    early.on('error', () => {});
    early.end('{}');
    early.on('socket', (socket) => socket.once('connect', () => setImmediate(() => early.destroy())));
  }
  assert.equal((await say('old')).status, 200);
  for (const node of [old, mute, fat]) node.close();
});
