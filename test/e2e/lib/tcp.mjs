// tcp - servers and clients of plain TCP, ssh and PostgreSQL, for what is carried by tunnels
import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { freePort, Proc, program, run, until } from './env.mjs';

// A server whose connections are given to serve(socket): { port, sockets, stop }. Either
// side of a connection may end alone.
export async function startServer(serve) {
  const sockets = new Set();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    serve(socket);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref(); // a test that failed has not stopped it
  return {
    port: server.address().port,
    sockets,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

export const startEchoServer = () => startServer((socket) => socket.pipe(socket));

// Connects, with what came so far in .said (a Buffer); .over is resolved when it closes.
export async function connect(port, host = '127.0.0.1') {
  const socket = net.connect({ port, host, allowHalfOpen: true });
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.ended = new Promise((resolve) => socket.once('end', resolve));
  socket.over = new Promise((resolve) => socket.once('close', () => resolve(socket.fault)));
  socket.on('error', (error) => (socket.fault = error.code));
  Object.defineProperty(socket, 'said', { get: () => Buffer.concat(chunks) });
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
  return socket;
}

// Sends, ends, and answers all that comes until the other side has ended too.
export async function exchange(port, bytes) {
  const socket = await connect(port);
  socket.end(bytes);
  await socket.ended;
  await socket.over;
  return socket.said;
}

// roost forward ARGS, once it listens: { proc, ports, stop } with a port for each line.
export async function startForward(env, args, count = 1) {
  const proc = env.start(program('roost'), ['forward', ...args], {
    env: { XDG_CONFIG_HOME: env.file('config'), NO_COLOR: '1' },
  });
  const lines = () => proc.stdout.split('\n').slice(0, -1);
  await until(() => lines().length >= count || !proc.running, undefined, 'forward listens');
  assert.ok(proc.running, proc.stderr);
  const ports = lines().map((line) => Number(/:(\d+)[" ]/.exec(line)[1]));
  return { proc, ports, port: ports[0] };
}

// A throw-away sshd on loopback with a key of its own, for the user who runs the tests.
export async function startSshd(folder) {
  const dir = path.join(folder, 'ssh');
  mkdirSync(dir, { mode: 0o700 });
  const port = await freePort();
  const key = async (name) => {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(dir, name)]);
    return path.join(dir, name);
  };
  const [host, client] = [await key('host'), await key('client')];
  const made = process.getuid() === 0 && !existsSync('/run/sshd');
  if (made) mkdirSync('/run/sshd', { mode: 0o755 });
  writeFileSync(
    path.join(dir, 'sshd_config'),
    [
      `Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${host}`, `PidFile ${dir}/pid`,
      `AuthorizedKeysFile ${client}.pub`, 'StrictModes no', 'UsePAM no', 'PermitRootLogin yes',
      'PasswordAuthentication no', 'Subsystem sftp internal-sftp', 'PrintMotd no', '',
    ].join('\n'),
  );
  const proc = new Proc('/usr/sbin/sshd', ['-D', '-e', '-f', path.join(dir, 'sshd_config')]);
  await proc.line(/Server listening/);
  return {
    port,
    proc,
    args: ['-i', client, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no',
      '-o', `UserKnownHostsFile=${dir}/known`, '-F', '/dev/null'],
    user: os.userInfo().username,
    stop: async () => {
      await proc.kill('SIGTERM');
      if (made) rmdirSync('/run/sshd');
    },
  };
}

// A throw-away PostgreSQL on loopback, never as root: { port, env, bin, stop }.
export async function startPostgres(folder) {
  const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
  const bin = path.join('/usr/lib/postgresql', versions[0], 'bin');
  const dir = path.join(folder, 'pg');
  const isRoot = process.getuid() === 0;
  const [uid, gid] = isRoot ? [65534, 65534] : [process.getuid(), process.getgid()];
  mkdirSync(dir, { mode: 0o700 });
  chownSync(dir, uid, gid);
  if (isRoot) chmodSync(folder, 0o711);
  const wrapper = isRoot ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'] : [];
  const data = path.join(dir, 'data');
  await run(path.join(bin, 'initdb'), ['-D', data, '-U', 'roost', '-A', 'trust', '-N', '--locale=C', '-E', 'UTF8'], {
    wrapper, cwd: dir, ms: 60_000,
  });
  const port = await freePort();
  const proc = new Proc(
    path.join(bin, 'postgres'),
    ['-D', data, '-p', `${port}`, '-h', '127.0.0.1', '-k', dir, '-F', '-c', 'shared_buffers=16MB'],
    { wrapper, cwd: dir },
  );
  await proc.line(/ready to accept connections/);
  return { port, bin, proc, stop: () => proc.kill('SIGINT') };
}
