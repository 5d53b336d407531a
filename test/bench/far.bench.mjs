// One stream between hub and agent over 100 ms of round trip, as a gRPC stream and as a
// TCP forward, beside the same stream straight to the back end over such a relay.
// MIB: how much in each row (512; the first second goes by until the window is there).
import assert from 'node:assert/strict';
import path from 'node:path';

import { Caller, receive, startBulk, wanted } from '../e2e/lib/bulk.mjs';
import { buildDir, Env, pause, Proc, program, run, until } from '../e2e/lib/env.mjs';
import { startRelay } from '../e2e/lib/relay_process.mjs';
import { startForward } from '../e2e/lib/tcp.mjs';
import { table } from './lib/measure.mjs';

const mib = Number(process.env.MIB ?? 512);
const messages = mib * 64; // of 16 KiB
const cap = 84; // MB/s: 8 MiB in 100 ms
const oneWayMs = 50;
const tcp = path.join(buildDir, 'test/tcp');

async function rate(work) {
  const begun = Date.now();
  await work();
  return (messages * 16389) / 1e3 / (Date.now() - begun);
}

async function measureGrpc(caller) {
  const down = await rate(async () => assert.deepEqual(await receive(caller.down(1, messages)), wanted(1, messages)));
  const up = await rate(async () => {
    const stream = caller.open('Up');
    stream.resume();
    await caller.up(stream, 2, messages);
    assert.equal((await stream.said)['x-sha1'], wanted(2, messages).sha1);
  });
  caller.close();
  return { down, up };
}

async function measureTcp(port) {
  const { mb, whole } = JSON.parse((await run(tcp, ['bulk', port, mib].map(String), { ms: 120_000 })).stdout);
  assert.ok(whole);
  return { down: mb };
}

const of = (value, direct) => (value ? (value / Math.min(direct, cap)).toFixed(2) : '');
const row = (name, { down, up }, direct) => ({
  'one stream over 100 ms': name,
  'from the node MB/s': down.toFixed(1),
  'of the goal': of(down, direct.down),
  'to the node MB/s': up?.toFixed(1) ?? '',
  'of its goal': of(up, direct.up),
});

const bulk = await startBulk({ window: 16 << 20 });
const server = new Proc(tcp, ['serve']);
const tcpPort = await until(() => /(\d+)/.exec(server.stdout)?.[1]);
const env = await Env.start();
const relays = await Promise.all([env.port, bulk.port, tcpPort].map((port) => startRelay(port, oneWayMs)));
try {
  const settings = `[expose bulk]\naddress = 127.0.0.1:${bulk.port}\nservices = bulk.Bulk\n`;
  const far = await env.agent('far', { settings, link: await env.linkVia(`127.0.0.1:${relays[0].port}`, 'far') });
  await run(program('roost-agent'), ['allow', 'tcp', '127.0.0.1:*', '--state', far.state]);
  await pause(1100); // the policy is looked at once a second
  const fields = { authorization: `Bearer ${await env.token()}`, name: 'far' };
  const window = 16 << 20;
  const direct = await measureGrpc(await Caller.connect(`http://127.0.0.1:${relays[1].port}`, {}, { window }));
  const caller = await Caller.connect(env.url, fields, { window });
  await until(() => caller.call());
  const link = await measureGrpc(caller);
  const directTcp = await measureTcp(relays[2].port);
  const { port } = await startForward(env, ['far', `127.0.0.1:${tcpPort}`]);
  const tunnel = await measureTcp(port);
  table([
    row('gRPC, direct', direct, direct),
    row('gRPC, hub and agent', link, direct),
    row('TCP, direct', directTcp, directTcp),
    row('TCP, roost forward', tunnel, directTcp),
  ]);
  console.log('\ntarget: 0.80 of what is direct, or of 84 MB/s where that is less');
} finally {
  await env.finish();
  for (const relay of relays) relay.stop();
  await server.kill();
  await bulk.stop();
}
