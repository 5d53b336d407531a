// Hostile input against a live hub. After each attack the hub answers as ever, has leaked no
// descriptor and has not grown.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { scenario, slow, until } from './lib/env.mjs';
import { handshake, join, serve } from './lib/link.mjs';
import * as h2 from './lib/raw.mjs';
import { ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, H2, HEADERS, PING, PRIORITY, RST_STREAM, Raw, SETTINGS, WINDOW_UPDATE, Ws, block, frame, get, integer, post, request, settings, u32, wsFrame } from './lib/raw.mjs';
import { Siege } from './lib/siege.mjs';

let siege;
before(async () => (siege = await Siege.start()));
after(() => siege.finish());

const crlf = '\r\n';
const port = (tls) => (tls ? siege.port : siege.plainPort);
const reach = (tls, Peer = Raw) => Peer.connect({ port: port(tls), tls });
const both = (name, body, options = {}) => {
  for (const tls of [false, true]) test(`${name}, ${tls ? 'TLS' : 'plain'}`, { timeout: 120_000 * slow, ...options }, () => body(tls));
};

// --- HTTP/1.1 ---

const list = (...more) => ['POST /roost.v1.Nodes/List HTTP/1.1', 'Host: a', 'Content-Type: application/json', ...more];
const head = (...lines) => lines.join(crlf) + crlf + crlf;
const chunked = (...lines) => head(...list('Transfer-Encoding: chunked', `Authorization: ${siege.bearer}`)) + lines.join(crlf) + crlf + crlf;
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

const requests = {
  'a header over the limit': [431, () => head('GET / HTTP/1.1', 'Host: a', `X: ${'y'.repeat(17 << 10)}`)],
  'headers over the limit': [431, () => head('GET / HTTP/1.1', 'Host: a', ...Array.from({ length: 90 }, (_, i) => `X${i}: ${'y'.repeat(250)}`))],
  'more fields than anybody needs': [431, () => head('GET / HTTP/1.1', 'Host: a', ...Array.from({ length: 101 }, (_, i) => `X${i}: y`))],
  'a name that never ends': [431, () => `GET / HTTP/1.1\r\nHost: a\r\n${'x'.repeat(20 << 10)}`],
  'a request line over the limit': [/414|431/, () => head(`GET /${'x'.repeat(17 << 10)} HTTP/1.1`, 'Host: a')],
  'a body over the limit': [413, () => head(...list('Content-Length: 5000000', `Authorization: ${siege.bearer}`)) + 'x'.repeat(5_000_000)],
  'chunks over the limit': [413, () => head(...list('Transfer-Encoding: chunked', `Authorization: ${siege.bearer}`)) + `10000\r\n${'x'.repeat(65536)}\r\n`.repeat(80)],
  'a length beside a coding': [400, () => head(...list('Content-Length: 5', 'Transfer-Encoding: chunked')) + `0\r\n\r\n${smuggled}`],
  'a coding beside a length': [400, () => head(...list('Transfer-Encoding: chunked', 'Content-Length: 5')) + `0\r\n\r\n${smuggled}`],
  'two lengths': [400, () => head(...list('Content-Length: 2', 'Content-Length: 3')) + `{}${smuggled}`],
  'two equal lengths': [400, () => head(...list('Content-Length: 2', 'Content-Length: 2')) + `{}${smuggled}`],
  'a list of lengths': [400, () => head(...list('Content-Length: 2, 2')) + '{}'],
  'a length with a sign': [400, () => head(...list('Content-Length: +2')) + '{}'],
  'a negative length': [400, () => head(...list('Content-Length: -2')) + '{}'],
  'a length of 21 digits': [400, () => head(...list('Content-Length: 100000000000000000002')) + '{}'],
  'a length in hexadecimal': [400, () => head(...list('Content-Length: 0x2')) + '{}'],
  'an unknown coding': [400, () => head(...list('Transfer-Encoding: gzip')) + '{}'],
  'a coding before chunked': [400, () => head(...list('Transfer-Encoding: gzip, chunked')) + '0\r\n\r\n'],
  'chunked twice': [400, () => head(...list('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')) + '0\r\n\r\n'],
  'a coding behind a tab and a letter': [400, () => head(...list('Transfer-Encoding: \tchunkedx')) + '0\r\n\r\n'],
  'a coding of HTTP/1.0': [400, () => head('POST / HTTP/1.0', 'Host: a', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
  'a space before the colon': [400, () => head('GET / HTTP/1.1', 'Host : a')],
  'a space before the colon of a length': [400, () => head(...list('Content-Length : 2')) + '{}'],
  'a folded field': [400, () => head('GET / HTTP/1.1', 'Host: a', 'X: y', ' z')],
  'a bare LF': [400, () => 'GET / HTTP/1.1\nHost: a\n\n'],
  'a bare LF in the fields': [400, () => `GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n`],
  'a bare CR in a value': [400, () => head('GET / HTTP/1.1', 'Host: a', 'X: y\rz: 1')],
  'a zero byte in a value': [400, () => head('GET / HTTP/1.1', 'Host: a', 'X: y\0')],
  'a line without a colon': [400, () => head('GET / HTTP/1.1', 'Host: a', 'nothing')],
  'an empty name': [400, () => head('GET / HTTP/1.1', 'Host: a', ': x')],
  'no Host': [400, () => head('GET / HTTP/1.1')],
  'two Hosts': [400, () => head('GET / HTTP/1.1', 'Host: a', 'Host: b')],
  'a Host that is none': [400, () => head('GET / HTTP/1.1', 'Host: a/b')],
  'an unknown version': [400, () => head('GET / HTTP/3.0', 'Host: a')],
  'no version': [400, () => 'GET /\r\n\r\n'],
  'two spaces': [400, () => head('GET  / HTTP/1.1', 'Host: a')],
  'a space at the end': [400, () => head('GET / HTTP/1.1 ', 'Host: a')],
  'a target with a control byte': [400, () => head('GET /\x01 HTTP/1.1', 'Host: a')],
  'a method that is none': [400, () => head('G(T / HTTP/1.1', 'Host: a')],
  'bytes of TLS, or anything': [400, () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
  'a size of a chunk in decimal words': [400, () => chunked('zwei', '{}', '0')],
  'a size of a chunk with 0x': [400, () => chunked('0x2', '{}', '0')],
  'a negative chunk': [400, () => chunked('-2', '{}', '0')],
  'a chunk of 2^64 bytes': [400, () => chunked('10000000000000002', '{}', '0')],
  'a chunk longer than it says': [400, () => chunked('2', '{} ', '0')],
  'a chunk behind a space': [400, () => chunked(' 2', '{}', '0')],
  'a bare LF behind a chunk': [400, () => head(...list('Transfer-Encoding: chunked')) + '2\n{}\r\n0\r\n\r\n'],
  'an extension that never ends': [400, () => head(...list('Transfer-Encoding: chunked')) + `2;${'x'.repeat(20_000)}`],
  'a length in the trailers': [400, () => chunked('2', '{}', '0', 'Content-Length: 5')],
  'trailers that never end': [/400|431/, () => `${chunked('2', '{}').slice(0, -2)}0\r\n${'X: y\r\n'.repeat(5000)}`],
};

both('HTTP/1.1: what is no request is refused, and nothing behind it is read', async (tls) => {
  for (const [name, [status, make]] of Object.entries(requests)) {
    const peer = await reach(tls);
    try {
      peer.send(Buffer.from(make(), 'latin1'));
      peer.send(smuggled);
      const [, said] = await peer.text(/^HTTP\/1\.1 (\d+) /);
      await peer.end();
      assert.match(said, status instanceof RegExp ? status : new RegExp(`^${status}$`), name);
      assert.equal(peer.string.match(/HTTP\/1\.1 \d/g).length, 1, `${name}: only one answer`);
    } catch (error) {
      throw new Error(`${name}: ${error.message}`, { cause: error });
    } finally {
      peer.close();
    }
  }
  await siege.unharmed();
});

both('HTTP/1.1: a hundred thousand requests at once, whose answers nobody reads', async (tls) => {
  const some = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1000));
  await siege.endure(async () => {
    const peer = await reach(tls);
    peer.socket.pause();
    for (let i = 0; i < 100; i++) peer.send(some);
    await siege.call();
    peer.close();
  });
});

test('HTTP/1.1: who sends a request and ends its side gets the answer', async () => {
  for (const tls of [false, true]) {
    const peer = await reach(tls);
    peer.send(head(...list('Content-Length: 2', `Authorization: ${siege.bearer}`)), '{}');
    peer.finish();
    await peer.end();
    assert.match(peer.string, /^HTTP\/1\.1 200 [^]*\r\n\r\n\{/);
    peer.close();
  }
  await siege.unharmed();
});

// --- HTTP/2 ---

const many = (count, make) => Buffer.concat(Array.from({ length: count }, (_, i) => make(i)));
const odd = (i) => 2 * i + 1;
const base = block(request());

// What is poured until the connection ends, and why it must end.
const floods = {
  'rapid reset (CVE-2023-44487)': { pours: () => many(5000, (i) => Buffer.concat([get(odd(i)), frame(RST_STREAM, 0, odd(i), u32(8))])), once: true, why: ['ENHANCE_YOUR_CALM'] },
  'resets that the server is made to send (CVE-2025-8671)': { pours: () => many(5000, (i) => Buffer.concat([post(odd(i)), frame(WINDOW_UPDATE, 0, odd(i), u32(0))])), once: true, why: ['ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR'] },
  'requests that are malformed': { pours: () => many(5000, (i) => frame(HEADERS, END_HEADERS | END_STREAM, odd(i), block([['X', 'y']]))), once: true, why: ['ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR'] },
  'CONTINUATION without end': { first: frame(HEADERS, END_STREAM, 1, base), pours: () => many(1000, () => frame(CONTINUATION, 0, 1, block([['x', 'y'.repeat(100)]]))), why: ['ENHANCE_YOUR_CALM'] },
  'empty CONTINUATION without end': { first: frame(HEADERS, END_STREAM, 1, base), pours: () => many(1000, () => frame(CONTINUATION, 0, 1)), why: ['ENHANCE_YOUR_CALM'] },
  'SETTINGS': { pours: () => many(1000, (i) => settings([h2.INITIAL_WINDOW_SIZE, i])), why: ['ENHANCE_YOUR_CALM'] },
  'PING': { pours: () => many(2000, () => frame(PING, 0, 0, Buffer.alloc(8))), why: ['ENHANCE_YOUR_CALM'] },
  'PING whose answers nobody reads': { deaf: true, pours: () => many(2000, () => frame(PING, 0, 0, Buffer.alloc(8))) },
  'answers to PINGs that were never sent': { pours: () => many(2000, () => frame(PING, ACK, 0, Buffer.alloc(8))), why: ['ENHANCE_YOUR_CALM'] },
  'empty DATA behind an answer': { first: post(1), pours: () => many(2000, () => frame(DATA, 0, 1)), why: ['ENHANCE_YOUR_CALM'] },
  'PRIORITY': { pours: () => many(2000, (i) => frame(PRIORITY, 0, odd(i), Buffer.from([0, 0, 0, 0, 9]))), why: ['ENHANCE_YOUR_CALM'] },
  'WINDOW_UPDATE of 1': { pours: () => many(2000, () => frame(WINDOW_UPDATE, 0, 0, u32(1))), why: ['ENHANCE_YOUR_CALM'] },
  'GOAWAY': { first: post(1, '/roost.v1.Tokens/Claim', ['content-type', 'application/json']), pours: () => many(2000, () => frame(GOAWAY, 0, 0, u32(0, 0))), why: ['ENHANCE_YOUR_CALM'] },
  'unknown frames': { pours: () => many(2000, () => frame(0xbb, 0, 0, Buffer.alloc(8))), why: ['ENHANCE_YOUR_CALM'] },
  'heads over the limit': { pours: () => many(1000, (i) => frame(HEADERS, END_HEADERS | END_STREAM, odd(i), Buffer.concat([base, block([['x', 'y'.repeat(16300)]])]))), once: true, why: ['ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR'] },
};

for (const [name, flood] of Object.entries(floods)) {
  both(`HTTP/2: a flood of ${name} ends`, async (tls) => {
    const bytes = flood.pours();
    await siege.endure(async () => {
      const peer = await reach(tls, H2);
      await peer.ready();
      if (flood.first) peer.send(flood.first);
      if (flood.deaf) peer.socket.pause();
      await peer.pour(bytes, flood.once ? 1 : 200);
      if (flood.why) await peer.fault(0, ...flood.why);
      peer.close();
    });
  });
}

both('HTTP/2: a head that unpacks to 45 MB is not unpacked', async (tls) => {
  const bomb = (id) => frame(HEADERS, END_HEADERS | END_STREAM, id, Buffer.concat([base, Buffer.from([0x40, 1, 120]), integer(4000, 7), Buffer.alloc(4000, 121), Buffer.alloc(12_000, 0xbe)]));
  await siege.endure(async () => {
    const peer = await reach(tls, H2);
    await peer.ready();
    for (let i = 0; i < 100; i++) peer.send(bomb(odd(i)));
    await peer.find((it) => it.type === RST_STREAM || it.type === GOAWAY || it.status === 431);
    peer.close();
  });
});

both('HTTP/2: windows of zero and nobody who reads', async (tls) => {
  await siege.endure(async () => {
    const peers = [];
    for (let i = 0; i < 10; i++) {
      const peer = await H2.connect({ port: port(tls), tls, first: settings([h2.INITIAL_WINDOW_SIZE, 0]) });
      await peer.ready();
      peer.socket.pause();
      peer.send(many(128, (n) => get(odd(n), '/', ['authorization', siege.bearer])));
      peers.push(peer);
    }
    await siege.call();
    for (const peer of peers) peer.close();
  });
});

both('HTTP/2: strangers who begin a thousand requests and end none', async (tls) => {
  const heads = { json: ['content-type', 'application/json'], grpc: ['content-type', 'application/grpc'] };
  const start = Buffer.concat([Buffer.from([0, 0, 64, 0, 0]), Buffer.alloc(16_000, 32)]);
  for (const field of Object.values(heads)) {
    await siege.endure(async () => {
      const peers = [];
      for (let i = 0; i < 8; i++) {
        const peer = await reach(tls, H2);
        await peer.ready();
        for (let n = 0; n < 128; n++) peer.send(post(odd(n), '/roost.v1.Tokens/Claim', field), frame(DATA, 0, odd(n), start), frame(DATA, 0, odd(n), start));
        peers.push(peer);
      }
      for (const peer of peers) await peer.alive().catch(() => {});
      const memory = siege.memory();
      for (const peer of peers) peer.close();
      assert.ok(memory < siege.memoryMax, `they take ${memory >> 20} MiB`);
    });
  }
});

both('HTTP/2: windows that overflow, streams over the limit, frames that lie', async (tls) => {
  const rows = [
    [[frame(WINDOW_UPDATE, 0, 0, u32(0x7fffffff)), frame(WINDOW_UPDATE, 0, 0, u32(1))], 0, 'FLOW_CONTROL_ERROR'],
    [[post(1, '/roost.v1.Tokens/Claim', ['content-type', 'application/json']), frame(WINDOW_UPDATE, 0, 1, u32(0x7fffffff))], 1, 'FLOW_CONTROL_ERROR'],
    [[post(1, '/roost.v1.Tokens/Claim', ['content-type', 'application/json']), settings([h2.INITIAL_WINDOW_SIZE, 0x7fffffff]), frame(WINDOW_UPDATE, 0, 1, u32(1))], 1, 'FLOW_CONTROL_ERROR'],
    [[many(1025, (i) => post(odd(i), '/roost.v1.Tokens/Claim', ['content-type', 'application/json']))], odd(1024), 'REFUSED_STREAM', 'PROTOCOL_ERROR'],
    [[Buffer.from([0x40, 0, 1, 0, 0, 0, 0, 0, 1])], 0, 'FRAME_SIZE_ERROR'],
    [[post(1, '/roost.v1.Tokens/Claim', ['content-type', 'application/json']), frame(DATA, h2.PADDED, 1, Buffer.from([9, 1]))], 0, 'PROTOCOL_ERROR'],
    [[get(0)], 0, 'PROTOCOL_ERROR'],
    [[post(1, '/roost.v1.Tokens/Claim', ['content-type', 'application/json']), many(8, () => frame(DATA, 0, 1, Buffer.alloc(16384)))], 1, 'FLOW_CONTROL_ERROR', 'STREAM_CLOSED', 'NO_ERROR'],
  ];
  for (const [sends, id, ...names] of rows) {
    const peer = await reach(tls, H2);
    await peer.ready();
    peer.send(...sends);
    await peer.fault(id, ...names);
    peer.close();
  }
  await siege.unharmed();
});

both('HTTP/2: prefaces that are none', async (tls) => {
  const rows = ['PRI * HTTP/2.0\r\n\r\nSM\r\n\rX', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'x'.repeat(100)}`, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'];
  for (const row of rows.slice(0, tls ? 4 : 3)) {
    const peer = await Raw.connect({ port: port(tls), tls, alpn: ['h2'] });
    peer.send(row);
    await peer.end();
    peer.close();
  }
  await siege.unharmed();
});

// --- gRPC ---

const message = (bytes, flag = 0, len = bytes.length) => Buffer.concat([Buffer.from([flag]), u32(len), bytes]);

// A call by Node's own HTTP/2: its status, HTTP's and gRPC's.
async function grpcCall(session, path, chunks, fields = {}, cut = false) {
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', authorization: siege.bearer, ...fields });
  const result = {};
  stream.on('error', () => {});
  stream.on('response', (headers) => Object.assign(result, { http: headers[':status'], status: headers['grpc-status'], text: headers['grpc-message'] }));
  stream.on('trailers', (headers) => Object.assign(result, { status: headers['grpc-status'], text: headers['grpc-message'] }));
  stream.resume();
  for (const chunk of chunks) stream.write(chunk);
  if (!cut) stream.end();
  await once(stream, 'close').catch(() => {});
  return result;
}

async function withSession(body) {
  const session = http2.connect(siege.env.url, { rejectUnauthorized: false });
  session.on('error', () => {});
  try {
    return await body(session);
  } finally {
    session.destroy();
  }
}

const varint = (number) => {
  const bytes = [];
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) | 128);
  return Buffer.from([...bytes, number]);
};
const field = (number, type, ...parts) => Buffer.concat([varint(number * 8 + type), ...parts]);
const nested = (depth) => {
  let bytes = Buffer.alloc(0);
  for (let i = 0; i < depth; i++) bytes = field(1, 2, varint(bytes.length), bytes);
  return bytes;
};
const groups = (depth) => Buffer.concat([Buffer.alloc(depth, 15 * 8 + 3), Buffer.alloc(depth, 15 * 8 + 4)]);
const get_ = '/roost.v1.Nodes/Get';
const tag = '/roost.v1.Nodes/Tag';
const latest = '/roost.v1.Metrics/Latest';
const four = 4 << 20;

const calls = {
  'a message over the limit': [8, get_, () => [message(Buffer.alloc(5 << 20))]],
  'a message that only says that it is 4 GB': [8, get_, () => [message(Buffer.from('x'), 0, 0xffffffff)]],
  'a flag that is none': [13, get_, () => [message(Buffer.alloc(0), 2)]],
  'a compressed message of a call without compression': [13, get_, () => [message(gzipSync(Buffer.alloc(0)), 1)]],
  'an unknown compression': [12, get_, () => [message(Buffer.alloc(0))], { 'grpc-encoding': 'snappy' }],
  'a compressed message that is not compressed': [13, get_, () => [message(Buffer.from('hello'), 1)], { 'grpc-encoding': 'gzip' }],
  'a gzip bomb of a gigabyte': [8, get_, () => [message(gzipSync(Buffer.alloc(1 << 30), { level: 9 }), 1)], { 'grpc-encoding': 'gzip' }],
  'a request without a message': [12, get_, () => []],
  'two messages of a unary call': [12, get_, () => [message(Buffer.alloc(0)), message(Buffer.alloc(0))]],
  'a prefix that is cut off': [13, get_, () => [Buffer.from([0, 0, 0])]],
  'a message that is cut off': [13, get_, () => [message(Buffer.from('x'), 0, 10)]],
  'bytes that are no message': [13, get_, () => [message(Buffer.alloc(100, 0xff))]],
  'a length beyond the message': [13, get_, () => [message(field(1, 2, varint(1000), Buffer.from('x')))]],
  'a varint of eleven bytes': [13, get_, () => [message(field(9, 0, Buffer.alloc(10, 0xff), Buffer.from([1])))]],
  'text that is not UTF-8': [13, get_, () => [message(field(1, 2, varint(2), Buffer.from([0xc3, 0x28])))]],
  'messages nested a hundred thousand deep': [/3|5|8|13/, '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', () => [message(nested(20_000))]],
  'groups nested a million deep': [/8|13/, get_, () => [message(groups(1_000_000))]],
  'four megabytes of empty strings': [/^(0|3|5|8)$/, latest, () => [message(Buffer.concat(Array(four / 2 - 10).fill(Buffer.from([0x12, 0]))))]],
  'four megabytes of empty tags': [/3|5|8/, tag, () => [message(Buffer.concat([field(1, 2, varint(1), Buffer.from('x')), Buffer.alloc(four - 20, Buffer.from([0x12, 0]))]))]],
  'four megabytes of unknown fields': [/3|5|8/, get_, () => [message(Buffer.alloc(four - 20, Buffer.from([0x78, 0])))]],
  'a method that is none': [12, '/roost.v1.Nodes/Nothing', () => [message(Buffer.alloc(0))]],
  'a path that is none': [12, '/////', () => [message(Buffer.alloc(0))]],
  'a timeout that is none': [13, get_, () => [message(Buffer.alloc(0))], { 'grpc-timeout': 'soon' }],
  'a credential of a megabyte is a head over the limit': [undefined, get_, () => [message(Buffer.alloc(0))], { authorization: `Bearer ${'a'.repeat(20_000)}` }, 431],
  'another content type': [undefined, get_, () => [message(Buffer.alloc(0))], { 'content-type': 'text/plain' }, 415],
  'a call without a credential': [16, get_, () => [message(Buffer.alloc(0))], { authorization: '' }],
};

for (const [name, [status, path, make, fields, http = 200]] of Object.entries(calls)) {
  test(`gRPC: ${name}`, { timeout: 120_000 * slow }, async () => {
    const chunks = make();
    await siege.endure(() =>
      withSession(async (session) => {
        const result = await grpcCall(session, path, chunks, fields);
        assert.equal(result.http, http, JSON.stringify(result));
        if (status === undefined) return;
        assert.match(String(result.status), status instanceof RegExp ? status : new RegExp(`^${status}$`), result.text);
      }),
    );
  });
}

test('gRPC: a thousand calls that are begun and left', async () => {
  await siege.endure(() =>
    withSession(async (session) => {
      for (let i = 0; i < 1000; i++) {
        const stream = session.request({ ':method': 'POST', ':path': get_, 'content-type': 'application/grpc', authorization: siege.bearer });
        stream.on('error', () => {});
        stream.write(Buffer.from([0, 0, 16, 0, 0]));
        if (i % 100 === 99) await siege.call();
        if (i % 2) stream.close(http2.constants.NGHTTP2_CANCEL);
      }
    }),
  );
});

// --- JSON ---

const bodies = {
  'nothing closed': '{',
  'arrays a million deep': '['.repeat(1_000_000),
  'objects a hundred thousand deep': '{"a":'.repeat(100_000),
  'a name twice': '{"node":"a","node":"b"}',
  'a field twice by both of its names': '{"set_title":1,"setTitle":2}',
  'bad UTF-8': Buffer.from([0x7b, 0x22, 0x6e, 0x6f, 0x64, 0x65, 0x22, 0x3a, 0x22, 0xc3, 0x28, 0x22, 0x7d]),
  'half a surrogate': '{"node":"\\ud800"}',
  'a control byte in a string': '{"node":"\x01"}',
  'a number where text belongs': '{"node":1e400}',
  'a field that is none': '{"nodes":[]}',
  'a list where an object belongs': '[]',
  'two values': '{}{}',
  'a comma too many': '{"node":"x",}',
  'a comment': '{/* */}',
  'single quotes': "{'node':'x'}",
  'an escape that is none': '{"node":"\\x41"}',
  'a byte order mark': '\ufeff{}',
  'zero bytes': Buffer.alloc(100),
};
const numbers = ['1e400', '-1', '1.5', '99999999999999999999', '"1e400"', '"0x10"', '" 1"', '01', '+1', '1.', '.5', 'NaN', '"NaN"', '1e-400', 'true', '[]', '""'];

test('JSON: what is none, or not the message, is 400', { timeout: 120_000 * slow }, async () => {
  const rows = Object.entries(bodies).map(([name, body]) => [name, '/roost.v1.Nodes/Get', body]);
  for (const number of numbers) rows.push([`the number ${number}`, '/roost.v1.Activity/List', `{"limit":${number}}`]);
  for (const [name, path, text] of rows) {
    const body = Buffer.from(text);
    const peer = await reach(true);
    peer.send(head(`POST ${path} HTTP/1.1`, 'Host: a', `Authorization: ${siege.bearer}`, 'Content-Type: application/json', `Content-Length: ${body.length}`), body);
    const [, status] = await peer.text(/^HTTP\/1\.1 (\d+) [^]*\r\n\r\n\{/);
    peer.close();
    assert.equal(status, '400', `${name}: ${peer.string}`);
  }
  await siege.unharmed();
});

test('JSON: four megabytes of the worst', { timeout: 120_000 * slow }, async () => {
  const worst = ['['.repeat(four - 10), `{"metrics":[${'"",'.repeat(1_300_000)}""]}`, `{"select":"${'\\u0000'.repeat(690_000)}"}`, `{${'"a":{},'.repeat(550_000)}"a":{}}`, ' '.repeat(four - 10)];
  for (const text of worst) {
    await siege.endure(async () => {
      const peer = await reach(true);
      peer.send(head('POST /roost.v1.Metrics/Latest HTTP/1.1', 'Host: a', `Authorization: ${siege.bearer}`, 'Content-Type: application/json', `Content-Length: ${text.length}`), text);
      await peer.text(/^HTTP\/1\.1 (200|400|413|429) /, 30_000 * slow);
      peer.close();
    });
  }
});

// --- the link ---

async function websocketLink(fields) {
  const headers = ['sec-websocket-protocol: ptth.h2', ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`)];
  return Ws.connect({ port: siege.port, tls: true, path: '/link', headers });
}

const offline = (name) => siege.env.state(name, 'OFFLINE');

test('link: garbage behind the 101, and peers that speak something else', { timeout: 120_000 * slow }, async () => {
  const garbage = ['x'.repeat(1000), 'HTTP/1.1 200 OK\r\n\r\n', frame(PING, 0, 0, Buffer.alloc(8)), Buffer.alloc(1 << 20, 0xff), settings([h2.MAX_FRAME_SIZE, 1]), Buffer.concat([settings(), Buffer.from([0xff, 0xff, 0xff, 1, 4, 0, 0, 0, 1])])];
  const fields = await join(siege.env, 'garbage');
  for (const bytes of garbage) {
    const { socket } = await handshake(siege.env, fields, { keep: true });
    socket.on('error', () => {});
    const closed = once(socket, 'close').catch(() => {});
    socket.resume();
    socket.write(bytes);
    await closed;
    await offline('garbage');
  }
  await siege.unharmed();
});

test('link: an agent that floods its hub', { timeout: 120_000 * slow }, async () => {
  const fields = await join(siege.env, 'flood');
  const rows = { ping: many(2000, () => frame(PING, 0, 0, Buffer.alloc(8))), settings: many(1000, () => settings([4, 1])), goaway: many(1000, () => frame(GOAWAY, 0, 0, u32(0, 0))) };
  for (const bytes of Object.values(rows)) {
    await siege.endure(async () => {
      const { socket } = await handshake(siege.env, fields, { keep: true });
      socket.on('error', () => {});
      socket.resume();
      const closed = once(socket, 'close').catch(() => {});
      socket.write(settings());
      for (let i = 0; i < 100 && !socket.destroyed; i++) if (!socket.write(bytes)) await Promise.race([once(socket, 'drain').catch(() => {}), closed]);
      await closed;
      await offline('flood');
    });
  }
});

// What an agent answers to every call of the hub: whole gRPC frames, or what looks so.
const answers = {
  'a message of 4 GB': () => [Buffer.concat([Buffer.from([0]), u32(0xffffffff)]), Buffer.alloc(1 << 20)],
  'a message over the limit': () => [message(Buffer.alloc(8 << 20))],
  'a gzip bomb': () => [message(gzipSync(Buffer.alloc(1 << 28), { level: 9 }), 1)],
  'a flag that is none': () => [message(Buffer.alloc(10), 9)],
  'four megabytes of empty messages': () => [message(Buffer.alloc(four - 20, Buffer.from([0x12, 0])))],
  'four megabytes of empty messages of each field': () => [message(Buffer.concat(Array.from({ length: 200_000 }, (_, i) => Buffer.from([((i % 14) + 1) * 8 + 2, 0]))))],
  'a catalogue of two million empty metrics': () => [message(field(1, 2, varint(four - 20), Buffer.alloc(four - 20, Buffer.from([0x12, 0]))))],
  'messages nested ten thousand deep': () => [message(nested(10_000))],
  'a million empty messages': () => [Buffer.alloc(5_000_000)],
  'bytes at random': () => [Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 2654435761) >>> 24))],
};

for (const [name, make] of Object.entries(answers)) {
  test(`link: an agent that answers with ${name}`, { timeout: 120_000 * slow }, async () => {
    const fields = await join(siege.env, 'liar');
    const chunks = make();
    await siege.endure(async () => {
      const { socket } = await handshake(siege.env, fields, { keep: true });
      const session = serve(socket);
      let calls = 0;
      session.on('error', () => {});
      session.on('stream', (stream) => {
        calls++;
        stream.on('error', () => {});
        stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-encoding': 'gzip' });
        for (const chunk of chunks) stream.write(chunk);
      });
      await until(() => calls > 0);
      await siege.env.cli('node', 'liar', { ok: 'any' });
      await siege.env.cli('status', 'liar', { ok: 'any' });
      session.destroy();
      socket.destroy();
      await offline('liar');
    });
  });
}

test('link: WebSocket frames that break the rules', { timeout: 120_000 * slow }, async () => {
  const fields = await join(siege.env, 'frames');
  const rows = {
    'without a mask': [wsFrame(2, 'x', { masked: false }), 1002],
    'over the limit': [wsFrame(2, 'x', { len: 2 ** 40 }), 1009],
    'with reserved bits': [wsFrame(2, 'x', { rsv: 4 }), 1002],
    'of text': [wsFrame(1, 'x'), 1003],
    'of control in fragments': [wsFrame(9, 'x', { fin: false }), 1002],
    'of control that is too long': [wsFrame(9, Buffer.alloc(126)), 1002],
    'of a reserved opcode': [wsFrame(3, 'x'), 1002],
    'of a continuation of nothing': [wsFrame(0, 'x'), 1002],
    'that close with half a code': [wsFrame(8, Buffer.from([3])), 1002],
    'that close with bad UTF-8': [wsFrame(8, Buffer.from([3, 232, 0xc3, 0x28])), 1007],
  };
  for (const [name, [bytes, code]] of Object.entries(rows)) {
    const peer = await websocketLink(fields);
    peer.send(bytes);
    await peer.closed(code).catch((error) => {
      throw new Error(`frames ${name}: ${error.message}`);
    });
    peer.close();
    await offline('frames');
  }
  const peer = await websocketLink(fields);
  await peer.pour(many(2000, () => wsFrame(9, Buffer.alloc(125))), 20);
  peer.close();
  await offline('frames');
  await siege.unharmed();
});

test('link: heads over the limit, and strangers who ask again and again', { timeout: 120_000 * slow }, async () => {
  const big = await handshake(siege.env, { 'roost-name': 'x'.repeat(17 << 10) });
  assert.match(big.head, /^HTTP\/1\.1 431 /);
  const rows = [
    [{}, 401],
    [{ authorization: 'Bearer x', 'roost-instance': 'y' }, 401],
    [{ authorization: `Bearer ${'0'.repeat(64)}.00000000`, 'roost-instance': 'y', 'roost-name': '\x80\xff' }, 401],
    [{ authorization: siege.bearer, 'roost-instance': 'f'.repeat(32), 'roost-name': 'thief' }, 401],
  ];
  for (const [fields, status] of rows) assert.match((await handshake(siege.env, fields)).head, new RegExp(`^HTTP/1\\.1 ${status} `));
  await siege.endure(async () => {
    const asks = Array.from({ length: 100 }, () => handshake(siege.env, { authorization: `Bearer ${'1'.repeat(64)}.deadbeef`, 'roost-instance': 'z' }));
    for (const { head } of await Promise.all(asks)) assert.match(head, /^HTTP\/1\.1 401 /);
  });
});

// --- connections ---

test('connections: three thousand that come and go', { timeout: 120_000 * slow }, async () => {
  await siege.endure(async () => {
    for (let i = 0; i < 15; i++) {
      const sockets = Array.from({ length: 200 }, () => net.connect(i % 2 ? siege.port : siege.plainPort, '127.0.0.1').on('error', () => {}));
      await Promise.all(sockets.map((socket) => once(socket, 'connect').catch(() => {})));
      for (const socket of sockets) socket.destroy();
    }
  });
});

test('connections: TLS that breaks off, or is none', { timeout: 120_000 * slow }, async () => {
  const rows = [Buffer.from([0x16, 3, 1, 0xff, 0xff]), Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]), Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), Buffer.alloc(20_000, 0x16), Buffer.from([0x15, 3, 1, 0, 2, 2, 40])];
  for (const row of rows) {
    const peer = await Raw.connect({ port: siege.port });
    peer.send(row);
    peer.finish();
    await peer.end();
    peer.close();
  }
  await siege.unharmed();
});
