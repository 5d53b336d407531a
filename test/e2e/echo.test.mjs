// The conformance server with clients that others wrote: ws, curl and grpc-js.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import grpc from '@grpc/grpc-js';
import WebSocket from 'ws';

import { run, slow, until } from './lib/env.mjs';
import { startEcho } from './lib/echo.mjs';
import { Raw, Ws, wsFrame } from './lib/raw.mjs';

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

let plain;
let secure;
let folder;
let tenMegabytes;
before(async () => {
  [plain, secure] = await Promise.all([startEcho(), startEcho({ tls: true })]);
  folder = mkdtempSync(path.join(os.tmpdir(), 'roost-echo-'));
  tenMegabytes = path.join(folder, 'body');
  writeFileSync(tenMegabytes, randomBytes(10 << 20));
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await Promise.all([plain.stop(), secure.stop()]);
});

// --- WebSocket, by ws ---

async function open(server, options = {}) {
  const url = `${server.url.replace('http', 'ws')}/ws`;
  const ws = new WebSocket(url, { rejectUnauthorized: false, maxPayload: 64 << 20, perMessageDeflate: false, ...options });
  await once(ws, 'open');
  return ws;
}

async function echoed(ws, data, options) {
  const answer = once(ws, 'message');
  ws.send(data, options);
  const [bytes, isBinary] = await answer;
  return { bytes, isBinary };
}

for (const tls of [false, true]) {
  const server = () => (tls ? secure : plain);
  const how = tls ? 'TLS' : 'plain';

  test(`ws, ${how}: text and binary come back as what they were, of every size`, async () => {
    const ws = await open(server());
    for (const len of [0, 1, 125, 126, 127, 128, 65535, 65536, 1 << 20]) {
      const text = 'ä'.repeat(len >> 1).padEnd(len >> 1, 'x');
      const said = await echoed(ws, text);
      assert.equal(said.isBinary, false);
      assert.equal(said.bytes.toString(), text);
      const bytes = randomBytes(len);
      const sent = await echoed(ws, bytes);
      assert.equal(sent.isBinary, true);
      assert.ok(sent.bytes.equals(bytes), `${len} bytes`);
    }
    ws.close();
    await once(ws, 'close');
  });

  test(`ws, ${how}: messages of 10 and 16 MiB, whole and in fragments`, { timeout: 60_000 * slow }, async () => {
    const ws = await open(server());
    for (const len of [10 << 20, 16 << 20]) {
      const bytes = randomBytes(len);
      assert.ok((await echoed(ws, bytes)).bytes.equals(bytes), `${len} in one frame`);
      const answer = once(ws, 'message');
      for (let at = 0; at < len; at += 1 << 16) ws.send(bytes.subarray(at, at + (1 << 16)), { fin: at + (1 << 16) >= len });
      assert.ok((await answer)[0].equals(bytes), `${len} in frames of 64 KiB`);
    }
    ws.terminate();
  });

  test(`ws, ${how}: pings are answered, close codes come back`, async () => {
    for (const code of [1000, 1001, 1002, 1003, 1007, 1011, 3000, 4999]) {
      const ws = await open(server());
      const pong = once(ws, 'pong');
      ws.ping('are you there');
      assert.equal((await pong)[0].toString(), 'are you there');
      ws.close(code, 'wegen Ä');
      assert.equal((await once(ws, 'close'))[0], code);
    }
  });
}

test('ws: compression is not negotiated, and nothing breaks for it', async () => {
  const ws = await open(plain, { perMessageDeflate: true });
  assert.equal(ws.extensions, '');
  assert.equal((await echoed(ws, 'x'.repeat(5000))).bytes.length, 5000);
  ws.terminate();
});

test('ws: a hundred messages at once come back in order', async () => {
  const ws = await open(plain);
  const got = [];
  ws.on('message', (bytes) => got.push(Number(bytes)));
  for (let i = 0; i < 100; i++) ws.send(String(i));
  await until(() => got.length === 100);
  assert.deepEqual(got, Array.from({ length: 100 }, (_, i) => i));
  ws.terminate();
});

// --- WebSocket, frame by frame: the numbers are of the Autobahn test suite ---

const bad = Buffer.from([0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83, 0xce, 0xbc, 0xce, 0xb5, 0xed, 0xa0, 0x80, 0x65, 0x64]);

// What is sent, and the frames ([opcode, payload]) or the close code that come back.
const frames = {
  '2.1 an empty ping': { sends: [wsFrame(PING)], gets: [[PONG, '']] },
  '2.4 a ping of 125 bytes': { sends: [wsFrame(PING, Buffer.alloc(125, 0xfe))], gets: [[PONG, Buffer.alloc(125, 0xfe)]] },
  '2.5 a ping of 126 bytes': { sends: [wsFrame(PING, Buffer.alloc(126))], closes: 1002 },
  '2.7 a pong that nobody asked for': { sends: [wsFrame(PONG, 'x'), wsFrame(PING, 'y')], gets: [[PONG, 'y']] },
  '2.10 ten pings': { sends: Array.from({ length: 10 }, (_, i) => wsFrame(PING, `${i}`)), gets: Array.from({ length: 10 }, (_, i) => [PONG, `${i}`]) },
  '3.1 a reserved bit': { sends: [wsFrame(TEXT, 'x', { rsv: 1 })], closes: 1002 },
  '3.2 a reserved bit after a message': { sends: [wsFrame(TEXT, 'x'), wsFrame(TEXT, 'y', { rsv: 2 }), wsFrame(PING)], gets: [[TEXT, 'x']], closes: 1002 },
  '3.5 reserved bits of a binary frame': { sends: [wsFrame(BINARY, 'x', { rsv: 5 })], closes: 1002 },
  '3.6 reserved bits of a ping': { sends: [wsFrame(PING, 'x', { rsv: 6 })], closes: 1002 },
  '3.7 reserved bits of a close frame': { sends: [wsFrame(CLOSE, '', { rsv: 7 })], closes: 1002 },
  ...Object.fromEntries([3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`4.x the reserved opcode ${opcode}`, { sends: [wsFrame(TEXT, 'x'), wsFrame(opcode, 'y')], gets: [[TEXT, 'x']], closes: 1002 }])),
  '5.1 a ping in fragments': { sends: [wsFrame(PING, 'a', { fin: false }), wsFrame(0, 'b')], closes: 1002 },
  '5.2 a pong in fragments': { sends: [wsFrame(PONG, 'a', { fin: false }), wsFrame(0, 'b')], closes: 1002 },
  '5.3 a text in fragments': { sends: [wsFrame(TEXT, 'a', { fin: false }), wsFrame(0, 'b')], gets: [[TEXT, 'ab']] },
  '5.6 a ping between fragments': { sends: [wsFrame(TEXT, 'a', { fin: false }), wsFrame(PING, 'p'), wsFrame(0, 'b')], gets: [[PONG, 'p'], [TEXT, 'ab']] },
  '5.9 a continuation of nothing': { sends: [wsFrame(0, 'a')], closes: 1002 },
  '5.12 a continuation of nothing that goes on': { sends: [wsFrame(0, 'a', { fin: false }), wsFrame(TEXT, 'x')], closes: 1002 },
  '5.15 a continuation after the end': { sends: [wsFrame(TEXT, 'a', { fin: false }), wsFrame(0, 'b'), wsFrame(0, 'c', { fin: false })], gets: [[TEXT, 'ab']], closes: 1002 },
  '5.18 a new text within a text': { sends: [wsFrame(TEXT, 'a', { fin: false }), wsFrame(TEXT, 'b')], closes: 1002 },
  '5.19 pings between many fragments': { sends: [wsFrame(TEXT, 'a', { fin: false }), wsFrame(0, 'b', { fin: false }), wsFrame(PING, '1'), wsFrame(0, 'c', { fin: false }), wsFrame(PING, '2'), wsFrame(0, 'd')], gets: [[PONG, '1'], [PONG, '2'], [TEXT, 'abcd']] },
  '6.1 empty fragments': { sends: [wsFrame(TEXT, '', { fin: false }), wsFrame(0, '', { fin: false }), wsFrame(0, '')], gets: [[TEXT, '']] },
  '6.2 a character cut in two': { sends: [wsFrame(TEXT, Buffer.from([0xc3]), { fin: false }), wsFrame(0, Buffer.from([0xa4]))], gets: [[TEXT, 'ä']] },
  '6.3 bad UTF-8': { sends: [wsFrame(TEXT, bad)], closes: 1007 },
  '6.4.1 bad UTF-8 in a fragment: at once': { sends: [wsFrame(TEXT, Buffer.from([0xce, 0xba, 0xe1, 0xbd, 0xb9]), { fin: false }), wsFrame(0, Buffer.from([0xf4, 0x90, 0x80, 0x80]), { fin: false })], closes: 1007 },
  '6.4.3 bad UTF-8 in a frame that goes on: at once': { sends: [wsFrame(TEXT, Buffer.from([0xce, 0xba, 0xf4, 0x90]), { len: 1000 })], closes: 1007 },
  '6.x the end cuts a character': { sends: [wsFrame(TEXT, Buffer.from([0xc3]))], closes: 1007 },
  '6.12 an overlong slash': { sends: [wsFrame(TEXT, Buffer.from([0xc0, 0xaf]))], closes: 1007 },
  '6.14 a surrogate': { sends: [wsFrame(TEXT, Buffer.from([0xed, 0xa0, 0x80]))], closes: 1007 },
  '6.20 beyond U+10FFFF': { sends: [wsFrame(TEXT, Buffer.from([0xf4, 0x90, 0x80, 0x80]))], closes: 1007 },
  '6.22 a byte that is never there': { sends: [wsFrame(TEXT, Buffer.from([0xff]))], closes: 1007 },
  '6.23 U+FFFF is a character': { sends: [wsFrame(TEXT, Buffer.from([0xef, 0xbf, 0xbf]))], gets: [[TEXT, '\uffff']] },
  'bytes that are no text may be binary': { sends: [wsFrame(BINARY, bad)], gets: [[BINARY, bad]] },
  '7.1.1 a message, then close': { sends: [wsFrame(TEXT, 'x'), wsFrame(CLOSE, Buffer.from([3, 232]))], gets: [[TEXT, 'x']], closes: 1000 },
  '7.1.2 two close frames': { sends: [wsFrame(CLOSE, Buffer.from([3, 232])), wsFrame(CLOSE, Buffer.from([3, 233]))], closes: 1000 },
  '7.1.3 a ping after close': { sends: [wsFrame(CLOSE, Buffer.from([3, 232])), wsFrame(PING)], closes: 1000 },
  '7.1.5 close within a message': { sends: [wsFrame(TEXT, 'a', { fin: false }), wsFrame(CLOSE, Buffer.from([3, 232])), wsFrame(0, 'b')], closes: 1000 },
  '7.3.1 close without a code': { sends: [wsFrame(CLOSE)], closes: 1005 },
  '7.3.2 close with half a code': { sends: [wsFrame(CLOSE, Buffer.from([3]))], closes: 1002 },
  '7.3.5 close with a reason of 123 bytes': { sends: [wsFrame(CLOSE, Buffer.concat([Buffer.from([3, 232]), Buffer.alloc(123, 120)]))], closes: 1000 },
  '7.3.6 close with a reason of 124 bytes': { sends: [wsFrame(CLOSE, Buffer.concat([Buffer.from([3, 232]), Buffer.alloc(124, 120)]))], closes: 1002 },
  '7.5.1 close with bad UTF-8': { sends: [wsFrame(CLOSE, Buffer.concat([Buffer.from([3, 232]), bad]))], closes: 1007 },
  ...Object.fromEntries([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code) => [`7.7.x close with ${code}`, { sends: [wsFrame(CLOSE, Buffer.from([code >> 8, code & 255]))], closes: code }])),
  ...Object.fromEntries([0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535].map((code) => [`7.9.x close with ${code}`, { sends: [wsFrame(CLOSE, Buffer.from([code >> 8, code & 255]))], closes: 1002 }])),
  'a frame without a mask': { sends: [wsFrame(TEXT, 'x', { masked: false })], closes: 1002 },
  'a length with its highest bit set': { sends: [Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1])], closes: 1002 },
  'a length that is not the shortest': { sends: [Buffer.from([0x82, 0xfe, 0, 1, 1, 2, 3, 4, 5])], closes: 1002 },
  'a frame over the limit: with its first byte': { sends: [wsFrame(BINARY, 'x', { len: (32 << 20) + 1 })], closes: 1009 },
};

for (const [name, it] of Object.entries(frames)) {
  for (const bytewise of [false, true]) {
    test(`WebSocket: ${name}${bytewise ? ', byte by byte' : ''}`, async () => {
      const peer = await Ws.connect({ port: plain.port });
      try {
        const all = Buffer.concat(it.sends);
        if (bytewise) for (const byte of all) peer.send(Buffer.from([byte]));
        else peer.send(all);
        for (const [opcode, payload] of it.gets ?? []) {
          const got = await peer.next();
          assert.deepEqual([got.opcode, got.fin, got.rsv], [opcode, 1, 0]);
          assert.ok(got.payload.equals(Buffer.from(payload)), `${got.payload}`);
        }
        if (it.closes) await peer.closed(it.closes);
      } finally {
        peer.close();
      }
    });
  }
}

test('WebSocket: what is no handshake is refused', async () => {
  const good = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==' };
  const rows = [
    { upgrade: undefined },
    { connection: 'close' },
    { 'sec-websocket-version': '8' },
    { 'sec-websocket-version': undefined },
    { 'sec-websocket-key': 'short' },
    { 'sec-websocket-key': undefined },
  ];
  for (const row of rows) {
    const peer = await Raw.connect({ port: plain.port });
    const lines = Object.entries({ ...good, ...row }).filter(([, value]) => value !== undefined);
    peer.send(`GET /ws HTTP/1.1\r\nhost: a\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
    await peer.text(/^HTTP\/1\.1 4\d\d /);
    peer.close();
  }
});

// --- bodies, by curl ---

async function curl(server, ...args) {
  const out = path.join(folder, `out-${Math.random()}`);
  const { stdout } = await run('curl', ['-sSk', '-o', out, '-w', '%{http_code} %{http_version}', ...args, `${server.url}/echo`], { ms: 60_000 * slow });
  return { status: stdout, body: readFileSync(out) };
}

const ways = {
  'HTTP/1.1': ['1.1', '--http1.1', '-H', 'Expect:'],
  'HTTP/1.1 after 100-continue': ['1.1', '--http1.1', '-H', 'Expect: 100-continue', '--expect100-timeout', '60'],
  'HTTP/1.1 in chunks': ['1.1', '--http1.1', '-H', 'Transfer-Encoding: chunked', '-H', 'Expect:'],
  'HTTP/1.0': ['1.1', '--http1.0', '--no-alpn'],
};

for (const tls of [false, true]) {
  const server = () => (tls ? secure : plain);
  const h2 = tls ? ['2', '--http2'] : ['2', '--http2-prior-knowledge'];
  for (const [name, [version, ...args]] of Object.entries({ ...ways, 'HTTP/2': h2, 'HTTP/2 without a length': [...h2, '-H', 'Content-Length:'] })) {
    test(`curl, ${tls ? 'TLS' : 'plain'}: 10 MB by ${name} come back`, { timeout: 90_000 * slow }, async () => {
      const { status, body } = await curl(server(), ...args, '-X', 'POST', '-H', 'Content-Type: a/b', '-T', tenMegabytes);
      assert.equal(status, `200 ${version}`);
      assert.ok(body.equals(readFileSync(tenMegabytes)), `${body.length} bytes`);
    });
  }
}

test('curl: five bodies of 10 MB at once on one connection of HTTP/2', { timeout: 90_000 * slow }, async () => {
  const outs = Array.from({ length: 5 }, (_, i) => path.join(folder, `many-${i}`));
  const args = outs.flatMap((out, i) => [...(i ? ['--next'] : []), '-sSk', '--http2', '-X', 'POST', '--data-binary', `@${tenMegabytes}`, '-o', out, `${secure.url}/echo`]);
  await run('curl', ['--parallel', '--parallel-immediate', ...args], { ms: 60_000 * slow });
  for (const out of outs) assert.ok(readFileSync(out).equals(readFileSync(tenMegabytes)));
});

// --- HTTP/1.1, by hand ---

test('HTTP/1.1: who ends its side after the request still gets the answer', async () => {
  for (const tls of [false, true]) {
    for (const body of ['', 'hello']) {
      const peer = await Raw.connect({ port: (tls ? secure : plain).port, tls });
      peer.send(`POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      peer.finish();
      await peer.end();
      assert.match(peer.string, /^HTTP\/1\.1 200 /);
      assert.ok(peer.string.includes(body));
      peer.close();
    }
  }
});

test('HTTP/1.1: who ends its side after a large request gets all of it back', async () => {
  const body = readFileSync(tenMegabytes).subarray(0, 3 << 20);
  const peer = await Raw.connect({ port: plain.port });
  peer.send(`POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`, body);
  peer.finish();
  await peer.end();
  const text = peer.string;
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.match(text.slice(-40), /\r\n0\r\n\r\n$/);
  assert.ok(text.length > body.length);
  peer.close();
});

test('HTTP/1.1: pipelined requests are answered in order', async () => {
  const peer = await Raw.connect({ port: plain.port });
  const one = (word) => `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n${word}`;
  peer.send(one('one') + one('two') + one('six') + 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await peer.end();
  assert.match(peer.string, /one[^]*two[^]*six[^]*echo\n/);
  peer.close();
});

// --- gRPC, by grpc-js ---

const bytesOf = (value) => value;
const definition = {
  unary: { path: '/any.Service/Unary', requestStream: false, responseStream: false },
  bidi: { path: '/any.Service/Bidi', requestStream: true, responseStream: true },
};
for (const method of Object.values(definition))
  Object.assign(method, { requestSerialize: bytesOf, requestDeserialize: bytesOf, responseSerialize: bytesOf, responseDeserialize: bytesOf });
const Any = grpc.makeGenericClientConstructor(definition, 'Any');

test('grpc-js: unary and bidirectional calls come back', async () => {
  const options = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
  const stub = new Any(`127.0.0.1:${plain.port}`, grpc.credentials.createInsecure(), options);
  for (const len of [0, 1, 16383, 65536, 5 << 20]) {
    const bytes = randomBytes(len);
    const reply = await new Promise((resolve, reject) => stub.unary(bytes, (error, got) => (error ? reject(error) : resolve(got))));
    assert.ok(reply.equals(bytes), `${len} bytes`);
  }
  const call = stub.bidi();
  const got = [];
  call.on('data', (message) => got.push(message.toString()));
  const status = new Promise((resolve) => call.on('status', resolve));
  for (let i = 0; i < 500; i++) {
    call.write(Buffer.from(`message ${i}`));
    if (i % 100 === 0) await until(() => got.length === i + 1);
  }
  call.end();
  assert.equal((await status).code, grpc.status.OK);
  assert.deepEqual(got, Array.from({ length: 500 }, (_, i) => `message ${i}`));
  stub.close();
});

test('grpc-js: compressed messages come back as they were', async () => {
  const stub = new Any(`127.0.0.1:${plain.port}`, grpc.credentials.createInsecure(), { 'grpc.default_compression_algorithm': 2 });
  const bytes = Buffer.alloc(100_000, 'abc');
  const reply = await new Promise((resolve, reject) => stub.unary(bytes, (error, got) => (error ? reject(error) : resolve(got))));
  assert.ok(reply.equals(bytes));
  stub.close();
});
