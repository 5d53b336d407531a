// bulk - a back end that sends and takes much, and raw HTTP/2 clients of it
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';

const part = 16384; // one gRPC message, and its five bytes
const maxSessionMemory = 1000; // MB; Node refuses streams above 10
const noise = randomBytes(part + 1000);

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// One message of the stream with that number: no two streams carry the same bytes.
function message(seed) {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(part, 1);
  return Buffer.concat([head, noise.subarray(seed % 1000, (seed % 1000) + part)]);
}

// The SHA-1 of `count` messages, and how many bytes they are.
export function wanted(seed, count) {
  const hash = createHash('sha1');
  const one = message(seed);
  for (let i = 0; i < count; i++) hash.update(one);
  return { bytes: one.length * count, sha1: hash.digest('hex') };
}

// Until it takes more, or nothing any more.
function room(stream) {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}

async function send(stream, seed, count) {
  const one = message(seed);
  for (let i = 0; i < count && !stream.destroyed; i++)
    if (!stream.write(one)) await room(stream);
}

// Reads a stream to its end, `pace` bytes at a time in 10 ms; no pace: as fast as it comes.
export async function receive(stream, pace) {
  const hash = createHash('sha1');
  let bytes = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    bytes += chunk.length;
    if (pace) await pause((chunk.length / pace) * 10);
  }
  return { bytes, sha1: hash.digest('hex') };
}

// /bulk.Bulk/Down sends x-count messages of the stream x-seed; Up takes everything (at
// x-pace) and tells what came in trailers; Hold reads nothing until release() is called;
// Echo answers with what came.
export async function startBulk({ window = 65535 } = {}) {
  const held = new Set();
  const server = http2.createServer({ settings: { maxConcurrentStreams: 10_000, initialWindowSize: window }, maxSessionMemory });
  const methods = {
    async Down(stream, headers) {
      await send(stream, Number(headers['x-seed']), Number(headers['x-count']));
      return {};
    },
    async Up(stream, headers) {
      const { bytes, sha1 } = await receive(stream, Number(headers['x-pace'] ?? 0));
      return { 'x-bytes': String(bytes), 'x-sha1': sha1 };
    },
    async Hold(stream) {
      await new Promise((resolve) => {
        held.add(resolve);
        stream.once('close', () => held.delete(resolve));
        stream.once('close', resolve);
      });
      return methods.Up(stream, {});
    },
    async Echo(stream) {
      const parts = [];
      for await (const chunk of stream) parts.push(chunk);
      stream.write(Buffer.concat(parts));
      return {};
    },
  };
  server.on('stream', async (stream, headers) => {
    let trailers;
    stream.on('error', () => {});
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    try {
      trailers = { 'grpc-status': '0', ...(await methods[headers[':path'].split('/')[2]](stream, headers)) };
    } catch {
      trailers = { 'grpc-status': '2' };
    }
    stream.end();
  });
  const sessions = new Set();
  server.on('session', (session) => {
    sessions.add(session);
    session.setLocalWindowSize(64 << 20);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    held,
    release: () => held.forEach((resolve) => resolve()),
    stop: () => new Promise((resolve) => {
      for (const session of sessions) session.destroy();
      server.close(resolve);
    }),
  };
}

// A connection to the hub that calls the node's back end; window: of a stream.
export class Caller {
  static async connect(url, fields, { window = 65535 } = {}) {
    const caller = new Caller();
    caller.fields = fields;
    caller.session = http2.connect(url, { rejectUnauthorized: false, settings: { initialWindowSize: window }, maxSessionMemory });
    caller.session.on('error', () => {});
    await once(caller.session, 'remoteSettings');
    caller.session.setLocalWindowSize(64 << 20);
    return caller;
  }

  // Begins a call; nobody reads its answer until somebody does.
  open(method, fields = {}) {
    const head = { ':method': 'POST', ':path': `/bulk.Bulk/${method}`, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = this.session.request({ ...head, ...this.fields, ...fields });
    stream.on('error', () => {});
    stream.said = new Promise((resolve) => {
      let said;
      stream.on('response', (fields) => (said = fields));
      stream.on('trailers', (fields) => (said = fields));
      stream.once('close', () => resolve(said ?? {}));
    });
    return stream;
  }

  down(seed, count) {
    const stream = this.open('Down', { 'x-seed': String(seed), 'x-count': String(count) });
    stream.end();
    return stream;
  }

  // Milliseconds that a small call takes.
  async call() {
    const begun = process.hrtime.bigint();
    const stream = this.open('Echo');
    stream.end(Buffer.from([0, 0, 0, 0, 1, 7]));
    stream.resume();
    const said = await stream.said;
    if (said['grpc-status'] !== '0') throw new Error(`a small call ended with ${said['grpc-status']}: ${said['grpc-message']}`);
    return Number(process.hrtime.bigint() - begun) / 1e6;
  }

  // Sends `count` messages and ends.
  async up(stream, seed, count) {
    await send(stream, seed, count);
    stream.end();
  }

  close() {
    this.session.destroy();
  }
}
