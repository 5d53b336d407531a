// Memory over time: flat with the hub up, flat with the hub away. Seconds in make test,
// SOAK_MINUTES in make soak.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { buildDir, scenario, until } from './lib/env.mjs';

const minutes = Number(process.env.SOAK_MINUTES ?? 0.1);
const rounds = Math.max(3, Math.round((minutes * 60) / 2));
// What a short run may still allocate for the first time; sanitizers keep freed memory.
const allowedKiB = buildDir.includes('asan') ? 128 * 1024 : 1024;

function residentKiB(proc) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${proc.pid}/status`, 'utf8'))[1]);
}

// Lets the agent take as many samples as the rounds say; the hub's clock tells them.
async function samples(env, count) {
  let last;
  for (let i = 0; i < count; i++)
    last = await until(async () => {
      const { time } = (await env.json('call', '@hub', 'roost.v1.Metrics/Latest')).nodes[0];
      return time !== last && time;
    });
}

scenario('memory is flat while samples come', { timeout: (minutes * 60 * 3 + 120) * 1000 }, async (env) => {
  const { proc } = await env.agent('pi');
  await samples(env, rounds);
  const before = { hub: residentKiB(env.hub), agent: residentKiB(proc) };
  await samples(env, rounds);
  assert.ok(residentKiB(env.hub) - before.hub <= allowedKiB, `hub: ${before.hub} KiB, then ${residentKiB(env.hub)}`);
  assert.ok(residentKiB(proc) - before.agent <= allowedKiB, `agent: ${before.agent} KiB, then ${residentKiB(proc)}`);
});
