// The limits and timeouts of the settings table: each is kept, and changing it has effect.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';

import { pause, program, run, scenario, slow, until } from './lib/env.mjs';
import { client, grpc, metadata, roost, unary } from './lib/grpc.mjs';
import { handshake, startBackend } from './lib/link.mjs';
import { CONTINUATION, END_STREAM, GOAWAY, H2, HEADERS, Raw, SETTINGS, block, frame, get, request } from './lib/raw.mjs';

const crlf = '\r\n';
const head = (...lines) => lines.join(crlf) + crlf + crlf;
const limits = (rows) => `[limits]\n${Object.entries(rows).map(([name, value]) => `${name} = ${value}\n`).join('')}`;

test('every limit stands in the settings table', async () => {
  const { stdout } = await run(program('roostd'), ['--help']);
  const { stdout: shown } = await run('cat', ['docs/configuration.md'], { cwd: new URL('../..', import.meta.url).pathname });
  for (const name of ['header_bytes', 'streams', 'calls_per_caller', 'window_bytes', 'message_bytes', 'unauthenticated', 'per_client', 'connection_bytes', 'handshake', 'head', 'body', 'stranger', 'idle', 'drain'])
    assert.ok(shown.includes(`[limits] ${name}\``), name);
  assert.ok(stdout.length > 0);
});

// --- timeouts ---

const ms = { handshake: 1000, head: 1400, body: 1800, stranger: 2600, idle: 1200 };
const config = limits(Object.fromEntries(Object.entries(ms).map(([name, value]) => [name, `${value}ms`])));

// Sends a byte now and then for as long as the peer listens.
async function drip(peer, bytes) {
  for (const byte of Buffer.from(bytes)) {
    if (!peer.send(Buffer.from([byte]))) return;
    await pause(100);
  }
}

// What a client does, and which limit ends it. Each answers when its time began.
const slowOnes = {
  'a plain connection that sends nothing': ['head', {}, () => {}],
  'a plain connection that sends the beginning of a preface': ['head', {}, (peer) => peer.send('PRI * HTTP/2.0\r\n')],
  'a head of a byte now and then': ['head', {}, (peer) => void drip(peer, `GET /${'x'.repeat(100)}`), /^HTTP\/1\.1 408 /],
  'a head that stops': ['head', {}, (peer) => peer.send('GET / HTTP/1.1\r\nHost: a\r\n'), /^HTTP\/1\.1 408 /],
  'a body that stops': ['body', {}, (peer) => peer.send(head('POST /roost.v1.Tokens/Claim HTTP/1.1', 'Host: a', 'Content-Type: application/json', 'Content-Length: 10'), '{'), /^HTTP\/1\.1 408 /],
  'a body of a byte now and then': ['body', {}, (peer) => (peer.send(head('POST /roost.v1.Tokens/Claim HTTP/1.1', 'Host: a', 'Content-Type: application/json', 'Content-Length: 1000')), void drip(peer, ' '.repeat(100))), /^HTTP\/1\.1 408 /],
  'a TLS connection that sends nothing': ['handshake', { secured: true }, () => {}],
  'a TLS hello that stops': ['handshake', { secured: true }, (peer) => peer.send(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]))],
  'a TLS hello of a byte now and then': ['handshake', { secured: true }, (peer) => void drip(peer, Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...Array(100).fill(0)]))],
  'TLS and then nothing': ['head', { tls: true }, () => {}],
  'TLS with h2 and then nothing': ['idle', { tls: true, alpn: ['h2'] }, () => {}],
  'a preface and then nothing': ['idle', { Peer: H2 }, () => {}],
  'a header block that never ends': ['stranger', { Peer: H2 }, async (peer) => {
    peer.send(frame(HEADERS, END_STREAM, 1, block(request())));
    while (peer.send(frame(CONTINUATION, 0, 1))) await pause(100);
  }],
  'a stranger who is busy': ['stranger', {}, async (peer) => {
    while (peer.send(head('GET / HTTP/1.1', 'Host: a'))) await pause(100);
  }],
  'a stranger who is busy on HTTP/2': ['stranger', { Peer: H2 }, async (peer) => {
    for (let id = 1; peer.send(get(id)); id += 2) await pause(100);
  }],
};

scenario('slow connections are ended by the timeouts of the settings, and not earlier', { config }, async (env) => {
  const cases = Object.entries(slowOnes).map(async ([name, [limit, { secured, tls, alpn, Peer = Raw }, act, says]]) => {
    const port = secured || tls ? env.port : env.plainPort;
    const peer = await Peer.connect({ port, tls, alpn });
    const since = peer.startedAt;
    const acting = act(peer);
    const took = await peer.end(20_000 * slow, since);
    await acting;
    peer.close();
    assert.ok(took >= ms[limit] && took < ms[limit] + 1500 * slow, `${name}: ${limit} is ${ms[limit]} ms, it took ${took}`);
    if (says) assert.match(peer.string, says, name);
  });
  const token = await env.token();
  const known = ['POST /roost.v1.Nodes/List HTTP/1.1', 'Host: a', `Authorization: Bearer ${token}`, 'Content-Type: application/json', 'Content-Length: 2'];
  cases.push(
    (async () => {
      const peer = await Raw.connect({ port: env.port, tls: true });
      for (let i = 0; i < 10; i++) {
        assert.ok(peer.send(head(...known), '{}'), 'who has shown a credential may stay');
        await pause(400);
      }
      const since = performance.now() - 400;
      const took = await peer.end(20_000 * slow, since);
      assert.ok(took >= ms.idle - 50 && took < ms.idle + 1500 * slow, `idle after ${took} ms`);
      assert.equal(peer.string.match(/HTTP\/1\.1 200/g).length, 10);
      peer.close();
    })(),
    (async () => {
      const peer = await H2.connect({ port: env.port, tls: true });
      await peer.ready();
      peer.send(get(1, '/'));
      await peer.response(1);
      const since = performance.now();
      await peer.find((it) => it.type === GOAWAY);
      assert.ok(performance.now() - since >= ms.idle - 100, 'an idle connection of HTTP/2 is told so');
      peer.close();
    })(),
  );
  await Promise.all(cases);
});

// --- how many ---

// Is a connection from that address taken, or closed at once?
async function isTaken(env, localAddress, kept, tls = false) {
  const peer = await Raw.connect({ port: tls ? env.port : env.plainPort, localAddress, tls }).catch(() => undefined);
  if (!peer) return false;
  peer.send(head('GET / HTTP/1.1', 'Host: a'));
  await until(() => peer.ended || /HTTP\/1\.1 200/.test(peer.string));
  if (peer.ended) {
    peer.close();
    return false;
  }
  kept.push(peer);
  return true;
}

scenario('connections without a credential are limited, in all and for each address', { config: limits({ unauthenticated: 6, per_client: 4 }) }, async (env) => {
  const kept = [];
  for (let i = 0; i < 4; i++) assert.ok(await isTaken(env, '127.0.0.1', kept, i % 2 === 1), `connection ${i} of the first client`);
  for (const tls of [false, true]) assert.ok(!(await isTaken(env, '127.0.0.1', kept, tls)), 'the first client has four, on all ports together');
  for (let i = 0; i < 2; i++) assert.ok(await isTaken(env, '127.0.0.2', kept), `connection ${i} of the second client`);
  assert.ok(!(await isTaken(env, '127.0.0.3', kept)), 'there are six in all');

  const token = await env.token();
  const first = kept[0];
  first.send(head('POST /roost.v1.Nodes/List HTTP/1.1', 'Host: a', `Authorization: Bearer ${token}`, 'Content-Type: application/json', 'Content-Length: 2'), '{}');
  await first.text(/\{"nodes"|\{\}/);
  assert.ok(await isTaken(env, '127.0.0.1', kept), 'who has shown a credential is not counted');
  kept[1].close();
  await until(() => isTaken(env, '127.0.0.3', kept), undefined, 'a place is free again');
  for (const peer of kept) peer.close();
});

// --- how much ---

const sizes = { header_bytes: '2KiB', streams: 3, message_bytes: '1KiB' };

scenario('sizes and streams are limited as the settings say', { config: limits(sizes) }, async (env) => {
  const bearer = `Bearer ${await env.token()}`;
  const say = async (...parts) => {
    const peer = await Raw.connect({ port: env.port, tls: true });
    peer.send(...parts);
    const [, status] = await peer.text(/^HTTP\/1\.1 (\d+) /);
    peer.close();
    return status;
  };
  const json = (len) => [head('POST /roost.v1.Nodes/Get HTTP/1.1', 'Host: a', `Authorization: ${bearer}`, 'Content-Type: application/json', `Content-Length: ${len}`), `{"node":"${'x'.repeat(len - 11)}"}`];
  assert.equal(await say(head('GET / HTTP/1.1', 'Host: a', `X: ${'y'.repeat(1900)}`)), '200');
  assert.equal(await say(head('GET / HTTP/1.1', 'Host: a', `X: ${'y'.repeat(2100)}`)), '431');
  assert.notEqual(await say(...json(1000)), '413');
  assert.equal(await say(...json(1100)), '413');

  const peer = await H2.connect({ port: env.port, tls: true });
  await peer.ready();
  const said = peer.frames.find((it) => it.type === SETTINGS).payload;
  const values = Array.from({ length: said.length / 6 }, (_, i) => [said.readUInt16BE(6 * i), said.readUInt32BE(6 * i + 2)]);
  assert.deepEqual(Object.fromEntries(values)[3], 3);
  assert.deepEqual(Object.fromEntries(values)[6], 2048);
  peer.send(get(1, '/', ['x', 'y'.repeat(2100)]), get(3));
  assert.equal((await peer.response(1)).status, 431);
  assert.equal((await peer.response(3)).status, 200);
  peer.close();

  const nodes = client(env, roost.Nodes);
  const code = (name) => unary(nodes, 'get', { node: name }, { authorization: bearer }).catch((error) => error.code);
  assert.equal(await code('x'.repeat(900)), grpc.status.NOT_FOUND);
  assert.equal(await code('x'.repeat(1100)), grpc.status.RESOURCE_EXHAUSTED);
});

scenario('calls of one credential are limited, whatever the connections', { config: limits({ calls_per_caller: 6 }) }, async (env) => {
  const authorization = `Bearer ${await env.token()}`;
  const sessions = [1, 2, 3].map(() => http2.connect(env.url, { rejectUnauthorized: false }));
  const statuses = [];
  const open = (session) => {
    const stream = session.request({ ':method': 'POST', ':path': '/roost.v1.Nodes/Get', 'content-type': 'application/grpc', authorization });
    stream.on('error', () => {});
    stream.on('response', (fields) => statuses.push(fields['grpc-status']));
    return stream;
  };
  const streams = sessions.flatMap((session) => [1, 2, 3, 4].map(() => open(session)));
  await until(() => statuses.length === 6);
  assert.deepEqual(statuses, Array(6).fill('8'));
  for (const stream of streams) stream.close(http2.constants.NGHTTP2_CANCEL);
  // Their places are free again.
  await until(async () => {
    const node = client(env, roost.Nodes);
    const code = await unary(node, 'get', { node: 'x' }, { authorization }).catch((error) => error.code);
    return code === grpc.status.NOT_FOUND;
  });
  for (const session of sessions) session.destroy();
});

// Requests of a kind that are begun and not ended: answers their statuses, in the order in
// which they come, until there is one for each but `open`.
async function begin(env, count, open, headers, parts) {
  const session = http2.connect(env.url, { rejectUnauthorized: false });
  session.on('error', () => {});
  const statuses = [];
  for (let i = 0; i < count; i++) {
    const stream = session.request({ ':method': 'POST', ...headers });
    stream.on('error', () => {});
    stream.on('response', (fields) => statuses.push(fields['grpc-status'] ?? fields[':status']));
    for (const part of parts) stream.write(part);
  }
  await until(() => statuses.length >= count - open);
  session.destroy();
  return statuses;
}

scenario('what unfinished requests of one connection keep is limited', { config: limits({ connection_bytes: '512KiB' }) }, async (env) => {
  const authorization = `Bearer ${await env.token()}`;
  const grpcPart = Buffer.concat([Buffer.from([0, 0, 16, 0, 0]), Buffer.alloc(150_000)]);
  const get = { ':path': '/roost.v1.Nodes/Get' };
  const claim = { ':path': '/roost.v1.Tokens/Claim' };
  const json = { 'content-type': 'application/json' };
  const rpc = { 'content-type': 'application/grpc' };
  // Four at once of 150 kB are too much; when one has gone the other three may stay.
  assert.deepEqual(await begin(env, 4, 3, { ...get, ...json, authorization }, [Buffer.alloc(150_000, ' ')]), [413]);
  assert.deepEqual(await begin(env, 4, 3, { ...get, ...rpc, authorization }, [grpcPart]), ['8']);
  // Strangers have 64 KiB.
  assert.deepEqual(await begin(env, 1, 0, { ...claim, ...json }, [Buffer.alloc(150_000, ' ')]), [413]);
  assert.deepEqual(await begin(env, 1, 0, { ...claim, ...rpc }, [grpcPart]), ['8']);
  assert.equal((await begin(env, 4, 2, { ...claim, ...json }, [Buffer.alloc(25_000, ' ')])).length, 2);

  const peer = await Raw.connect({ port: env.port, tls: true });
  peer.send(head('POST /roost.v1.Tokens/Claim HTTP/1.1', 'Host: a', 'Content-Type: application/json', 'Content-Length: 70000'), ' '.repeat(70_000));
  await peer.text(/^HTTP\/1\.1 413 /);
  peer.close();
});

// --- ends ---

scenario('a hub that stops ends the streams that watch it at once', async (env) => {
  const authorization = `Bearer ${await env.token()}`;
  const watch = client(env, roost.Activity).watch({}, metadata({ authorization }));
  const ended = new Promise((resolve) => watch.on('error', resolve));
  const nodes = client(env, roost.Nodes).watch({}, metadata({ authorization }));
  nodes.on('error', () => {});
  await new Promise((resolve) => nodes.once('data', resolve).once('metadata', resolve));
  const json = await Raw.connect({ port: env.port, tls: true });
  json.send(head('POST /roost.v1.Activity/Watch HTTP/1.1', 'Host: a', `Authorization: ${authorization}`, 'Content-Type: application/json', 'Content-Length: 2'), '{}');
  await env.cli('token', 'new', 'something');
  await json.text(/HTTP\/1\.1 200/);
  const since = performance.now();
  const stopped = env.hub.stop();
  assert.equal((await ended).code, grpc.status.UNAVAILABLE);
  await json.text(/"code":"unavailable"/);
  json.close();
  await stopped;
  const took = performance.now() - since;
  env.drop(env.hub);
  assert.ok(took < 2500 * slow, `the end took ${took} ms`);
});

scenario('a hub that stops waits for a call that hangs for as long as its settings say', { config: limits({ drain: '1500ms' }) }, async (env) => {
  const backend = await startBackend(env, 'slow');
  const authorization = `Bearer ${await env.token()}`;
  const same = (bytes) => bytes;
  const hanging = client(env, grpc.Client).makeServerStreamRequest('/any.Service/Samples', same, same, Buffer.alloc(0), metadata({ authorization, name: 'slow' }));
  const ended = new Promise((resolve) => hanging.on('error', resolve));
  await unary(client(env, roost.Host), 'describe', {}, { authorization, name: 'slow' });
  const since = performance.now();
  await env.hub.stop();
  const took = performance.now() - since;
  env.drop(env.hub);
  backend.close();
  assert.equal((await ended).code, grpc.status.UNAVAILABLE);
  assert.ok(took >= 1400 && took < 1500 + 2000 * slow, `the end took ${took} ms`);
});

scenario('an agent that lives keeps its name, and says so at once', async (env) => {
  const agent = await env.agent('pi');
  const fields = { authorization: `Bearer ${/\/([0-9a-f]{64}\.[0-9a-f]{8})#/.exec(await env.link('pi'))[1]}`, 'roost-name': 'pi', 'roost-instance': 'f'.repeat(32), 'roost-intent': 'join' };
  const since = performance.now();
  const { head: answer } = await handshake(env, fields, { keep: true });
  const took = performance.now() - since;
  assert.match(answer, /^HTTP\/1\.1 409 /);
  assert.ok(took < 1000 * slow, `the refusal took ${took} ms`);
  assert.ok(agent.proc.running);
});
