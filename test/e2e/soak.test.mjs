// Memory over time: flat with the hub up, flat with the hub away. Seconds in make test,
// SOAK_MINUTES in make soak.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { buildDir, pause, scenario, until } from './lib/env.mjs';

const minutes = Number(process.env.SOAK_MINUTES ?? 0.1);
const rounds = Math.max(3, Math.round((minutes * 60) / 2));
// What a short run may still allocate for the first time; sanitizers keep freed memory.
const allowedKiB = buildDir.includes('asan') ? 128 * 1024 : 1024;

function residentKiB(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

// Lets the agent take as many samples as count says; their times tell.
async function samples(env, count) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${await env.token()}` };
  let last;
  for (let i = 0; i < count; i++)
    last = await until(async () => {
      const answer = await fetch(`${env.plainUrl}/roost.v1.Metrics/Latest`, { method: 'POST', headers, body: '{}' });
      const { time } = (await answer.json()).nodes[0];
      return time !== last && time;
    });
}

// Fails when a process has grown by more than it may since before.
function checkGrowth(what, pid, before) {
  const now = residentKiB(pid);
  assert.ok(now - before <= allowedKiB, `${what}: ${before} KiB, then ${now} KiB`);
}

scenario('memory is flat, with the hub up and with the hub away', { timeout: (minutes * 60 * 3 + 120) * 1000 }, async (env) => {
  const agent = await env.agent('pi');
  await samples(env, rounds);
  const hub = residentKiB(env.hub.pid);
  const before = residentKiB(agent.proc.pid);
  await samples(env, rounds);
  checkGrowth('hub', env.hub.pid, hub);
  checkGrowth('agent', agent.proc.pid, before);

  // Samples go on at each second while nobody takes them.
  await env.hub.stop();
  env.drop(env.hub);
  await pause(rounds * 1000);
  checkGrowth('agent without a hub', agent.proc.pid, before);
  await env.startHub();
  await env.state('pi', 'ONLINE', 90_000);
  checkGrowth('agent back at the hub', agent.proc.pid, before);
});
