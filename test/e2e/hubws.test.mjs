// The older hub's ways: servers that register at /ws with yamux in WebSocket messages, and
// its clients without a credential. Every row of its tables, by an independent server.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { Env, patience, slow, until } from './lib/env.mjs';
import { client as secureClient, grpc, internal, metadata, unary } from './lib/grpc.mjs';
import { Raw, Ws, wsFrame } from './lib/raw.mjs';
import { ACK, AWAY, bytesService, DATA, OlderServer, PING, RST, SYN, WINDOW, WINDOW_BYTES, yamuxFrame } from './lib/yamux.mjs';

let env;
let servers;
let clients;

before(async () => {
  env = await Env.start({ config: '[hubws]\nanonymous = yes\n' });
});
after(() => env.finish());

const timeout = 60_000 * slow;

// A test that closes what it started.
function check(name, body) {
  test(name, { timeout }, async () => {
    servers = [];
    clients = [];
    try {
      await body();
    } catch (error) {
      env.printLogs();
      throw error;
    } finally {
      for (const client of clients) client.close();
      for (const server of servers) if (!server.close) await server.kill();
      await until(async () => !(await names()).some((name) => servers.some((server) => server.named === name)), patience, 'all have left');
    }
  });
}

const names = async () => (await env.json('nodes')).nodes.map((node) => node.name);

async function start(name, options) {
  const server = await OlderServer.start(env, name, { services: [echo, fluentd], ...options });
  server.named = name;
  servers.push(server);
  return server;
}

// --- services of the servers, and clients of them ---

const echo = bytesService('/external.Echo', {
  Unary: [
    'unary',
    (call, done) => {
      const reply = new grpc.Metadata();
      for (const [key, values] of Object.entries(call.metadata.toJSON())) for (const value of values) reply.add(`seen-${key}`, value);
      call.sendMetadata(reply);
      const trailers = new grpc.Metadata();
      trailers.set('x-trailer', 'yes');
      done(null, call.request, trailers);
    },
  ],
  Client: [
    'client',
    (call, done) => {
      let total = 0;
      call.on('data', (bytes) => (total += bytes.length));
      call.on('end', () => done(null, Buffer.from(String(total))));
    },
  ],
  Server: [
    'server',
    (call) => {
      for (let i = 0; i < Number(call.request.toString()); i++) call.write(Buffer.from(`${i}`));
      call.end();
    },
  ],
  Flood: [
    'server',
    async (call) => {
      for (let i = 0; i < Number(call.request.toString()); i++) if (!call.write(Buffer.alloc(8192))) await once(call, 'drain').catch(() => {});
      call.end();
    },
  ],
  Deaf: ['client', () => {}],
  Bidi: [
    'bidi',
    (call) => {
      call.on('data', (bytes) => call.write(bytes));
      call.on('end', () => call.end());
      call.on('error', () => {});
    },
  ],
  Fail: ['unary', (call, done) => done({ code: grpc.status.ABORTED, details: 'no: 50% of "ü"' })],
  Never: ['unary', (call) => call.on('cancelled', () => (cancelled += 1))],
});
let cancelled = 0;

const status = (value) => ['unary', (call, done) => done(null, Buffer.from([8, value]))];
const fluentd = bytesService('/external.Fluentd', { Start: status(2), Stop: status(2), Restart: status(1) });

function plain(definition) {
  const Client = grpc.makeGenericClientConstructor(definition, 'x');
  const client = new Client(`127.0.0.1:${env.plainPort}`, grpc.credentials.createInsecure(), { 'grpc.max_receive_message_length': -1 });
  clients.push(client);
  return client;
}
const echoClient = () => plain(echo.definition);

const fails = (promise, code, details) =>
  assert.rejects(promise, (error) => {
    assert.deepEqual([grpc.status[error.code], error.details], [code, details]);
    return true;
  });

const call = (client, method, bytes, name, options) => unary(client, method, Buffer.from(bytes), name === undefined ? {} : { name }, options);

// --- 2.1: HTTP ---

async function ask(request, options = {}) {
  const peer = await Raw.connect({ port: env.plainPort, ...options });
  peer.send(request);
  await peer.text(/\r\n\r\n/);
  const [, status, head] = /^HTTP\/1\.1 (\d+)[^\r]*\r\n([^]*?\r\n)\r\n/.exec(peer.string);
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
  await until(() => peer.string.length >= peer.string.indexOf('\r\n\r\n') + 4 + length);
  const body = peer.string.slice(peer.string.indexOf('\r\n\r\n') + 4);
  peer.close();
  return { status: Number(status), head, body, id: /x-request-id: (.*)\r/i.exec(head)?.[1] };
}
const get = (path, ...fields) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${env.plainPort}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;

check('/health tells the uptime on both listeners', async () => {
  for (const options of [{}, { port: env.port, tls: true }]) {
    const { status, head, body, id } = await ask(get('/health'), options);
    assert.equal(status, 200);
    assert.match(head, /content-type: text\/plain/i);
    assert.match(Buffer.from(body, 'latin1').toString(), /^uptime: (\d+h)?(\d+m)?\d+(\.\d+)?(s|ms|µs)\n$/);
    assert.match(id, /^[0-9a-z]{11,13}$/);
    const made = parseInt(id, 36) / 1e6;
    assert.ok(Math.abs(made - Date.now()) < 60_000, `${id} is ${made}`);
  }
  assert.equal((await ask(get('/health', 'X-Request-Id: mine-42'))).id, 'mine-42');
  assert.equal((await ask(get('/healthy'))).status, 404);
  assert.equal((await ask(get('/ws/'))).status, 404);
});

const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=='];

check('/ws: 400 without an upgrade, 403 for foreign pages, 101 with X-Request-Id', async () => {
  const plainGet = await ask(get('/ws', 'X-Hub-Meta-Name: box', 'X-Request-Id: r1'));
  assert.deepEqual([plainGet.status, plainGet.id], [400, 'r1']);
  assert.equal((await ask(get('/ws', ...upgrade, 'X-Hub-Meta-Name: box', 'Origin: http://evil.example'))).status, 403);
  assert.equal((await ask(get('/ws', ...upgrade.filter((field) => !/Version/.test(field)), 'X-Hub-Meta-Name: box'))).status, 400);
  const own = await ask(get('/ws', ...upgrade, 'X-Hub-Meta-Name: own', `Origin: http://127.0.0.1:${env.plainPort}`, 'X-Request-Id: r2'));
  assert.deepEqual([own.status, own.id], [101, 'r2']);
  assert.match(own.head, /sec-websocket-accept: /i);
  assert.doesNotMatch(own.head, /sec-websocket-protocol/i);
});

const closeFrame = (reason) => Buffer.concat([Buffer.from([0x88, 2 + Buffer.byteLength(reason), 0x03, 0xe8]), Buffer.from(reason)]);

check('a missing, an empty and a taken name are told byte for byte, behind the 101', async () => {
  await start('box');
  const taken = 'registration failed because client Name box already exists';
  for (const [headers, reason] of [[[], 'name is empty'], [['X-Hub-Meta-Name:'], 'name is empty'], [['X-Hub-Meta-Name: box'], taken]]) {
    const peer = await Ws.connect({ port: env.plainPort, headers });
    await until(() => peer.frames.length > 0);
    assert.equal(peer.frames[0].payload.toString('latin1'), closeFrame(reason).subarray(2).toString('latin1'));
    assert.equal(peer.frames.length, 1);
    peer.send(wsFrame(8, Buffer.from([0x03, 0xe8])));
    await peer.end();
  }
});

// --- 2.2: framing ---

// A server by hand: WebSocket frames in, yamux frames out.
async function raw(name) {
  const peer = await Ws.connect({ port: env.plainPort, headers: [`X-Hub-Meta-Name: ${name}`] });
  peer.named = name;
  peer.kill = async () => {
    peer.close();
    peer.ended ??= 'us';
  };
  Object.defineProperty(peer, 'close', { value: () => peer.socket.destroy() });
  peer.bytes = () => Buffer.concat(peer.frames.filter((it) => it.opcode === 2).map((it) => it.payload));
  peer.say = (...frames) => frames.forEach((bytes) => peer.send(wsFrame(2, bytes)));
  return peer;
}

check('the hub opens streams 1, 3, 5 and sends at most 512 bytes a message', async () => {
  const peer = await raw('by-hand');
  const client = echoClient();
  const calls = [];
  calls.push(call(client, 'Unary', 'x', 'by-hand').catch((error) => error));
  const first = Buffer.from('000100010000000100000000', 'hex');
  await until(() => peer.bytes().length >= 12 + 12 + 24);
  const bytes = peer.bytes();
  assert.equal(bytes.subarray(0, 12).toString('hex'), first.toString('hex'));
  assert.equal(bytes.subarray(12, 20).toString('hex'), '0000000000000001', 'data of stream 1');
  assert.equal(bytes.subarray(24, 48).toString(), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  for (const it of peer.frames) assert.deepEqual([it.fin, it.rsv, it.opcode], [1, 0, 2]);
  assert.ok(peer.frames.every((it) => it.payload.length <= 512));

  // A ping is answered with its opaque; one that nobody sent is passed over.
  peer.frames.length = 0;
  peer.say(yamuxFrame(PING, ACK, 0, 77), yamuxFrame(PING, SYN, 0, 0xdeadbeef));
  await until(() => peer.bytes().length >= 12);
  assert.equal(peer.bytes().toString('hex'), '0002000200000000deadbeef');

  // A stream that is reset fails its call; the next call gets the next id.
  peer.frames.length = 0;
  peer.say(yamuxFrame(WINDOW, RST, 1, 0));
  assert.equal((await calls[0]).details, 'transport is closing');
  calls.push(call(client, 'Unary', 'x', 'by-hand').catch((error) => error));
  await until(() => peer.bytes().length >= 12);
  assert.equal(peer.bytes().subarray(0, 12).toString('hex'), '000100010000000300000000');

  // A normal close is answered, and ends it.
  peer.frames.length = 0;
  peer.send(wsFrame(8, Buffer.concat([Buffer.from([0x03, 0xe8]), Buffer.from('closed')])));
  await until(() => peer.frames.some((it) => it.opcode === 8));
  assert.equal(peer.frames.find((it) => it.opcode === 8).code, 1000);
  const lost = await calls[1];
  assert.deepEqual([lost.code, lost.details], [grpc.status.UNAVAILABLE, 'transport is closing']);
});

check('what breaks the rules ends the link', async () => {
  const rows = [
    ['text', (peer) => peer.send(wsFrame(1, 'hello')), 1003],
    ['version', (peer) => peer.say(yamuxFrame(PING, SYN, 0, 1, Buffer.alloc(0), 1)), 'away'],
    ['type', (peer) => peer.say(yamuxFrame(7, 0, 1, 0)), 'away'],
    ['unmasked', (peer) => peer.send(wsFrame(2, yamuxFrame(PING, SYN, 0, 1), { masked: false })), 1002],
  ];
  for (const [name, act, wanted] of rows) {
    const peer = await raw(`bad-${name}`);
    act(peer);
    await peer.end();
    if (wanted === 'away') {
      assert.equal(peer.bytes().toString('hex'), '000300000000000000000001', `${name}: go-away, protocol`);
    } else {
      assert.equal(peer.frames.find((it) => it.opcode === 8)?.code, wanted, name);
    }
  }
  // More than the window of a stream, or than anybody may announce.
  const peer = await raw('bad-window');
  const lost = call(echoClient(), 'Unary', 'x', 'bad-window').catch((error) => error);
  await until(() => peer.bytes().length > 12);
  peer.frames.length = 0;
  peer.say(yamuxFrame(WINDOW, ACK, 1, 0), yamuxFrame(DATA, 0, 1, WINDOW_BYTES + 1));
  assert.equal((await lost).details, 'transport is closing');
  await peer.end();
  assert.ok(peer.bytes().toString('hex').includes('000300000000000000000001'));
});

check('frames may be cut and joined in any way, and come for nobody', async () => {
  const peer = await raw('cut');
  const pings = Buffer.concat([1, 2, 3].map((n) => yamuxFrame(PING, SYN, 0, n)));
  for (const byte of pings) peer.send(wsFrame(2, Buffer.from([byte])));
  peer.send(wsFrame(2, pings.subarray(0, 17), { fin: false }), wsFrame(9, 'hi'), wsFrame(0, pings.subarray(17)));
  const late = yamuxFrame(DATA, 0, 99, 5, Buffer.from('never'));
  peer.say(Buffer.concat([late, yamuxFrame(WINDOW, 0, 99, 5), yamuxFrame(DATA, SYN, 2, 3, Buffer.from('own')), yamuxFrame(PING, SYN, 0, 9)]));
  const pongs = () => peer.bytes().toString('hex');
  await until(() => pongs().endsWith('000200020000000000000009'));
  assert.equal(pongs(), `${[1, 2, 3, 1, 2, 3].map((n) => `00020002000000000000000${n}`).join('')}000100080000000200000000000200020000000000000009`);
  assert.equal(peer.frames.find((it) => it.opcode === 10)?.payload.toString(), 'hi');
  await peer.kill();
});

check('100,000 bytes and 4 MiB pass, both ways, to a server that reads 512', async () => {
  const server = await start('box');
  const client = echoClient();
  for (const size of [0, 1, 403, 512, 100_000, 4 << 20]) {
    const bytes = Buffer.alloc(size, 'abcdefghijklm');
    assert.ok(bytes.equals(await call(client, 'Unary', bytes, 'box')), `${size} bytes`);
  }
  assert.ok(Math.max(...server.messages) <= 512);
  assert.equal(server.close, undefined);
});

check('many calls share one stream; a peer that allows few gets more streams', async () => {
  const server = await start('box');
  const client = echoClient();
  const all = (count, name) => Promise.all(Array.from({ length: count }, (unused, i) => call(client, 'Unary', `${i}`, name)));
  assert.deepEqual((await all(300, 'box')).map(String), Array.from({ length: 300 }, (unused, i) => `${i}`));
  assert.equal(server.mux.opened, 1);
  const narrow = await start('narrow', { options: { 'grpc.max_concurrent_streams': 10 } });
  assert.deepEqual((await all(100, 'narrow')).map(String), Array.from({ length: 100 }, (unused, i) => `${i}`));
  assert.ok(narrow.mux.opened >= 1 && narrow.mux.opened <= 100, `${narrow.mux.opened} streams`);
});

check('a server that refuses streams fails calls at once; one that goes away finishes them', async () => {
  const server = await start('box');
  const client = echoClient();
  server.mux.refuses = true;
  await fails(call(client, 'Unary', 'x', 'box'), 'UNAVAILABLE', 'transport is closing');
  server.mux.refuses = false;
  const bidi = client.Bidi(metadata({ name: 'box' }));
  const got = [];
  bidi.on('data', (bytes) => got.push(bytes.toString()));
  bidi.write(Buffer.from('one'));
  await until(() => got.length === 1);
  server.mux.say(yamuxFrame(AWAY, 0, 0, 0));
  bidi.write(Buffer.from('two'));
  await until(() => got.length === 2);
  assert.equal(String(await call(client, 'Unary', 'on', 'box')), 'on', 'the stream that is there takes calls');
  bidi.end();
  await until(() => new Promise((resolve) => bidi.on('status', resolve)));
});

check('a stream that nobody reads holds up no other', async () => {
  const server = await start('box');
  const client = echoClient();
  server.mux.isStingy = (stream) => stream.id === 1; /* gives no window any more */
  const stalled = call(client, 'Unary', Buffer.alloc(1 << 20, 's'), 'box');
  await until(() => server.mux.frames.filter((it) => it.id === 1 && it.type === DATA).reduce((sum, it) => sum + it.len, 0) >= WINDOW_BYTES - 1000);
  for (let i = 0; i < 50; i++) assert.equal(String(await call(client, 'Unary', `${i}`, 'box')), `${i}`);
  assert.ok(server.mux.opened >= 2);
  server.mux.isStingy = () => false;
  server.mux.streams.get(1).credit();
  assert.equal((await stalled).length, 1 << 20);
});

check('where no other stream is to be had, calls wait behind one that is not read', async () => {
  const server = await start('box');
  const client = echoClient();
  server.mux.isStingy = () => true;
  const stalled = call(client, 'Unary', Buffer.alloc(1 << 20, 's'), 'box');
  await until(() => server.mux.frames.filter((it) => it.type === DATA).reduce((sum, it) => sum + it.len, 0) >= WINDOW_BYTES - 1000);
  server.mux.say(yamuxFrame(AWAY, 0, 0, 0));
  const behind = call(client, 'Unary', 'behind', 'box');
  await assert.rejects(call(client, 'Unary', 'late', 'box', { deadline: Date.now() + 300 }), { code: grpc.status.DEADLINE_EXCEEDED });
  server.mux.isStingy = () => false;
  server.mux.streams.get(1).credit();
  assert.equal((await stalled).length, 1 << 20);
  assert.equal(String(await behind), 'behind');
  assert.equal(server.mux.opened, 1);
});

check('an HTTP/2 connection that goes away is followed by another, and no call is lost', async () => {
  const server = await start('box', { options: { 'grpc.max_connection_age_ms': 150, 'grpc.max_connection_age_grace_ms': 5000 } });
  const client = echoClient();
  const until_ms = Date.now() + 1500;
  let count = 0;
  await Promise.all(
    [1, 2, 3, 4].map(async () => {
      while (Date.now() < until_ms) assert.equal(String(await call(client, 'Unary', `${(count += 1)}`.slice(0, 3), 'box')).length > 0, true);
    }),
  );
  assert.ok(server.mux.opened >= 3, `${server.mux.opened} streams for ${count} calls`);
});

const hubKiB = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${env.hub.child.pid}/status`, 'utf8'))[1]);

check('replies that nobody reads hold up no call, and resume with every byte', async () => {
  const server = await start('box');
  const client = echoClient();
  const before = hubKiB();
  const part = 8192;
  const streams = Array.from({ length: 100 }, () => client.Flood(Buffer.from('50'), metadata({ name: 'box' })));
  for (const stream of streams) stream.pause();
  for (let i = 0; i < 30; i++) {
    const since = performance.now();
    assert.equal(String(await call(client, 'Unary', `${i}`, 'box')), `${i}`);
    assert.ok(performance.now() - since < 1000 * slow);
  }
  assert.ok(hubKiB() - before < 64 * 1024 * slow, `${hubKiB() - before} KiB more`);
  for (const stream of streams) {
    let total = 0;
    for await (const bytes of stream) total += bytes.length;
    assert.equal(total, 50 * part);
  }
  assert.equal(server.close, undefined);
});

check('a server that stops reading costs the hub a window, not what is pushed', async () => {
  const server = await start('box');
  const client = echoClient();
  const stream = client.Deaf(metadata({ name: 'box' }), () => {});
  const before = hubKiB();
  const bytes = Buffer.alloc(1 << 16);
  for (let i = 0; i < 256; i++) stream.write(bytes); /* 16 MiB, that wait at the client */
  for (let i = 0; i < 10; i++) assert.equal(String(await call(client, 'Unary', `${i}`, 'box')), `${i}`);
  assert.ok(hubKiB() - before < 4096 * slow, `${hubKiB() - before} KiB more`);
  stream.cancel();
  assert.equal(server.close, undefined);
});

check('a holder that is gone without a word loses its name within seconds', async () => {
  const silent = await raw('box');
  silent.socket.pause();
  const second = await start('box');
  assert.equal(String(await call(echoClient(), 'Unary', 'x', 'box')), 'x');
  assert.equal(second.close, undefined);
  silent.close();
});

// --- 2.3, 2.4: calls ---

check('all four kinds, metadata unchanged, trailers, status, deadline and cancel', async () => {
  await start('box');
  const client = echoClient();
  const sent = metadata({ name: 'box', 'x-text': 'äbc'.slice(1), 'x-bytes-bin': Buffer.from([0, 1, 254]), authorization: 'Basic abc' });
  const seen = {};
  const reply = await new Promise((resolve, reject) => {
    const one = client.Unary(Buffer.from('hi'), sent, (error, bytes) => (error ? reject(error) : resolve(bytes)));
    one.on('metadata', (head) => (seen.head = head));
    one.on('status', (end) => (seen.trailers = end.metadata));
  });
  assert.equal(String(reply), 'hi');
  assert.deepEqual(seen.head.get('seen-name'), ['box']);
  assert.deepEqual(seen.head.get('seen-x-text'), ['bc']);
  assert.deepEqual(seen.head.get('seen-authorization'), ['Basic abc']);
  assert.deepEqual(seen.head.get('seen-x-bytes-bin'), [Buffer.from([0, 1, 254])]);
  await until(() => seen.trailers);
  assert.deepEqual(seen.trailers.get('x-trailer'), ['yes']);

  const total = await new Promise((resolve, reject) => {
    const stream = client.Client(metadata({ name: 'box' }), (error, bytes) => (error ? reject(error) : resolve(String(bytes))));
    for (let i = 0; i < 100; i++) stream.write(Buffer.alloc(1000));
    stream.end();
  });
  assert.equal(total, '100000');
  const listed = [];
  for await (const bytes of client.Server(Buffer.from('500'), metadata({ name: 'box' }))) listed.push(String(bytes));
  assert.equal(listed.length, 500);
  const bidi = client.Bidi(metadata({ name: 'box' }));
  for (const word of ['a', 'b', 'c']) {
    bidi.write(Buffer.from(word));
    assert.equal(String((await bidi[Symbol.asyncIterator]().next()).value ?? ''), word);
    break;
  }
  bidi.cancel();
  bidi.on('error', () => {});

  await fails(call(client, 'Fail', 'x', 'box'), 'ABORTED', 'no: 50% of "ü"');
  cancelled = 0;
  await assert.rejects(call(client, 'Never', 'x', 'box', { deadline: Date.now() + 200 }), { code: grpc.status.DEADLINE_EXCEEDED });
  const never = client.Never(Buffer.from('x'), metadata({ name: 'box' }), () => {});
  await until(() => cancelled === 1);
  setTimeout(() => never.cancel(), 50);
  await until(() => cancelled === 2);
});

check('the codes and texts of the older hub', async () => {
  await start('box');
  const one = plain(bytesService('/external.Nothing', { Do: ['unary', null] }).definition);
  const wrong = plain(bytesService('/external.Echo', { Missing: ['unary', null] }).definition);
  const own = plain(bytesService('/internal.Nothing', { Do: ['unary', null] }).definition);
  const other = plain(bytesService('/mine.Nothing', { Do: ['unary', null] }).definition);
  const client = echoClient();
  for (const name of ['box', undefined]) {
    await fails(call(own, 'Do', '', name), 'UNIMPLEMENTED', 'Unknown method');
    await fails(call(other, 'Do', '', name), 'UNIMPLEMENTED', 'Unknown method');
  }
  await fails(call(client, 'Unary', ''), 'FAILED_PRECONDITION', 'name not found in metadata');
  for (const name of ['nobody', '']) await fails(call(client, 'Unary', '', name), 'FAILED_PRECONDITION', 'get failed because client Name was not found');
  const two = new grpc.Metadata();
  two.add('name', 'box');
  two.add('name', 'nobody');
  await new Promise((resolve, reject) => client.Unary(Buffer.from('x'), two, (error) => (error ? reject(error) : resolve())));
  await assert.rejects(call(one, 'Do', '', 'box'), { code: grpc.status.UNIMPLEMENTED });
  await assert.rejects(call(wrong, 'Missing', '', 'box'), { code: grpc.status.UNIMPLEMENTED });
  const ours = plain(bytesService('/roost.v1.Nodes', { List: ['unary', null] }).definition);
  for (const name of ['box', undefined]) await assert.rejects(call(ours, 'List', '', name), { code: grpc.status.UNAUTHENTICATED });
});

check('the demo: fluentd, the list of clients and the feed, as the older client asks', async () => {
  const hub = new internal.Hub(`127.0.0.1:${env.plainPort}`, grpc.credentials.createInsecure());
  clients.push(hub);
  const feed = hub.StreamActivityFeed({});
  const events = [];
  feed.on('data', (event) => events.push(event.message));
  feed.on('error', () => {});
  await new Promise((resolve) => feed.on('metadata', resolve));
  const server = await start('box');
  const client = plain(fluentd.definition);
  for (const [method, value] of [['Start', 2], ['Stop', 2], ['Restart', 1]]) assert.deepEqual([...(await call(client, method, '', 'box'))], [8, value]);
  const { count, clients: listed } = await unary(hub, 'ListClients', {});
  assert.equal(count, '1');
  assert.equal(listed[0].name, 'box');
  assert.match(listed[0].connectionTime, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 UTC m=\+\d+\.\d+$/);
  assert.match(listed[0].uptime, /^(\d+m)?\d+(\.\d+)?(s|ms|µs)$/);
  await server.kill();
  await until(() => events.length >= 5);
  assert.deepEqual(events, [
    'registered client with name: box',
    'proxying gRPC request (/external.Fluentd/Start) to: box',
    'proxying gRPC request (/external.Fluentd/Stop) to: box',
    'proxying gRPC request (/external.Fluentd/Restart) to: box',
    'unregistered client with name: box',
  ]);
  assert.equal((await unary(hub, 'ListClients', {})).count, '0');
  feed.cancel();
});

// --- the life of a registration ---

check('a link that is lost ends its calls, and the server may come again', async () => {
  for (let i = 0; i < 3; i++) {
    const server = await start('box');
    const client = echoClient();
    const lost = fails(call(client, 'Never', 'x', 'box'), 'UNAVAILABLE', 'transport is closing');
    await until(() => server.mux.opened > 0);
    assert.equal(String(await call(client, 'Unary', 'x', 'box')), 'x');
    await server.kill();
    await lost;
    await fails(call(client, 'Unary', 'x', 'box'), 'FAILED_PRECONDITION', 'get failed because client Name was not found');
  }
});

check('a refused duplicate leaves the holder its name', async () => {
  const holder = await start('box');
  const client = echoClient();
  for (let i = 0; i < 3; i++) {
    const second = await OlderServer.start(env, 'box', { ready: false });
    assert.deepEqual(await second.closed(), { code: 1000, reason: 'registration failed because client Name box already exists' });
    assert.equal(String(await call(client, 'Unary', `${i}`, 'box')), `${i}`);
  }
  await holder.stop();
  await until(async () => !(await names()).includes('box'));
  await start('box');
  assert.equal(String(await call(client, 'Unary', 'again', 'box')), 'again');
});

check('any text is a name, and its callers find it by that text', async () => {
  const rows = [['My Server!', 'my-server'], ['Büro 1', undefined], ['a/b', undefined], ['x'.repeat(64), undefined]];
  const client = echoClient();
  for (const [text, name] of rows) {
    const header = Buffer.from(text).toString('latin1');
    await start(header);
    if (/^[ -~]*$/.test(text)) assert.equal(String(await call(client, 'Unary', 'x', text)), 'x', text); /* what grpc-js sends */
    if (name) assert.ok((await names()).includes(name));
    const again = await OlderServer.start(env, header, { ready: false });
    assert.match((await again.closed()).reason, /already exists$/);
  }
  const hub = new internal.Hub(`127.0.0.1:${env.plainPort}`, grpc.credentials.createInsecure());
  clients.push(hub);
  const { clients: listed } = await unary(hub, 'ListClients', {});
  assert.deepEqual(listed.map((one) => one.name).sort(), rows.map(([text]) => text).sort());
  const long = await OlderServer.start(env, 'y'.repeat(65), { ready: false });
  assert.match((await long.closed()).reason, /^registration failed because client Name is not text/);
  for (const server of servers) await server.kill();
  await until(async () => (await names()).length === 0);
});

// --- credentials ---

const dialectToken = async (name) => (await env.cli('token', 'new', '--dialect', name)).stdout.trim().split('\n').at(-1).trim();

check('without a token only on the plain listener, and under no name of others', async () => {
  const tls = await OlderServer.start(env, 'box', { tls: true, ready: false });
  assert.equal((await tls.refused()).status, 401);
  assert.match(tls.refusal.text, /a credential is needed over TLS/);
  await env.cli('token', 'new', 'promised');
  const promised = await OlderServer.start(env, 'promised', { ready: false });
  assert.equal((await promised.closed()).reason, 'registration failed because client Name promised already exists');
  const bad = await OlderServer.start(env, 'box', { token: 'no-token', ready: false });
  assert.equal((await bad.refused()).status, 401);
  assert.match(bad.refusal.text, /the token is mistyped/);
});

check('with a token on both listeners; the token says which node it is', async () => {
  const token = await dialectToken('vault');
  const agentToken = (await env.cli('token')).stdout;
  assert.match(agentToken, /vault/);
  for (const tls of [true, false]) {
    const server = await start('My Vault', { tls, token });
    const node = await env.node('vault');
    assert.deepEqual([node.state, node.transport], ['ONLINE', 'hubws']);
    const client = echoClient();
    await fails(call(client, 'Unary', 'x', 'vault'), 'FAILED_PRECONDITION', 'get failed because client Name was not found');
    const Client = grpc.makeGenericClientConstructor(echo.definition, 'x');
    const secure = secureClient(env, Client);
    clients.push(secure);
    const bearer = `Bearer ${await env.token()}`;
    for (const name of ['vault', 'My Vault']) assert.equal(String(await unary(secure, 'Unary', Buffer.from('x'), { name, authorization: bearer })), 'x');
    const rival = await OlderServer.start(env, 'whatever', { token, ready: false });
    assert.equal((await rival.closed()).reason, 'registration failed because client Name whatever already exists');
    const thief = await OlderServer.start(env, 'vault', { ready: false });
    assert.equal((await thief.closed()).reason, 'registration failed because client Name vault already exists');
    await server.kill();
    await env.state('vault', 'OFFLINE');
    const late = await OlderServer.start(env, 'vault', { ready: false });
    assert.match((await late.closed()).reason, /already exists$/);
  }
  // It follows the node's new name, and ends with it.
  await env.cli('node', 'rename', 'vault', 'safe');
  const server = await start('My Vault', { token });
  assert.equal((await env.node('safe')).state, 'ONLINE');
  await env.cli('token', 'revoke', (await env.json('token')).tokens.find((one) => one.name === 'safe').id);
  assert.deepEqual(await server.closed(), { code: 1000, reason: 'closed' });
  const revoked = await OlderServer.start(env, 'vault', { token, ready: false });
  assert.equal((await revoked.refused()).status, 403);
  assert.match(revoked.refusal.text, /the token was revoked/);
  await env.cli('node', 'remove', '--yes', 'safe');
});

check('a token puts out who holds its name without one', async () => {
  const token = await (async () => {
    await start('guest');
    return dialectToken('guest');
  })();
  const owner = await start('guest', { token });
  assert.equal((await servers[0].closed()).reason, 'closed');
  assert.equal((await env.node('guest')).state, 'ONLINE');
  await owner.kill();
  await env.cli('node', 'remove', '--yes', 'guest');
});

check('a node that is removed takes its token along', async () => {
  const token = await dialectToken('brief');
  const server = await start('brief', { token });
  await env.cli('node', 'remove', '--yes', 'brief');
  assert.deepEqual(await server.closed(), { code: 1000, reason: 'closed' });
  const again = await OlderServer.start(env, 'brief', { token, ready: false });
  assert.equal((await again.refused()).status, 403);
});

test('by default nobody is let in without a token, and a stop is told', { timeout }, async () => {
  const other = await Env.start({ config: '[hubws]\n' });
  try {
    const server = await OlderServer.start(other, 'box', { ready: false });
    assert.equal((await server.refused()).status, 401);
    assert.match(server.refusal.text, /\[hubws\] anonymous = yes/);
    assert.match(server.refusal.headers['x-request-id'], /^[0-9a-z]+$/);
    await other.hub.line(/server at .* refused: it shows no credential/);
    writeFileSync(other.file('roost.conf'), '[hubws]\nanonymous = yes\n');
    other.hub.child.kill('SIGHUP');
    await until(async () => {
      const guest = await OlderServer.start(other, 'guest', { ready: false });
      await until(() => guest.refusal?.done || guest.ws.readyState === 1);
      const isIn = !guest.refusal;
      guest.ws.terminate();
      return isIn;
    });

    const token = (await other.cli('token', 'new', '--dialect', 'box')).stdout.trim().split('\n').at(-1).trim();
    const known = await OlderServer.start(other, 'box', { token, tls: true });
    await other.hub.stop();
    other.drop(other.hub);
    assert.deepEqual(await known.closed(), { code: 1000, reason: 'closed' });
  } finally {
    await other.finish();
  }
});
