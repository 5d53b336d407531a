// One stream between hub and agent over 100 ms of round trip, beside the same stream
// straight to the back end over the same relay.
// MIB: how much in each row (256).
import assert from 'node:assert/strict';

import { Caller, receive, startBulk, wanted } from '../e2e/lib/bulk.mjs';
import { Env, until } from '../e2e/lib/env.mjs';
import { Relay } from '../e2e/lib/relay.mjs';
import { table } from './lib/measure.mjs';

const messages = Number(process.env.MIB ?? 256) * 64; // of 16 KiB
const cap = 84; // MB/s: 8 MiB in 100 ms

async function rate(work) {
  const begun = Date.now();
  await work();
  return (messages * 16389) / 1e3 / (Date.now() - begun);
}

async function measure(caller) {
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

const bulk = await startBulk({ window: 16 << 20 });
const env = await Env.start();
const relays = [await Relay.start({ port: env.port }), await Relay.start({ port: bulk.port })];
try {
  for (const relay of relays) relay.delayMs = 50;
  const settings = `[expose bulk]\naddress = 127.0.0.1:${bulk.port}\nservices = bulk.Bulk\n`;
  await env.agent('far', { settings, link: await env.linkVia(`127.0.0.1:${relays[0].port}`, 'far') });
  const fields = { authorization: `Bearer ${await env.token()}`, name: 'far' };
  const window = 16 << 20;
  const direct = await measure(await Caller.connect(`http://127.0.0.1:${relays[1].port}`, {}, { window }));
  const caller = await Caller.connect(env.url, fields, { window });
  await until(() => caller.call());
  const link = await measure(caller);
  table(
    [['direct', direct], ['hub and agent', link]].map(([name, { down, up }]) => ({
      'one stream over 100 ms': name,
      'from the back end MB/s': down.toFixed(1),
      'of the goal': (down / Math.min(direct.down, cap)).toFixed(2),
      'to the back end MB/s': up.toFixed(1),
      'of its goal': (up / Math.min(direct.up, cap)).toFixed(2),
    })),
  );
  console.log('\ntarget: 0.80 of what is direct, or of 84 MB/s where that is less');
} finally {
  for (const relay of relays) await relay.stop();
  await env.finish();
  await bulk.stop();
}
