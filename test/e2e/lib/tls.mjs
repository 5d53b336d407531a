// tls - certificates made by openssl, what a server shows, and a server that only listens
import { once } from 'node:events';
import path from 'node:path';
import tls from 'node:tls';
import { readFileSync } from 'node:fs';

import { run } from './env.mjs';

// A self-signed certificate for 127.0.0.1 and localhost: { cert, key }, both files.
export async function makeCert(folder, name) {
  const cert = path.join(folder, `${name}.pem`);
  const key = path.join(folder, `${name}.key`);
  await run('openssl', [
    ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'.split(' '),
    ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
    ...['-keyout', key, '-out', cert],
  ]);
  return { cert, key };
}

// A connection that trusts everybody, once TLS is done.
export async function connect(port, options = {}) {
  const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

// The leaf that a server shows: { fingerprint256, subject, issuerCertificate, ... }.
export async function leaf(port) {
  const socket = await connect(port);
  const certificate = socket.getPeerCertificate(true);
  socket.destroy();
  return certificate;
}

// Somebody with another key, who keeps what arrives after the handshake.
export async function startTap(folder, { cert, key }, port = 0) {
  const tap = { received: '', connections: 0, port: 0, close: undefined };
  const server = tls.createServer({ cert: readFileSync(cert), key: readFileSync(key), ALPNProtocols: ['http/1.1'] });
  const sockets = new Set();
  server.on('connection', (socket) => {
    tap.connections++;
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.on('secureConnection', (socket) => socket.on('data', (bytes) => (tap.received += bytes)).on('error', () => {}));
  server.on('tlsClientError', () => {});
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  tap.port = server.address().port;
  tap.close = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  return tap;
}
