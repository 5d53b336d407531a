// raw - sockets that say whatever a test wants, and what HTTP/2 and WebSocket look like as bytes
//
//   const peer = await Raw.connect({ port });             or { port, tls: true, alpn: ['h2'] }
//   peer.send('GET / HTTP/1.1\r\n');  await peer.text(/ 400 /);  await peer.end();
//
//   const h2 = await H2.connect({ port });                the preface and SETTINGS are out
//   h2.send(frame(PING, 0, 0, Buffer.alloc(8)));  await h2.find((it) => it.type === PING);
import net from 'node:net';
import tls from 'node:tls';
import { once } from 'node:events';

import { patience, until } from './env.mjs';

// A connection that keeps what it gets and knows how it ended: 'fin', or an error's code.
export class Raw {
  static async connect(options) {
    const peer = new this();
    await peer.open(options);
    return peer;
  }

  async open({ port, host = '127.0.0.1', localAddress, tls: secure = false, alpn = ['http/1.1'] }) {
    this.startedAt = performance.now();
    this.got = Buffer.alloc(0);
    this.ended = undefined;
    // tls.connect() has no allowHalfOpen of its own; a socket below it has.
    const lower = net.connect({ host, port, localAddress, allowHalfOpen: true });
    this.lower = lower;
    this.socket = secure ? tls.connect({ socket: lower, ALPNProtocols: alpn, rejectUnauthorized: false }) : lower;
    this.socket.setNoDelay?.(true);
    const end = (how) => {
      if (this.ended === undefined) {
        this.ended = how;
        this.endedAt = performance.now();
      }
    };
    for (const socket of new Set([lower, this.socket])) {
      socket.on('error', (error) => end(error.code ?? error.message));
      socket.on('close', () => end('fin'));
    }
    this.socket.on('data', (bytes) => this.take(bytes));
    this.socket.on('end', () => end('fin'));
    await once(this.socket, secure ? 'secureConnect' : 'connect');
  }

  take(bytes) {
    this.got = Buffer.concat([this.got, bytes]);
  }

  // False once the connection is over.
  send(...parts) {
    for (const part of parts) if (!this.socket.destroyed && !this.socket.writableEnded) this.socket.write(part);
    return this.ended === undefined;
  }

  // Sends a lot, no faster than it is taken, for as long as the connection lives.
  async pour(bytes, times) {
    for (let i = 0; i < times && this.ended === undefined && !this.socket.destroyed; i++) {
      if (this.socket.write(bytes)) continue;
      const over = new Promise((resolve) => this.socket.once('close', resolve));
      await Promise.race([once(this.socket, 'drain').catch(() => {}), over]);
    }
  }

  // Our FIN; what comes is still read.
  finish() {
    this.socket.end();
  }

  get string() {
    return this.got.toString('latin1');
  }

  // Waits until what came matches.
  async text(pattern, ms = patience) {
    await until(() => pattern.test(this.string) || this.ended, ms, `a peer says ${pattern}`);
    const match = pattern.exec(this.string);
    if (!match) throw new Error(`ended by ${this.ended} before ${pattern}: ${JSON.stringify(this.string.slice(0, 400))}`);
    return match;
  }

  // Waits for the peer's end; answers how many milliseconds after `since` it came.
  async end(ms = patience, since = this.startedAt) {
    await until(() => this.ended, ms, 'the connection ends').catch((error) => {
      throw new Error(`${error.message}; it said ${JSON.stringify(this.string.slice(0, 400))}`);
    });
    return this.endedAt - since;
  }

  close() {
    this.socket.destroy();
    this.lower.destroy();
  }
}

// --- HTTP/2 ---

export const [DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION] =
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const WITH_PRIORITY = 0x20;
export const errors = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
};
export const nameOf = (code) => Object.keys(errors).find((name) => errors[name] === code) ?? String(code);

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export function frame(type, flags, id, payload = Buffer.alloc(0)) {
  const bytes = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id >>> 0, 5);
  return Buffer.concat([head, bytes]);
}

export function u32(...numbers) {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, i) => bytes.writeUInt32BE(number >>> 0, 4 * i));
  return bytes;
}

// SETTINGS of [identifier, value] pairs.
export function settings(...pairs) {
  const bytes = Buffer.alloc(6 * pairs.length);
  pairs.forEach(([identifier, value], i) => {
    bytes.writeUInt16BE(identifier, 6 * i);
    bytes.writeUInt32BE(value >>> 0, 6 * i + 2);
  });
  return frame(SETTINGS, 0, 0, bytes);
}
export const [HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE] = [1, 2, 3, 4, 5];

// RFC 7541, 5.1
export function integer(number, bits, first = 0) {
  const max = 2 ** bits - 1;
  if (number < max) return Buffer.from([first | number]);
  const bytes = [first | max];
  for (number -= max; number >= 128; number = Math.floor(number / 128)) bytes.push((number % 128) | 128);
  return Buffer.from([...bytes, number]);
}

const string = (text) => Buffer.concat([integer(Buffer.byteLength(text, 'latin1'), 7), Buffer.from(text, 'latin1')]);

// A header block of literals without indexing: [name, value] pairs.
export const block = (fields) =>
  Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), string(name), string(value)])));

// The fields of a request.
export const request = (method = 'GET', path = '/', ...more) => [
  [':method', method],
  [':scheme', 'http'],
  [':path', path],
  [':authority', '127.0.0.1'],
  ...more,
];

export const get = (id, path = '/', ...more) =>
  frame(HEADERS, END_STREAM | END_HEADERS, id, block(request('GET', path, ...more)));
export const post = (id, path = '/echo', ...more) => frame(HEADERS, END_HEADERS, id, block(request('POST', path, ...more)));

// ":status" at the beginning of a header block: indexed, or a literal of three digits.
function statusOf(bytes) {
  const indexed = { 0x88: 200, 0x89: 204, 0x8a: 206, 0x8b: 304, 0x8c: 400, 0x8d: 404, 0x8e: 500 };
  if (bytes[0] in indexed) return indexed[bytes[0]];
  const len = bytes[1] & 0x7f;
  const value = bytes.subarray(2, 2 + len);
  if (!(bytes[1] & 0x80)) return Number(value.toString());
  let bits = [...value].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let digits = '';
  while (digits.length < 3) {
    const short = parseInt(bits.slice(0, 5), 2);
    digits += short < 3 ? short : parseInt(bits.slice(0, 6), 2) - 22; // RFC 7541, appendix B
    bits = bits.slice(short < 3 ? 5 : 6);
  }
  return Number(digits);
}

// An HTTP/2 client that keeps the frames that it gets. It answers no SETTINGS, no PING, and
// gives no credit by itself.
export class H2 extends Raw {
  async open({ first = settings(), ...options }) {
    this.frames = [];
    this.rest = Buffer.alloc(0);
    await super.open({ alpn: ['h2'], ...options });
    this.send(Buffer.concat([preface, first]));
  }

  // The peer's SETTINGS are there and acknowledged.
  async ready() {
    await this.find((it) => it.type === SETTINGS && !(it.flags & ACK));
    this.send(frame(SETTINGS, ACK, 0));
    return this;
  }

  take(bytes) {
    this.rest = Buffer.concat([this.rest, bytes]);
    while (this.rest.length >= 9 && this.rest.length >= 9 + this.rest.readUIntBE(0, 3)) {
      const len = this.rest.readUIntBE(0, 3);
      const it = { type: this.rest[3], flags: this.rest[4], id: this.rest.readUInt32BE(5) & 0x7fffffff, payload: this.rest.subarray(9, 9 + len) };
      if (it.type === HEADERS) it.status = statusOf(it.payload);
      if (it.type === RST_STREAM) it.code = it.payload.readUInt32BE(0);
      if (it.type === GOAWAY) it.code = it.payload.readUInt32BE(4);
      this.frames.push(it);
      this.rest = this.rest.subarray(9 + len);
    }
  }

  describe() {
    return this.frames.slice(-20).map((it) => `${it.type}/${it.flags}@${it.id}${'code' in it ? `:${nameOf(it.code)}` : ''}`).join(' ');
  }

  // Waits for a frame; the end of the connection ends the waiting.
  async find(test, ms = patience) {
    await until(() => this.frames.some(test) || this.ended, ms, `a frame: ${test}`).catch((error) => {
      throw new Error(`${error.message}; frames: ${this.describe()}`);
    });
    const found = this.frames.find(test);
    if (!found) throw new Error(`no frame for ${test}, ended by ${this.ended}; frames: ${this.describe()}`);
    return found;
  }

  // The peer says that the stream, or everything, is over for this reason.
  async fault(id, ...names) {
    const codes = names.map((name) => errors[name]);
    const it = await this.find((f) => f.type === GOAWAY || (id > 0 && f.type === RST_STREAM && f.id === id));
    if (!codes.includes(it.code)) throw new Error(`wanted ${names}, got ${nameOf(it.code)}; frames: ${this.describe()}`);
    return it;
  }

  // The connection ends with a GOAWAY of this reason.
  async over(...names) {
    await this.fault(0, ...names);
    await this.end();
  }

  // It still works: a PING comes back.
  async alive() {
    const mark = Buffer.from(`mark${String(this.frames.length).padStart(4, '0')}`);
    this.send(frame(PING, 0, 0, mark));
    await this.find((it) => it.type === PING && it.flags & ACK && it.payload.equals(mark));
  }

  // The stream's response is complete: { status, body }.
  async response(id) {
    const last = await this.find((it) => (it.id === id && it.type <= HEADERS && it.flags & END_STREAM) || (it.id === id && it.type === RST_STREAM));
    if (last.type === RST_STREAM) throw new Error(`stream ${id} was reset: ${nameOf(last.code)}`);
    const mine = this.frames.filter((it) => it.id === id);
    const body = Buffer.concat(mine.filter((it) => it.type === DATA).map((it) => it.payload));
    return { status: mine.find((it) => it.type === HEADERS).status, body };
  }
}

// --- WebSocket ---

// A client's frame; options: fin, rsv (three bits), masked, len (what it says instead of the truth).
export function wsFrame(opcode, payload = '', { fin = true, rsv = 0, masked = true, len } = {}) {
  const bytes = Buffer.from(payload);
  const said = len ?? bytes.length;
  const mask = masked ? 0x80 : 0;
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  let head;
  if (said < 126) {
    head = Buffer.from([first, mask | said]);
  } else if (said < 65536) {
    head = Buffer.from([first, mask | 126, said >> 8, said & 255]);
  } else {
    head = Buffer.alloc(10);
    head[0] = first;
    head[1] = mask | 127;
    head.writeBigUInt64BE(BigInt(said), 2);
  }
  if (!masked) return Buffer.concat([head, bytes]);
  const key = Buffer.from([0x12, 0x34, 0x56, 0x78]);
  return Buffer.concat([head, key, bytes.map((byte, i) => byte ^ key[i & 3])]);
}

// A WebSocket client that keeps the frames that it gets: { fin, rsv, opcode, payload }.
export class Ws extends Raw {
  async open({ path = '/ws', headers = [], ...options }) {
    this.frames = [];
    await super.open(options);
    const lines = ['connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13', 'sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==', ...headers];
    this.send(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    await this.text(/^HTTP\/1\.1 101 [^]*?\r\n\r\n/);
    this.isOpen = true;
    const bytes = this.got;
    this.got = bytes.subarray(0, bytes.indexOf('\r\n\r\n') + 4);
    this.rest = Buffer.alloc(0);
    this.take(bytes.subarray(this.got.length));
  }

  take(bytes) {
    if (!this.isOpen) {
      super.take(bytes);
      return;
    }
    this.rest = Buffer.concat([this.rest, bytes]);
    for (;;) {
      if (this.rest.length < 2) return;
      let len = this.rest[1] & 0x7f;
      let at = 2;
      if (len === 126) {
        if (this.rest.length < 4) return;
        len = this.rest.readUInt16BE(2);
        at = 4;
      } else if (len === 127) {
        if (this.rest.length < 10) return;
        len = Number(this.rest.readBigUInt64BE(2));
        at = 10;
      }
      if (this.rest.length < at + len) return;
      const it = { fin: this.rest[0] >> 7, rsv: (this.rest[0] >> 4) & 7, opcode: this.rest[0] & 15, payload: this.rest.subarray(at, at + len) };
      if (it.opcode === 8) it.code = len >= 2 ? it.payload.readUInt16BE(0) : 1005;
      this.frames.push(it);
      this.rest = this.rest.subarray(at + len);
    }
  }

  async next(ms = patience) {
    await until(() => this.frames.length > 0 || this.ended, ms, 'a WebSocket frame');
    const it = this.frames.shift();
    if (!it) throw new Error(`no frame, ended by ${this.ended}`);
    return it;
  }

  // The peer closes with this code, and then the connection.
  async closed(code) {
    await until(() => this.frames.some((it) => it.opcode === 8) || this.ended, patience, 'a close frame');
    const it = this.frames.find((f) => f.opcode === 8);
    if (!it) throw new Error(`no close frame, ended by ${this.ended}`);
    if (it.code !== code) throw new Error(`closed with ${it.code} ${it.payload.subarray(2)}, wanted ${code}`);
    await this.end();
    return it;
  }
}
