// Real programs through tunnels: OpenSSH, PostgreSQL, and gRPC clients that know no hub.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, test } from 'node:test';

import { Env, pause, program, run, slow, until } from './lib/env.mjs';
import { grpc, health, reflection, roost } from './lib/grpc.mjs';
import { connect, startForward, startPostgres, startServer, startSshd } from './lib/tcp.mjs';

const policy = (agent, ...args) => run(program('roost-agent'), [...args, '--state', agent.state]);

const noSsh = !existsSync('/usr/sbin/sshd') && 'openssh-server is not installed';
const noPostgres = !existsSync('/usr/lib/postgresql') && 'postgresql is not installed';

async function digest(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

// A file of random blocks: made fast, and compressed by nobody.
function writeRandom(file, mib) {
  const block = randomBytes(1 << 20);
  for (let i = 0; i < mib; i++) {
    block.writeUInt32BE(i, 0);
    writeFileSync(file, block, { flag: 'a' });
  }
}

describe('programs through tunnels', { timeout: 240_000 * slow }, () => {
  let env;
  let nas;

  before(async () => {
    env = await Env.start();
    nas = await env.agent('nas');
    await policy(nas, 'allow', 'tcp', '127.0.0.1:*');
    await pause(1100);
  });

  after(() => env.finish());

  const cliEnv = () => ({ XDG_CONFIG_HOME: env.file('config'), NO_COLOR: '1', PATH: process.env.PATH, SHELL: '/bin/sh' });

  test('ssh and scp', { skip: noSsh }, async () => {
    const sshd = await startSshd(env.folder);
    try {
      const options = { env: cliEnv(), cwd: env.folder, ms: 60_000 * slow };
      const ssh = await run(
        program('roost'),
        ['ssh', `${sshd.user}@nas`, '-p', `${sshd.port}`, ...sshd.args, 'echo "over $(cat)"; exit 3'],
        { ...options, input: 'the hub', ok: [3] },
      );
      assert.equal(ssh.stdout, 'over the hub\n');
      const sent = env.file('sent');
      const back = env.file('back');
      const mib = slow === 1 ? 200 : 20;
      writeRandom(sent, mib);
      const begin = Date.now();
      await run(
        'scp',
        ['-q', '-o', `ProxyCommand=${program('roost')} connect nas 127.0.0.1:${sshd.port}`, ...sshd.args, sent, `${sshd.user}@nas:${back}`],
        options,
      );
      const seconds = (Date.now() - begin) / 1000;
      process.stderr.write(`scp of ${mib} MiB: ${seconds.toFixed(1)} s, ${(mib / seconds).toFixed(0)} MiB/s\n`);
      assert.equal(await digest(back), await digest(sent));
    } finally {
      await sshd.stop();
    }
  });

  test('PostgreSQL with psql and pgbench', { skip: noPostgres }, async () => {
    const postgres = await startPostgres(env.folder);
    try {
      const { port, proc } = await startForward(env, ['nas', `0:127.0.0.1:${postgres.port}`]);
      const to = ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'roost'];
      const sum = await run(path.join(postgres.bin, 'psql'), [...to, '-d', 'postgres', '-Atc', 'select sum(i) from generate_series(1, 100000) i']);
      assert.equal(sum.stdout, '5000050000\n');
      const big = await run(path.join(postgres.bin, 'psql'), [...to, '-d', 'postgres', '-Atc', "select repeat('x', 8000000)"]);
      assert.equal(big.stdout.length, 8_000_001);
      await run(path.join(postgres.bin, 'pgbench'), [...to, '-i', '-q', 'postgres'], { ms: 60_000 });
      const bench = await run(path.join(postgres.bin, 'pgbench'), [...to, '-T', '2', '-c', '8', '-j', '2', '-S', '-n', 'postgres'], { ms: 60_000 });
      assert.match(bench.stdout, /number of failed transactions: 0/);
      process.stderr.write(`pgbench -S, 8 clients: ${/tps = (\d+)/.exec(bench.stdout)[1]} transactions/s\n`);
      await env.kill(proc, 'SIGINT');
    } finally {
      await postgres.stop();
    }
  });

  test('any gRPC client by forward --grpc, without name or credential', async () => {
    const { port, proc } = await startForward(env, ['--grpc', 'nas', '0']);
    const creds = grpc.credentials.createInsecure();
    const call = (Service, method, request) =>
      new Promise((resolve, reject) => {
        const stub = new Service(`127.0.0.1:${port}`, creds);
        stub[method](request, (error, reply) => {
          stub.close();
          if (error) reject(error);
          else resolve(reply);
        });
      });
    const host = await call(roost.Host, 'describe', {});
    assert.ok(host.capabilities.includes('tcp'));
    assert.equal((await call(health.Health, 'check', {})).status, 'SERVING');
    const names = await new Promise((resolve, reject) => {
      const stub = new reflection.v1.ServerReflection(`127.0.0.1:${port}`, creds);
      const stream = stub.serverReflectionInfo();
      stream.on('data', (reply) => {
        resolve(reply.listServicesResponse.service.map(({ name }) => name));
        stream.end();
      });
      stream.on('error', reject).on('end', () => stub.close());
      stream.write({ listServices: '' });
    });
    assert.ok(names.includes('roost.v1.Host'));
    await assert.rejects(call(roost.Nodes, 'list', {}), (error) => error.code === grpc.status.UNIMPLEMENTED);
    await env.restartHub();
    await env.state('nas', 'ONLINE');
    await until(async () => (await call(roost.Host, 'describe', {})).hostname === host.hostname);
    await env.kill(proc, 'SIGINT');
  });

  test('calls beside a bulk stream are not delayed', async () => {
    const bytes = 256 << (slow === 1 ? 20 : 16);
    const source = await startServer((socket) => {
      let left = bytes;
      const block = Buffer.alloc(1 << 18);
      const more = () => {
        while (left > 0) {
          const chunk = left < block.length ? block.subarray(0, left) : block;
          left -= chunk.length;
          if (!socket.write(chunk)) return;
        }
        socket.end();
      };
      socket.on('drain', more);
      more();
    });
    const { port, proc } = await startForward(env, ['nas', `0:127.0.0.1:${source.port}`]);
    const { port: grpcPort, proc: grpcProc } = await startForward(env, ['--grpc', 'nas', '0']);
    const stub = new health.Health(`127.0.0.1:${grpcPort}`, grpc.credentials.createInsecure());
    const ping = () =>
      new Promise((resolve, reject) => {
        const begin = performance.now();
        stub.check({}, (error) => (error ? reject(error) : resolve(performance.now() - begin)));
      });
    const measure = async (isOver) => {
      const times = [];
      while (!isOver(times)) times.push(await ping());
      return times.sort((a, b) => a - b);
    };
    const at = (times, part) => times[Math.min(times.length - 1, Math.floor(times.length * part))].toFixed(1);
    await measure((times) => times.length >= 50);
    const idle = await measure((times) => times.length >= 200);
    const bulk = new Promise((resolve) => {
      let got = 0;
      const begin = performance.now();
      connect(port).then((socket) => socket.end().on('close', () => resolve({ got: socket.bytesRead, ms: performance.now() - begin })));
    });
    let over;
    bulk.then((result) => (over = result));
    const beside = await measure(() => over);
    process.stderr.write(
      `calls alone: p50 ${at(idle, 0.5)} p99 ${at(idle, 0.99)} ms; beside a bulk stream of ` +
        `${(over.got / over.ms / 1000).toFixed(0)} MB/s: p50 ${at(beside, 0.5)} p99 ${at(beside, 0.99)} max ${at(beside, 1)} ms (${beside.length} calls)\n`,
    );
    assert.equal(over.got, bytes);
    if (slow === 1) assert.ok(Number(at(beside, 0.99)) < 100, 'a call waited for the bulk stream');
    stub.close();
    await env.kill(proc, 'SIGINT');
    await env.kill(grpcProc, 'SIGINT');
    await source.stop();
  });

  test('one stream with 100 ms of delay', async () => {
    const relay = await env.relay();
    relay.delayMs = 50;
    const far = await env.agent('far', { link: await env.linkVia(`127.0.0.1:${relay.port}`, 'far') });
    await policy(far, 'allow', 'tcp', '127.0.0.1:*');
    await pause(1100);
    const source = await startServer((socket) => {
      const block = Buffer.alloc(1 << 18);
      const more = () => { while (socket.writable && socket.write(block)); };
      socket.on('drain', more);
      more();
    });
    const { port, proc } = await startForward(env, ['far', `0:127.0.0.1:${source.port}`]);
    const socket = await connect(port);
    await until(() => socket.bytesRead > 0);
    const [first, begin] = [socket.bytesRead, performance.now()];
    await pause(2000);
    const rate = (socket.bytesRead - first) / (performance.now() - begin) / 1000;
    process.stderr.write(`one stream with 100 ms of delay: ${rate.toFixed(1)} MB/s\n`);
    assert.ok(rate > 0.2);
    socket.destroy();
    await env.kill(proc, 'SIGINT');
    await env.stopAgent(far);
    await source.stop();
  });
});
