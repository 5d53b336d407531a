// Nobody who does not read, or sends without end, keeps others waiting or makes hub and
// agent grow. FULL=1: the sizes of make soak.
import assert from 'node:assert/strict';

import { memory } from '../bench/lib/measure.mjs';
import { Caller, pause, receive, startBulk, wanted } from './lib/bulk.mjs';
import { scenario, slow, until } from './lib/env.mjs';

const full = Boolean(process.env.FULL);
const messages = (mib) => mib * 64; // of 16 KiB

// The body gets a back end behind an agent, and what callers of it send.
function isolated(name, options, body) {
  scenario(name, { timeout: 240_000 * slow, ...options }, async (env, t) => {
    const bulk = await startBulk();
    const callers = [];
    try {
      const link = options.relay ? await joinFarAway(env, options.relay) : {};
      const settings = `[expose bulk]\naddress = 127.0.0.1:${bulk.port}\nservices = bulk.Bulk\n`;
      const agent = await env.agent('far', { settings, ...link });
      const fields = { authorization: `Bearer ${await env.token()}`, name: 'far' };
      const connect = async (options) => {
        callers.push(await Caller.connect(env.url, fields, options));
        return callers.at(-1);
      };
      const first = await connect();
      await until(() => first.call(), undefined, 'the back end is reached');
      await body({ env, t, bulk, agent, connect, first });
    } finally {
      for (const caller of callers) caller.close();
      await bulk.stop();
    }
  });
}

async function joinFarAway(env, delayMs) {
  const relay = await env.relay();
  relay.delayMs = delayMs;
  return { link: await env.linkVia(`127.0.0.1:${relay.port}`, 'far') };
}

async function latencies(callers, count) {
  const times = [];
  for (let i = 0; i < count; i++) times.push(await callers[i % callers.length].call());
  times.sort((a, b) => a - b);
  const at = (of) => times[Math.floor(of * (count - 1))].toFixed(1);
  return { max: times.at(-1), text: `p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)} ms` };
}

const hang = 10_000 * slow; // no machine is as slow as that

isolated('a thousand streams that nobody reads delay nobody, and end whole', {}, async ({ t, connect, first }) => {
  const count = 1000;
  const size = full ? messages(4) : 16;
  const callers = [first];
  for (let i = 0; i < 10; i++) callers.push(await connect());
  t.diagnostic(`idle: ${(await latencies(callers, 200)).text}`);
  // Half of them on the connection of the first.
  const streams = Array.from({ length: count }, (_, i) => (i % 2 ? callers[0] : callers[1 + (i % 10)]).down(i, size));
  await until(() => first.call());
  const beside = await latencies(callers, 300);
  t.diagnostic(`beside ${count} that nobody reads: ${beside.text}`);
  assert.ok(beside.max < hang);

  const bulk = first.down(7, messages(full ? 1024 : 64));
  const whole = receive(bulk);
  const besideBulk = await latencies(callers, 100);
  t.diagnostic(`and a bulk stream: ${besideBulk.text}`);
  assert.ok(besideBulk.max < hang);
  assert.deepEqual(await whole, wanted(7, messages(full ? 1024 : 64)));

  const all = await Promise.all(streams.map((stream) => receive(stream)));
  all.forEach((got, i) => assert.deepEqual(got, wanted(i, size)));
  for (const stream of streams) assert.equal((await stream.said)['grpc-status'], '0');
});

// By how much hub and agent are larger while the work goes on, KiB: the median, since the
// hub also seals what it keeps, for a moment, when an hour is over.
async function growth(procs, work) {
  const before = procs.map((pid) => memory(pid).pss);
  const seen = procs.map(() => []);
  let over = false;
  const done = work().finally(() => (over = true));
  while (!over) {
    procs.forEach((pid, i) => seen[i].push(memory(pid).pss - before[i]));
    await pause(20);
  }
  const more = seen.map((all) => Math.max(all.sort((x, y) => x - y)[all.length >> 1], 0));
  return { more, value: await done };
}

isolated('a back end that stops reading stops its caller alone', {}, async ({ env, t, bulk, agent, first }) => {
  const procs = [env.hub.pid, agent.proc.pid];
  const size = messages(full ? 1024 : 64);
  const push = async (method, fields) => {
    const stream = first.open(method, fields);
    stream.resume();
    const sent = first.up(stream, 5, size);
    return { stream, sent };
  };
  const warm = await push('Up');
  await warm.sent;
  assert.equal((await warm.stream.said)['x-bytes'], String(wanted(5, size).bytes));

  const held = await growth(procs, async () => {
    const pushed = await push('Hold');
    await until(() => bulk.held.size === 1);
    await pause(500); // what flows meanwhile shows in the memory
    for (let i = 0; i < 50; i++) assert.ok((await first.call()) < hang);
    return pushed;
  });
  t.diagnostic(`stopped: hub ${held.more[0]}, agent ${held.more[1]} KiB more`);
  if (slow === 1) for (const kib of held.more) assert.ok(kib <= 2048, `${kib} KiB`);

  const resumed = await growth(procs, async () => {
    bulk.release();
    await held.value.sent;
    return held.value.stream.said;
  });
  assert.deepEqual([resumed.value['x-bytes'], resumed.value['x-sha1']], Object.values(wanted(5, size)).map(String));
  t.diagnostic(`resumed: hub ${resumed.more[0]}, agent ${resumed.more[1]} KiB more`);
  if (slow === 1) for (const kib of resumed.more) assert.ok(kib <= 2048, `${kib} KiB`);

  const dripped = await growth(procs, async () => {
    const pushed = await push('Up', { 'x-pace': String(full ? 2 << 20 : 512 << 10) });
    await pushed.sent;
    return pushed.stream.said;
  });
  assert.equal(dripped.value['x-sha1'], wanted(5, size).sha1);
  t.diagnostic(`read slowly: hub ${dripped.more[0]}, agent ${dripped.more[1]} KiB more`);
  if (slow === 1) for (const kib of dripped.more) assert.ok(kib <= 2048, `${kib} KiB`);
});

isolated('over 100 ms one stream is faster than its first window', { relay: 50 }, async ({ t, connect }) => {
  const near = await connect({ window: 16 << 20 });
  const size = messages(full ? 256 : 24);
  const rate = async (work) => {
    const begun = Date.now();
    await work();
    return (size * 16384) / 1e3 / (Date.now() - begun);
  };
  const down = await rate(async () => assert.deepEqual(await receive(near.down(3, size)), wanted(3, size)));
  const up = await rate(async () => {
    const stream = near.open('Up');
    stream.resume();
    await near.up(stream, 4, size);
    assert.equal((await stream.said)['x-sha1'], wanted(4, size).sha1);
  });
  t.diagnostic(`from the agent ${down.toFixed(1)} MB/s, to it ${up.toFixed(1)}; 64 KiB in 100 ms are 0.7`);
  assert.ok(down > 2 / slow && up > 2 / slow);
});

isolated('twenty thousand calls that are cancelled leave the link as it is', {}, async ({ agent, connect }) => {
  for (let round = 0; round < 20; round++) {
    const caller = await connect();
    const streams = Array.from({ length: 1000 }, () => caller.open('Hold'));
    // The back end has a limit of its own on resets, and may take a new connection for it.
    await Promise.race([until(() => caller.call()), new Promise((resolve) => caller.session.once('close', resolve))]);
    for (const stream of streams) stream.close(8);
    await Promise.all(streams.map((stream) => stream.said));
    caller.close();
  }
  const caller = await connect();
  await until(() => caller.call());
  assert.equal(agent.proc.stderr.match(/linked/g).length, 1, 'the link is still the first');
});
