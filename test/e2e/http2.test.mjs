// HTTP/2 and HPACK, frame by frame: what RFC 9113 and RFC 7541 ask of a server, in the order
// of their sections, on a connection of its own for each case. The list follows h2spec's.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startEcho } from './lib/echo.mjs';
import * as h2 from './lib/raw.mjs';
import { ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, H2, HEADERS, PADDED, PING, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, WITH_PRIORITY, block, frame, get, integer, post, request, settings, u32 } from './lib/raw.mjs';

let echo;
before(async () => (echo = await startEcho()));
after(() => echo.stop());

const zero = Buffer.alloc(8);
const bytes = (...numbers) => Buffer.from(numbers);
const head = (id, fields, flags = END_HEADERS | END_STREAM) => frame(HEADERS, flags, id, block(fields));
const raw = (id, payload, flags = END_HEADERS | END_STREAM) => frame(HEADERS, flags, id, payload);
const base = block(request());
const ended = (id) => `stream ${id}`;

// A case: what is sent, and what must come. `answers`: the streams that are answered with
// 200; `stream`: the error of stream 1 (the connection lives on); `goaway`: the error that
// ends the connection; `dead`: any end; `alive`: nothing but a PING's answer.
const cases = {
  // 3.4: preface
  'a connection begins with SETTINGS of the server': { check: (peer) => assert.equal(peer.frames[0].type, SETTINGS) },

  // 4.1, 4.2, 4.3: frames
  'an unknown frame type is ignored': { sends: [frame(0x16, 0, 0, zero), frame(0x16, 0xff, 1, zero), get(1)], answers: [1] },
  'undefined flags are ignored': { sends: [frame(PING, 0x16, 0, zero), get(1)], answers: [1] },
  'a reserved bit is ignored': { sends: [frame(PING, 0, 0x80000000, zero), get(1)], answers: [1] },
  'a DATA frame of 16,384 bytes is taken': { sends: [post(1), frame(DATA, END_STREAM, 1, Buffer.alloc(16384))], answers: [1] },
  'a DATA frame over MAX_FRAME_SIZE ends the connection': { sends: [post(1), frame(DATA, END_STREAM, 1, Buffer.alloc(16385))], fault: [1, 'FRAME_SIZE_ERROR'] },
  'a HEADERS frame over MAX_FRAME_SIZE ends the connection': { sends: [raw(1, Buffer.concat([base, block([['x', 'y'.repeat(16384)]])]))], goaway: ['FRAME_SIZE_ERROR'] },
  'a frame that announces 16 MiB ends the connection': { sends: [bytes(0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1)], goaway: ['FRAME_SIZE_ERROR'] },
  'an invalid header block ends the connection': { sends: [raw(1, bytes(0x40))], goaway: ['COMPRESSION_ERROR'] },
  'PRIORITY within a header block': { sends: [raw(1, base, END_STREAM), frame(PRIORITY, 0, 1, bytes(0, 0, 0, 0, 9))], goaway: ['PROTOCOL_ERROR'] },
  'HEADERS of another stream within a header block': { sends: [raw(1, base, END_STREAM), get(3)], goaway: ['PROTOCOL_ERROR'] },

  // 5.1: states of a stream
  'DATA on an idle stream': { sends: [frame(DATA, END_STREAM, 1, bytes(1))], goaway: ['PROTOCOL_ERROR'] },
  'RST_STREAM on an idle stream': { sends: [frame(RST_STREAM, 0, 1, u32(8))], goaway: ['PROTOCOL_ERROR'] },
  'WINDOW_UPDATE on an idle stream': { sends: [frame(WINDOW_UPDATE, 0, 1, u32(100))], goaway: ['PROTOCOL_ERROR'] },
  'CONTINUATION on an idle stream': { sends: [frame(CONTINUATION, END_HEADERS, 1, base)], goaway: ['PROTOCOL_ERROR'] },
  'PRIORITY on an idle stream is fine': { sends: [frame(PRIORITY, 0, 1, bytes(0, 0, 0, 0, 200)), get(1)], answers: [1] },
  'PRIORITY on a higher idle stream leaves lower ones usable': { sends: [frame(PRIORITY, 0, 5, bytes(0, 0, 0, 0, 9)), get(3)], answers: [3] },
  'DATA on a half-closed stream': { sends: [hold(1), frame(DATA, END_STREAM, 1, bytes(1))], fault: [1, 'STREAM_CLOSED'] },
  'HEADERS on a half-closed stream': { sends: [hold(1), get(1)], fault: [1, 'STREAM_CLOSED'] },
  'CONTINUATION on a half-closed stream': { sends: [hold(1), frame(CONTINUATION, END_HEADERS, 1, base)], goaway: ['STREAM_CLOSED', 'PROTOCOL_ERROR'] },
  'WINDOW_UPDATE, PRIORITY and RST_STREAM on a half-closed stream are fine': {
    sends: [hold(1), frame(WINDOW_UPDATE, 0, 1, u32(100)), frame(PRIORITY, 0, 1, bytes(0, 0, 0, 0, 9)), frame(RST_STREAM, 0, 1, u32(8))],
    alive: true,
  },
  'DATA after RST_STREAM': { sends: [post(1), frame(RST_STREAM, 0, 1, u32(8)), frame(DATA, END_STREAM, 1, bytes(1))], stream: ['STREAM_CLOSED'] },
  'HEADERS after RST_STREAM': { sends: [post(1), frame(RST_STREAM, 0, 1, u32(8)), get(1)], stream: ['STREAM_CLOSED'] },
  'CONTINUATION after RST_STREAM': { sends: [post(1), frame(RST_STREAM, 0, 1, u32(8)), frame(CONTINUATION, END_HEADERS, 1, base)], goaway: ['STREAM_CLOSED', 'PROTOCOL_ERROR'] },
  'DATA on a closed stream': { sends: [get(1), ended(1), frame(DATA, END_STREAM, 1, bytes(1))], goaway: ['STREAM_CLOSED'] },
  'HEADERS on a closed stream': { sends: [get(1), ended(1), get(1)], goaway: ['STREAM_CLOSED'] },
  'CONTINUATION on a closed stream': { sends: [get(1), ended(1), frame(CONTINUATION, END_HEADERS, 1, base)], goaway: ['STREAM_CLOSED', 'PROTOCOL_ERROR'] },
  'PRIORITY on a closed stream is fine': { sends: [get(1), ended(1), frame(PRIORITY, 0, 1, bytes(0, 0, 0, 0, 9)), get(3)], answers: [3] },

  // 5.1.1, 5.1.2: identifiers and concurrency
  'an even stream identifier': { sends: [get(2)], goaway: ['PROTOCOL_ERROR'] },
  'a stream identifier lower than before': { sends: [get(5), get(3)], goaway: ['PROTOCOL_ERROR'] },
  'more streams than allowed': { sends: Array.from({ length: 1025 }, (_, i) => post(2 * i + 1)), fault: [2049, 'REFUSED_STREAM', 'PROTOCOL_ERROR'] },

  // 5.3: priorities
  'HEADERS that depend on themselves': { sends: [raw(1, Buffer.concat([bytes(0, 0, 0, 1, 9), base]), END_HEADERS | END_STREAM | WITH_PRIORITY)], fault: [1, 'PROTOCOL_ERROR'] },
  'PRIORITY that depends on itself': { sends: [hold(1), frame(PRIORITY, 0, 1, bytes(0, 0, 0, 1, 9))], fault: [1, 'PROTOCOL_ERROR'] },
  'HEADERS with priority are fine': { sends: [raw(1, Buffer.concat([bytes(0x80, 0, 0, 0, 255), base]), END_HEADERS | END_STREAM | WITH_PRIORITY)], answers: [1] },

  // 5.5: extensions
  'an unknown frame within a header block': { sends: [raw(1, base, END_STREAM), frame(0x16, 0, 1, zero)], goaway: ['PROTOCOL_ERROR'] },

  // 6.1: DATA
  'DATA on stream 0': { sends: [frame(DATA, 0, 0, bytes(1))], goaway: ['PROTOCOL_ERROR'] },
  'DATA padded to more than there is': { sends: [post(1), frame(DATA, END_STREAM | PADDED, 1, bytes(6, 1, 2, 3, 4, 5))], goaway: ['PROTOCOL_ERROR'] },
  'DATA that is all padding is fine': { sends: [post(1), frame(DATA, END_STREAM | PADDED, 1, bytes(2, 0, 0))], answers: [1] },
  'DATA with padding announced and no byte for it': { sends: [post(1), frame(DATA, END_STREAM | PADDED, 1)], goaway: ['FRAME_SIZE_ERROR', 'PROTOCOL_ERROR'] },

  // 6.2: HEADERS
  'HEADERS on stream 0': { sends: [get(0)], goaway: ['PROTOCOL_ERROR'] },
  'HEADERS padded to more than there is': { sends: [raw(1, Buffer.concat([bytes(255), base]), END_HEADERS | END_STREAM | PADDED)], goaway: ['PROTOCOL_ERROR'] },
  'HEADERS that are padded are fine': { sends: [raw(1, Buffer.concat([bytes(8), base, zero]), END_HEADERS | END_STREAM | PADDED)], answers: [1] },

  // 6.3, 6.4: PRIORITY, RST_STREAM
  'PRIORITY on stream 0': { sends: [frame(PRIORITY, 0, 0, bytes(0, 0, 0, 3, 9))], goaway: ['PROTOCOL_ERROR'] },
  'PRIORITY of four bytes': { sends: [post(1), frame(PRIORITY, 0, 1, bytes(0, 0, 0, 3))], fault: [1, 'FRAME_SIZE_ERROR'] },
  'RST_STREAM on stream 0': { sends: [frame(RST_STREAM, 0, 0, u32(8))], goaway: ['PROTOCOL_ERROR'] },
  'RST_STREAM of three bytes': { sends: [post(1), frame(RST_STREAM, 0, 1, bytes(0, 0, 0))], goaway: ['FRAME_SIZE_ERROR'] },
  'RST_STREAM with an unknown code is fine': { sends: [post(1), frame(RST_STREAM, 0, 1, u32(0xff))], alive: true },

  // 6.5: SETTINGS
  'SETTINGS are acknowledged': { sends: [settings([h2.MAX_CONCURRENT_STREAMS, 100])], check: (peer) => peer.find((it) => it.type === SETTINGS && it.flags & ACK) },
  'an acknowledgement with a payload': { sends: [frame(SETTINGS, ACK, 0, zero.subarray(0, 6))], goaway: ['FRAME_SIZE_ERROR'] },
  'SETTINGS on a stream': { sends: [frame(SETTINGS, 0, 1)], goaway: ['PROTOCOL_ERROR'] },
  'SETTINGS of three bytes': { sends: [frame(SETTINGS, 0, 0, bytes(0, 3, 0))], goaway: ['FRAME_SIZE_ERROR'] },
  'ENABLE_PUSH of 2': { sends: [settings([h2.ENABLE_PUSH, 2])], goaway: ['PROTOCOL_ERROR'] },
  'INITIAL_WINDOW_SIZE over the maximum': { sends: [settings([h2.INITIAL_WINDOW_SIZE, 0x80000000])], goaway: ['FLOW_CONTROL_ERROR'] },
  'MAX_FRAME_SIZE below the minimum': { sends: [settings([h2.MAX_FRAME_SIZE, 16383])], goaway: ['PROTOCOL_ERROR'] },
  'MAX_FRAME_SIZE over the maximum': { sends: [settings([h2.MAX_FRAME_SIZE, 0x1000000])], goaway: ['PROTOCOL_ERROR'] },
  'an unknown setting is ignored': { sends: [settings([0xff, 1]), get(1)], answers: [1] },

  // 6.6: PUSH_PROMISE
  'PUSH_PROMISE of a client': { sends: [frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([u32(2), base]))], goaway: ['PROTOCOL_ERROR'] },

  // 6.7: PING
  'PING is answered with its bytes': { alive: true },
  'an answer to no PING is not answered': { sends: [frame(PING, ACK, 0, Buffer.from('nobody  '))], alive: true, check: (peer) => assert.ok(!peer.frames.some((it) => it.payload.toString() === 'nobody  ')) },
  'PING on a stream': { sends: [frame(PING, 0, 1, zero)], goaway: ['PROTOCOL_ERROR'] },
  'PING of six bytes': { sends: [frame(PING, 0, 0, zero.subarray(0, 6))], goaway: ['FRAME_SIZE_ERROR'] },

  // 6.8: GOAWAY
  'GOAWAY on a stream': { sends: [frame(GOAWAY, 0, 1, u32(0, 0))], goaway: ['PROTOCOL_ERROR'] },
  'GOAWAY of four bytes': { sends: [frame(GOAWAY, 0, 0, u32(0))], goaway: ['FRAME_SIZE_ERROR'] },
  'GOAWAY with an unknown code ends nothing that runs': { sends: [post(1), frame(GOAWAY, 0, 0, u32(0, 0xff)), frame(DATA, END_STREAM, 1, bytes(1))], answers: [1] },

  // 6.9: WINDOW_UPDATE
  'WINDOW_UPDATE of 0 on the connection': { sends: [frame(WINDOW_UPDATE, 0, 0, u32(0))], goaway: ['PROTOCOL_ERROR'] },
  'WINDOW_UPDATE of 0 on a stream': { sends: [post(1), frame(WINDOW_UPDATE, 0, 1, u32(0))], fault: [1, 'PROTOCOL_ERROR'] },
  'WINDOW_UPDATE of three bytes': { sends: [frame(WINDOW_UPDATE, 0, 0, bytes(0, 0, 1))], goaway: ['FRAME_SIZE_ERROR'] },
  'WINDOW_UPDATEs beyond the largest window of the connection': { sends: [frame(WINDOW_UPDATE, 0, 0, u32(0x7fffffff)), frame(WINDOW_UPDATE, 0, 0, u32(0x7fffffff))], goaway: ['FLOW_CONTROL_ERROR'] },
  'WINDOW_UPDATEs beyond the largest window of a stream': { sends: [post(1), frame(WINDOW_UPDATE, 0, 1, u32(0x7fffffff)), frame(WINDOW_UPDATE, 0, 1, u32(0x7fffffff))], fault: [1, 'FLOW_CONTROL_ERROR'] },
  'a window of 1 brings DATA of 1': {
    first: settings([h2.INITIAL_WINDOW_SIZE, 1]),
    sends: [get(1, '/')],
    check: async (peer) => assert.equal((await peer.find((it) => it.type === DATA)).payload.length, 1),
  },
  'a window that grows later brings the rest': {
    first: settings([h2.INITIAL_WINDOW_SIZE, 0]),
    sends: [get(1, '/')],
    check: async (peer) => {
      await peer.find((it) => it.type === HEADERS);
      assert.ok(!peer.frames.some((it) => it.type === DATA));
      peer.send(settings([h2.INITIAL_WINDOW_SIZE, 2]));
      assert.equal((await peer.find((it) => it.type === DATA)).payload.length, 2);
      peer.send(frame(WINDOW_UPDATE, 0, 1, u32(100)));
      assert.equal((await peer.response(1)).body.toString(), 'echo\n');
    },
  },
  'a window that becomes negative is heeded': {
    first: settings([h2.INITIAL_WINDOW_SIZE, 3]),
    sends: [get(1, '/')],
    check: async (peer) => {
      await peer.find((it) => it.type === DATA);
      peer.send(settings([h2.INITIAL_WINDOW_SIZE, 0]), frame(WINDOW_UPDATE, 0, 1, u32(3)));
      await peer.alive();
      assert.equal(peer.frames.filter((it) => it.type === DATA).length, 1, 'the window is 0 again');
      peer.send(frame(WINDOW_UPDATE, 0, 1, u32(2)));
      assert.equal((await peer.response(1)).body.toString(), 'echo\n');
    },
  },
  'the last of several values of a setting counts': {
    first: settings([h2.INITIAL_WINDOW_SIZE, 100], [h2.INITIAL_WINDOW_SIZE, 1]),
    sends: [get(1, '/')],
    check: async (peer) => assert.equal((await peer.find((it) => it.type === DATA)).payload.length, 1),
  },

  // 6.10: CONTINUATION
  'a header block in several frames': { sends: [raw(1, base.subarray(0, 5), END_STREAM), frame(CONTINUATION, 0, 1, base.subarray(5, 9)), frame(CONTINUATION, 0, 1), frame(CONTINUATION, END_HEADERS, 1, base.subarray(9))], answers: [1] },
  'CONTINUATION of another stream': { sends: [raw(1, base, END_STREAM), frame(CONTINUATION, END_HEADERS, 3, base)], goaway: ['PROTOCOL_ERROR'] },
  'CONTINUATION on stream 0': { sends: [raw(1, base, END_STREAM), frame(CONTINUATION, END_HEADERS, 0)], goaway: ['PROTOCOL_ERROR'] },
  'DATA where CONTINUATION must come': { sends: [raw(1, base, 0), frame(CONTINUATION, 0, 1), frame(DATA, END_STREAM, 1, bytes(1))], goaway: ['PROTOCOL_ERROR'] },
  'CONTINUATION after END_HEADERS': { sends: [raw(1, base, END_HEADERS), frame(CONTINUATION, END_HEADERS, 1)], goaway: ['PROTOCOL_ERROR'] },
  'CONTINUATION after a CONTINUATION with END_HEADERS': { sends: [raw(1, base, 0), frame(CONTINUATION, END_HEADERS, 1), frame(CONTINUATION, END_HEADERS, 1)], goaway: ['PROTOCOL_ERROR'] },
  'CONTINUATION after DATA': { sends: [post(1), frame(DATA, 0, 1, bytes(1)), frame(CONTINUATION, END_HEADERS, 1)], goaway: ['PROTOCOL_ERROR'] },

  // 8.1, 8.2, 8.3: messages
  'GET, HEAD and POST are answered': { sends: [get(1), head(3, request('HEAD')), post(5), frame(DATA, END_STREAM, 5, bytes(1))], answers: [1, 3, 5] },
  'trailers end a request': { sends: [post(1), frame(DATA, 0, 1, bytes(1)), head(1, [['x-sum', '1']])], answers: [1] },
  'second HEADERS without END_STREAM': { sends: [post(1), frame(DATA, 0, 1, bytes(1)), head(1, [['x-sum', '1']], END_HEADERS)], stream: ['PROTOCOL_ERROR'] },
  'a name in upper case': { sends: [head(1, request('GET', '/', ['X-Upper', '1']))], stream: ['PROTOCOL_ERROR'] },
  'a name with a space': { sends: [head(1, request('GET', '/', ['x y', '1']))], stream: ['PROTOCOL_ERROR'] },
  'an empty name': { sends: [head(1, request('GET', '/', ['', '1']))], stream: ['PROTOCOL_ERROR'] },
  'a name with a colon in it': { sends: [head(1, request('GET', '/', ['x:y', '1']))], stream: ['PROTOCOL_ERROR'] },
  'a value with a line end': { sends: [head(1, request('GET', '/', ['x', 'a\r\nb: c']))], stream: ['PROTOCOL_ERROR'] },
  'a value with a zero byte': { sends: [head(1, request('GET', '/', ['x', 'a\0b']))], stream: ['PROTOCOL_ERROR'] },
  'an unknown pseudo-header': { sends: [head(1, [...request(), [':test', '1']])], stream: ['PROTOCOL_ERROR'] },
  'a response pseudo-header': { sends: [head(1, [...request(), [':status', '200']])], stream: ['PROTOCOL_ERROR'] },
  'a pseudo-header in trailers': { sends: [post(1), head(1, [[':method', 'POST']])], stream: ['PROTOCOL_ERROR'] },
  'a pseudo-header after a field': { sends: [head(1, [[':method', 'GET'], [':scheme', 'http'], ['x', '1'], [':path', '/'], [':authority', 'a']])], stream: ['PROTOCOL_ERROR'] },
  'connection': { sends: [head(1, request('GET', '/', ['connection', 'keep-alive']))], stream: ['PROTOCOL_ERROR'] },
  'keep-alive': { sends: [head(1, request('GET', '/', ['keep-alive', '1']))], stream: ['PROTOCOL_ERROR'] },
  'proxy-connection': { sends: [head(1, request('GET', '/', ['proxy-connection', 'keep-alive']))], stream: ['PROTOCOL_ERROR'] },
  'transfer-encoding': { sends: [head(1, request('POST', '/', ['transfer-encoding', 'chunked']))], stream: ['PROTOCOL_ERROR'] },
  'upgrade': { sends: [head(1, request('GET', '/', ['upgrade', 'websocket']))], stream: ['PROTOCOL_ERROR'] },
  'te: trailers is fine': { sends: [head(1, request('GET', '/', ['te', 'trailers']))], answers: [1] },
  'te with anything else': { sends: [head(1, request('GET', '/', ['te', 'trailers, deflate']))], stream: ['PROTOCOL_ERROR'] },
  'an empty path': { sends: [head(1, request('GET', ''))], stream: ['PROTOCOL_ERROR'] },
  'no method': { sends: [head(1, request().filter(([name]) => name !== ':method'))], stream: ['PROTOCOL_ERROR'] },
  'no scheme': { sends: [head(1, request().filter(([name]) => name !== ':scheme'))], stream: ['PROTOCOL_ERROR'] },
  'no path': { sends: [head(1, request().filter(([name]) => name !== ':path'))], stream: ['PROTOCOL_ERROR'] },
  'two methods': { sends: [head(1, [[':method', 'GET'], ...request()])], stream: ['PROTOCOL_ERROR'] },
  'two schemes': { sends: [head(1, [[':scheme', 'http'], ...request()])], stream: ['PROTOCOL_ERROR'] },
  'two paths': { sends: [head(1, [[':path', '/'], ...request()])], stream: ['PROTOCOL_ERROR'] },
  'two authorities': { sends: [head(1, [[':authority', 'a'], ...request()])], stream: ['PROTOCOL_ERROR'] },
  'a content-length longer than the body': { sends: [post(1, '/echo', ['content-length', '10']), frame(DATA, END_STREAM, 1, bytes(1, 2, 3))], stream: ['PROTOCOL_ERROR'] },
  'a content-length longer than two frames of body': { sends: [post(1, '/echo', ['content-length', '10']), frame(DATA, 0, 1, bytes(1)), frame(DATA, END_STREAM, 1, bytes(1))], stream: ['PROTOCOL_ERROR'] },
  'a content-length shorter than the body': { sends: [post(1, '/echo', ['content-length', '1']), frame(DATA, END_STREAM, 1, bytes(1, 2, 3))], stream: ['PROTOCOL_ERROR'] },
  'a content-length and no body': { sends: [head(1, request('POST', '/echo', ['content-length', '1']))], stream: ['PROTOCOL_ERROR'] },
  'two content-lengths': { sends: [head(1, request('POST', '/echo', ['content-length', '0'], ['content-length', '0']))], stream: ['PROTOCOL_ERROR'] },
  'a content-length that is no number': { sends: [head(1, request('POST', '/echo', ['content-length', '-1']))], stream: ['PROTOCOL_ERROR'] },

  // RFC 7541
  'an indexed field': { sends: [raw(1, Buffer.concat([bytes(0x82, 0x86, 0x84), block([[':authority', 'a']])]))], answers: [1] },
  'literals with indexing, without, and never': {
    sends: [raw(1, Buffer.concat([bytes(0x82, 0x86, 0x84, 0x41, 1, 97), bytes(0x40, 1, 120, 1, 121), bytes(0x00, 1, 120, 1, 121), bytes(0x10, 1, 120, 1, 121)])), raw(3, bytes(0x82, 0x86, 0x84, 0xbf, 0xbe))],
    answers: [1, 3],
  },
  'a Huffman-coded value': { sends: [raw(1, Buffer.concat([bytes(0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff)]))], answers: [1] },
  'an index beyond the tables': { sends: [raw(1, Buffer.concat([base, bytes(0xc6)]))], goaway: ['COMPRESSION_ERROR'] },
  'a literal whose name has an index beyond the tables': { sends: [raw(1, Buffer.concat([base, bytes(0x7f, 0x07, 1, 97)]))], goaway: ['COMPRESSION_ERROR'] },
  'index 0': { sends: [raw(1, Buffer.concat([base, bytes(0x80)]))], goaway: ['COMPRESSION_ERROR'] },
  'an index that never ends': { sends: [raw(1, Buffer.concat([base, bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)]))], goaway: ['COMPRESSION_ERROR'] },
  'a table size update in front of a block': { sends: [raw(1, Buffer.concat([integer(128, 5, 0x20), base]))], answers: [1] },
  'two table size updates in front of a block': { sends: [raw(1, Buffer.concat([integer(0, 5, 0x20), integer(4096, 5, 0x20), base]))], answers: [1] },
  'a table size update at the end of a block': { sends: [raw(1, Buffer.concat([base, integer(128, 5, 0x20)]))], goaway: ['COMPRESSION_ERROR'] },
  'a table size update over SETTINGS_HEADER_TABLE_SIZE': { sends: [raw(1, Buffer.concat([integer(4097, 5, 0x20), base]))], goaway: ['COMPRESSION_ERROR'] },
  'Huffman padding of more than seven bits': { sends: [raw(1, Buffer.concat([base, bytes(0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x84, 0x49, 0x50, 0x9f, 0xff)]))], goaway: ['COMPRESSION_ERROR'] },
  'Huffman padding of zeros': { sends: [raw(1, Buffer.concat([base, bytes(0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x83, 0x49, 0x50, 0x90)]))], goaway: ['COMPRESSION_ERROR'] },
  'a Huffman string with EOS': { sends: [raw(1, Buffer.concat([base, bytes(0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x87, 0x49, 0x51, 0xff, 0xff, 0xff, 0xfa, 0x7f)]))], goaway: ['COMPRESSION_ERROR'] },
  'a string longer than its block': { sends: [raw(1, Buffer.concat([base, bytes(0x00, 0x05, 120)]))], goaway: ['COMPRESSION_ERROR'] },
  'a string that announces 2 GB': { sends: [raw(1, Buffer.concat([base, bytes(0x00), integer(2 ** 31, 7)]))], goaway: ['COMPRESSION_ERROR'] },
};

// A request that has ended and whose answer cannot: its window is 0 by then.
function hold(id) {
  return Buffer.concat([settings([h2.INITIAL_WINDOW_SIZE, 0]), get(id)]);
}

async function play(peer, sends = []) {
  for (const it of sends) {
    if (typeof it === 'string') await peer.response(Number(it.split(' ')[1]));
    else peer.send(it);
  }
}

async function judge(peer, it) {
  for (const id of it.answers ?? []) assert.equal((await peer.response(id)).status, 200);
  if (it.stream) {
    const fault = await peer.fault(1, ...it.stream);
    assert.equal(fault.type, RST_STREAM, 'only the stream ends');
    await peer.alive();
  }
  if (it.fault) await peer.fault(it.fault[0], ...it.fault.slice(1));
  if (it.goaway) await peer.over(...it.goaway);
  if (it.alive) await peer.alive();
  await it.check?.(peer);
}

const only = process.env.ONLY;
for (const [name, it] of Object.entries(cases)) {
  if (only && !name.includes(only)) continue;
  test(`HTTP/2: ${name}`, async () => {
    const peer = await H2.connect({ port: echo.port, first: it.first });
    try {
      await peer.ready();
      await play(peer, it.sends);
      await judge(peer, it);
    } finally {
      peer.close();
    }
  });
}

test('HTTP/2: an invalid preface ends the connection', async () => {
  const rows = ['PRI * HTTP/2.0\r\n\r\nSM\r\n\rX', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', 'INVALID PREFACE\r\n\r\n'];
  for (const row of rows) {
    const peer = await h2.Raw.connect({ port: echo.port });
    peer.send(row);
    await peer.end();
    peer.close();
  }
});

test('HTTP/2: a frame other than SETTINGS behind the preface ends the connection', async () => {
  const peer = await H2.connect({ port: echo.port, first: frame(PING, 0, 0, zero) });
  await peer.over('PROTOCOL_ERROR');
  peer.close();
});
