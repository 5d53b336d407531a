// What TCP through hub and agent costs (roost forward: two TLS legs), beside ssh -R through
// a local sshd and a direct connection, in the same run; and what unary calls to the node
// wait for while a bulk stream runs beside them.
// MIB: of the bulk stream (512). ROUNDS: rows are medians of these (3).
import { existsSync } from 'node:fs';
import path from 'node:path';

import { buildDir, Env, freePort, pause, Proc, program, run } from '../e2e/lib/env.mjs';
import { grpc, health } from '../e2e/lib/grpc.mjs';
import { startForward, startSshd } from '../e2e/lib/tcp.mjs';
import { table } from './lib/measure.mjs';

const mib = Number(process.env.MIB ?? 512);
const rounds = Number(process.env.ROUNDS ?? 3);
const tcp = path.join(buildDir, 'test/tcp');

const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const ask = async (...args) => JSON.parse((await run(tcp, args.map(String), { ms: 120_000 })).stdout);

// A port here that ssh -R leads to the server.
async function startReverse(sshd, target) {
  const port = await freePort();
  const proc = new Proc('ssh', [...sshd.args, '-N', '-o', 'ExitOnForwardFailure=yes', '-R',
    `127.0.0.1:${port}:127.0.0.1:${target}`, '-p', `${sshd.port}`, `${sshd.user}@127.0.0.1`]);
  for (let i = 0; i < 100; i++) {
    if ((await run(tcp, ['echo', `${port}`, '1'], { ok: 'any' })).code === 0) return { port, proc };
    await pause(50);
  }
  throw new Error(`ssh -R: ${proc.stderr}`);
}

async function pings(stub, isOver) {
  const times = [];
  const one = () =>
    new Promise((resolve, reject) => {
      const begin = performance.now();
      stub.check({}, (error) => (error ? reject(error) : resolve(performance.now() - begin)));
    });
  while (!isOver(times)) times.push(await one());
  return times.sort((a, b) => a - b);
}

const env = await Env.start();
let sshd;
const others = [];
try {
  const nas = await env.agent('nas');
  await run(program('roost-agent'), ['allow', 'tcp', '127.0.0.1:*', '--state', nas.state]);
  await pause(1100);
  const server = new Proc(tcp, ['serve']);
  others.push(server);
  const target = Number((await server.line(/ready on (\d+)/))[1]);
  const forward = await startForward(env, ['nas', `0:127.0.0.1:${target}`]);
  const paths = [{ name: 'direct', port: target }, { name: 'hub and agent, two TLS legs', port: forward.port }];
  if (existsSync('/usr/sbin/sshd')) {
    sshd = await startSshd(env.folder);
    const reverse = await startReverse(sshd, target);
    others.push(reverse.proc);
    paths.push({ name: 'ssh -R', port: reverse.port });
  }

  const rows = new Map(paths.map(({ name }) => [name, { bulk: [], p50: [], p99: [], rate: [], failed: 0 }]));
  for (let round = 0; round < rounds; round++)
    for (const { name, port } of paths) {
      const row = rows.get(name);
      row.bulk.push((await ask('bulk', port, mib)).mb);
      const { p50, p99 } = await ask('echo', port, 5000);
      row.p50.push(p50);
      row.p99.push(p99);
      const made = await ask('connects', port, 1, 16);
      row.rate.push(made.rate);
      row.failed += made.failed;
    }
  console.log(`TCP: one stream of ${mib} MiB; 64 bytes there and back; connections with one byte echoed, 16 at a time`);
  table(
    paths.map(({ name }) => {
      const row = rows.get(name);
      return {
        path: name,
        'Gb/s': ((middle(row.bulk) * 8) / 1000).toFixed(2),
        'echo p50 us': middle(row.p50).toFixed(0),
        'p99 us': middle(row.p99).toFixed(0),
        'connects/s': middle(row.rate).toFixed(0),
        failed: row.failed,
      };
    }),
  );

  const grpcForward = await startForward(env, ['--grpc', 'nas', '0']);
  const stub = new health.Health(`127.0.0.1:${grpcForward.port}`, grpc.credentials.createInsecure());
  await pings(stub, (times) => times.length >= 200);
  const idle = await pings(stub, (times) => times.length >= 1000);
  let over;
  const bulk = ask('bulk', forward.port, 1024).then((result) => (over = result));
  const beside = await pings(stub, () => over);
  await bulk;
  stub.close();
  const at = (times, part) => times[Math.min(times.length - 1, Math.floor(times.length * part))].toFixed(2);
  console.log(`\nunary calls to the node (grpc-js, through roost forward --grpc), and beside 1 GiB in a tunnel at ${over.mb.toFixed(0)} MB/s`);
  table(
    [['alone', idle], ['beside', beside]].map(([name, times]) => ({
      calls: name,
      number: times.length,
      'p50 ms': at(times, 0.5),
      'p99 ms': at(times, 0.99),
      'max ms': at(times, 1),
    })),
  );
} finally {
  for (const proc of others) await proc.kill('SIGTERM');
  await sshd?.stop();
  await env.finish();
}
