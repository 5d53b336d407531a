// yamux - a server of the older hub, written from its facts: yamux in binary WebSocket
// messages, gRPC (grpc-js) in its streams
//
//   const server = await OlderServer.start(env, 'box', { services });   registered
//   server.mux.opened;  await server.closed();  server.kill();
import { Duplex } from 'node:stream';

import { WebSocket } from 'ws';

import { patience, until } from './env.mjs';
import { grpc } from './grpc.mjs';

export const [DATA, WINDOW, PING, AWAY] = [0, 1, 2, 3];
export const [SYN, ACK, FIN, RST] = [1, 2, 4, 8];
export const WINDOW_BYTES = 262_144;

export function yamuxFrame(type, flags, id, len, body = Buffer.alloc(0), version = 0) {
  const head = Buffer.alloc(12);
  head[0] = version;
  head[1] = type;
  head.writeUInt16BE(flags, 2);
  head.writeUInt32BE(id, 4);
  head.writeUInt32BE(len >>> 0, 8);
  return Buffer.concat([head, body]);
}

// A stream that the hub opened.
class MuxStream extends Duplex {
  constructor(mux, id) {
    super({ allowHalfOpen: true });
    Object.assign(this, { mux, id, room: WINDOW_BYTES, unread: 0, waiting: undefined });
    this.on('error', () => {});
  }

  _write(bytes, encoding, done) {
    const n = Math.min(bytes.length, this.room);
    if (n > 0) {
      this.room -= n;
      this.mux.say(yamuxFrame(DATA, 0, this.id, n), bytes.subarray(0, n));
    }
    if (n === bytes.length) done();
    else this.waiting = [bytes.subarray(n), done];
  }

  open(count) {
    this.room += count;
    if (!this.waiting) return;
    const [bytes, done] = this.waiting;
    this.waiting = undefined;
    this._write(bytes, undefined, done);
  }

  _final(done) {
    this.mux.say(yamuxFrame(WINDOW, FIN, this.id, 0));
    done();
  }

  _read() {
    this.credit();
  }

  // What was read goes back, half a window at a time.
  credit() {
    if (this.unread < WINDOW_BYTES / 2 || this.mux.isStingy(this)) return;
    this.mux.say(yamuxFrame(WINDOW, 0, this.id, this.unread));
    this.unread = 0;
  }

  take(bytes) {
    this.unread += bytes.length;
    if (this.push(bytes)) this.credit();
  }
}

// The server's side of a connection. say(...parts): each part is a message of its own.
export class Mux {
  constructor(say, onStream) {
    Object.assign(this, { say, onStream, rest: Buffer.alloc(0), streams: new Map(), opened: 0, frames: [], pongs: 0 });
    this.isStingy = () => false;
  }

  feed(bytes) {
    this.rest = Buffer.concat([this.rest, bytes]);
    while (this.rest.length >= 12) {
      const [version, type, flags] = [this.rest[0], this.rest[1], this.rest.readUInt16BE(2)];
      const [id, len] = [this.rest.readUInt32BE(4), this.rest.readUInt32BE(8)];
      const end = 12 + (type === DATA ? len : 0);
      if (version !== 0) throw new Error(`version ${version}`);
      if (this.rest.length < end) return;
      const body = this.rest.subarray(12, end);
      this.rest = this.rest.subarray(end);
      this.frames.push({ type, flags, id, len });
      this.take({ type, flags, id, len, body });
    }
  }

  take({ type, flags, id, len, body }) {
    if (type === PING) {
      if (flags & SYN) this.say(yamuxFrame(PING, ACK, 0, len));
      else this.pongs++;
      return;
    }
    if (type === AWAY) {
      this.away = len;
      return;
    }
    if (flags & SYN) this.accept(id);
    const stream = this.streams.get(id);
    if (!stream) return;
    if (type === DATA && len > 0) stream.take(body);
    if (type === WINDOW) stream.open(len);
    if (flags & FIN) stream.push(null);
    if (flags & RST) {
      this.streams.delete(id);
      stream.destroy(new Error('reset'));
    }
  }

  accept(id) {
    this.opened++;
    if (this.refuses) {
      this.say(yamuxFrame(WINDOW, RST, id, 0));
      return;
    }
    const stream = new MuxStream(this, id);
    this.streams.set(id, stream);
    this.say(yamuxFrame(WINDOW, ACK, id, 0));
    this.onStream(stream);
  }

  destroy() {
    for (const stream of this.streams.values()) stream.destroy(new Error('the link is lost'));
  }
}

// Methods whose messages are bytes: path -> handler.
const identity = (bytes) => bytes;
export function bytesService(prefix, methods) {
  const definition = {};
  const handlers = {};
  for (const [name, [kind, handler]] of Object.entries(methods)) {
    definition[name] = {
      path: `${prefix}/${name}`,
      requestStream: kind === 'client' || kind === 'bidi',
      responseStream: kind === 'server' || kind === 'bidi',
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    };
    handlers[name] = handler;
  }
  return { definition, handlers };
}

// The older system's server: registers, and serves what it is given.
export class OlderServer {
  // Options: services (of bytesService), tls, token, headers, maxPayload (what it reads of
  // a message: the original's 512), options (of grpc-js's server), ready: false to skip waiting.
  static async start(env, name, options = {}) {
    const server = new OlderServer(env, name, options);
    if (options.ready !== false) await server.registered();
    return server;
  }

  constructor(env, name, { services = [], tls = false, token, headers = {}, maxPayload = 512, options = {} }) {
    this.messages = [];
    this.grpc = new grpc.Server({ 'grpc.max_receive_message_length': -1, ...options });
    for (const { definition, handlers } of services) this.grpc.addService(definition, handlers);
    this.injector = this.grpc.createConnectionInjector(grpc.ServerCredentials.createInsecure());
    if (name !== undefined) headers = { 'X-Hub-Meta-Name': name, ...headers };
    if (token) headers = { Authorization: `Bearer ${token}`, ...headers };
    const url = tls ? `wss://127.0.0.1:${env.port}/ws` : `ws://127.0.0.1:${env.plainPort}/ws`;
    this.ws = new WebSocket(url, { headers, maxPayload, perMessageDeflate: false, rejectUnauthorized: false });
    this.mux = new Mux(
      (...parts) => {
        for (const part of parts) if (part.length > 0 && this.ws.readyState === WebSocket.OPEN) this.ws.send(part);
      },
      (stream) => this.injector.injectConnection(stream),
    );
    this.ws.on('message', (bytes, isBinary) => {
      this.messages.push(bytes.length);
      if (!isBinary) throw new Error('a text');
      this.mux.feed(bytes);
    });
    this.ws.on('upgrade', (response) => (this.upgrade = response));
    this.ws.on('unexpected-response', (request, response) => {
      this.refusal = { status: response.statusCode, headers: response.headers, text: '' };
      response.on('data', (bytes) => (this.refusal.text += bytes));
      response.on('end', () => (this.refusal.done = true));
    });
    this.ws.on('error', (error) => (this.error = error));
    this.ws.on('close', (code, reason) => {
      this.close = { code, reason: reason.toString() };
      this.mux.destroy();
    });
  }

  // The hub has it: a ping over the link is answered.
  async registered() {
    await until(() => this.ws.readyState !== WebSocket.CONNECTING, patience, 'an answer to the registration');
    if (this.ws.readyState === WebSocket.OPEN) this.mux.say(yamuxFrame(PING, SYN, 0, 4711));
    await until(() => this.mux.pongs > 0 || this.close || this.refusal, patience, 'the hub speaks yamux');
    if (this.mux.pongs === 0) throw new Error(`not registered: ${JSON.stringify(this.close ?? this.refusal)}`);
  }

  // { code, reason } of the end.
  closed(ms = patience) {
    return until(() => this.close, ms, 'the WebSocket is closed');
  }

  refused(ms = patience) {
    return until(() => this.refusal?.done && this.refusal, ms, 'an HTTP answer');
  }

  // As a process that is killed.
  async kill() {
    this.ws.terminate();
    this.grpc.forceShutdown();
    await this.closed();
  }

  // As a process that ends in order.
  async stop() {
    this.ws.close(1000, 'closed');
    await this.closed();
    this.grpc.forceShutdown();
  }
}
