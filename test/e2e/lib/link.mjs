// link - the agent's side of a link, written in Node: what a foreign implementation would do
import { randomBytes } from 'node:crypto';
import http2 from 'node:http2';
import tls from 'node:tls';

import { until } from './env.mjs';

// Asks for a link with these fields; answers the head of the response and what follows.
export function handshake(env, fields, { keep = false } = {}) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port: env.port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    let bytes = Buffer.alloc(0);
    socket.on('error', reject);
    socket.once('secureConnect', () => {
      const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`GET /link HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: ptth\r\nalpn: h2\r\n${lines.join('')}\r\n`);
    });
    const take = (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = bytes.subarray(0, end).toString();
      const rest = bytes.subarray(end + 4);
      if (head.startsWith('HTTP/1.1 101') && !keep && rest.length < 24 && !/roost-credential/i.test(head)) return;
      socket.off('data', take);
      if (keep && rest.length) socket.unshift(rest);
      resolve({ head, rest, socket });
      if (!keep) socket.destroy();
    };
    socket.on('data', take);
  });
}

// Joins with a fresh token: the fields with which links are asked for.
export async function join(env, name, instance = randomBytes(16).toString('hex')) {
  const link = await env.link(name);
  const token = /\/([0-9a-f]{64}\.[0-9a-f]{8})#/.exec(link)[1];
  const fields = { 'roost-name': name, 'roost-instance': instance, 'roost-version': 'test' };
  const { head } = await handshake(env, { ...fields, authorization: `Bearer ${token}`, 'roost-intent': 'join' });
  const credential = /roost-credential: (\S+)/i.exec(head)[1];
  return { ...fields, authorization: `Bearer ${credential}` };
}

// Joins and reads the first bytes of a link.
export async function rawLink(env, name) {
  return handshake(env, await join(env, name));
}

// The server's side of HTTP/2 on a socket whose roles are turned around. Node 18 has no
// performServerHandshake(); its server takes the socket once ALPN looks like h2.
export function serve(socket) {
  if (http2.performServerHandshake) return http2.performServerHandshake(socket);
  const server = http2.createServer();
  let session;
  server.once('session', (made) => (session = made));
  socket.alpnProtocol = 'h2';
  server.emit('connection', socket);
  return session;
}

// A gRPC server on a link of its own that answers every call with an empty message, and keeps
// the metadata that it saw.
export async function startBackend(env, name) {
  const { socket } = await handshake(env, await join(env, name), { keep: true });
  const seen = [];
  const session = serve(socket);
  session.on('error', () => {});
  session.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (/\/(Samples|Services)$/.test(headers[':path'])) return; // as an agent's do, they go on
    seen.push({ ...headers });
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.alloc(5));
  });
  await until(async () => (await env.node(name)).state === 'ONLINE');
  return { seen, close: () => session.destroy() };
}
