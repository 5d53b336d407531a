// What it costs to take a fleet's samples and keep them: hub CPU and memory with AGENTS
// (1000) agents of METRICS (30) values each INTERVAL (5) seconds over TLS, watched for
// SECONDS (60); beside Prometheus, which in the same run receives the very same samples by
// remote write. Then the highest rate that one core sustains: spools that filled while the
// hub was away replay at once.
import { mkdirSync } from 'node:fs';

import { Env, freePort, program, run, until } from '../e2e/lib/env.mjs';
import { startPrometheus } from '../e2e/lib/prometheus.mjs';
import { cpuSeconds, memory, sleep, table } from './lib/measure.mjs';

const number = (name, usual) => Number(process.env[name] ?? usual);
const agents = number('AGENTS', 1000);
const metrics = number('METRICS', 30);
const interval = number('INTERVAL', 5);
const seconds = number('SECONDS', 60);
const limits = '[limits]\nper_client = 100000\nunauthenticated = 100000\n';

function startFleet(env, link, options = {}) {
  const flags = { agents, metrics, interval, seconds: 86400, grace: 600, 'backoff-max': 2, state: env.file('fleet'), ...options };
  mkdirSync(env.file('fleet'), { recursive: true });
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return env.start(program('test/fleet'), ['--hub', link, ...args, '--json']);
}

async function stopFleet(env, fleet) {
  await fleet.kill('SIGKILL');
  env.drop(fleet);
}

const online = async (env) => (await env.json('nodes')).nodes.filter(({ state }) => state === 'ONLINE').length;

// CPU over a span as percent of one core, and the memory at its end.
async function watch(processes) {
  const before = processes.map(({ pid }) => cpuSeconds(pid));
  const start = Date.now();
  await sleep(seconds * 1000);
  const span = (Date.now() - start) / 1000;
  return processes.map(({ pid }, i) => {
    const cpu = ((cpuSeconds(pid) - before[i]) / span) * 100;
    const { rss, pss } = memory(pid);
    return { cpu, rss: rss / 1024, pss: pss / 1024 };
  });
}

async function steady() {
  const rate = (agents * metrics) / interval;
  const row = (name, { cpu, rss, pss }, base) => ({
    [`${agents} agents, ${rate.toFixed(0)} values/s`]: name,
    'CPU % of a core': cpu.toFixed(2),
    'RSS MiB': rss.toFixed(1),
    'PSS MiB': pss.toFixed(1),
    'CPU beside roostd': `${(cpu / base.cpu).toFixed(2)} x`,
    'RSS beside roostd': `${(rss / base.rss).toFixed(2)} x`,
  });

  const env = await Env.start({ config: limits });
  let alone;
  try {
    const fleet = startFleet(env, await env.link('', '--reusable'));
    await until(async () => (await online(env)) === agents, 120_000);
    await sleep(interval * 2000);
    [alone] = await watch([env.hub]);
    await stopFleet(env, fleet);
  } finally {
    await env.finish();
  }

  // Prometheus gets them from the hub, which is not measured here.
  const port = await freePort();
  const peer = await Env.start({ config: `${limits}[remote_write]\nurl = http://127.0.0.1:${port}/api/v1/write\n` });
  try {
    const prometheus = await startPrometheus(peer, { port });
    const fleet = startFleet(peer, await peer.link('', '--reusable'));
    await until(async () => (await online(peer)) === agents, 120_000);
    await sleep(interval * 2000);
    const [its] = await watch([prometheus.proc]);
    await stopFleet(peer, fleet);
    table([row('roostd, TLS, stored', alone, alone), row('Prometheus, remote write', its, alone)]);
    await prometheus.stop();
  } finally {
    await peer.finish();
  }
}

// Spools that filled at ten samples a second are taken at once.
async function fastest() {
  const count = Math.min(agents, 200);
  const env = await Env.start({ config: `${limits}[store]\nacknowledge = 1s\n` });
  try {
    const link = await env.link('', '--reusable');
    const first = startFleet(env, link, { agents: count });
    await until(async () => (await online(env)) === count, 120_000);
    await first.kill('SIGTERM');
    env.drop(first);
    await env.hub.stop();
    env.drop(env.hub);
    const fleet = startFleet(env, link, { agents: count, interval: 0.1, seconds: seconds, 'spool-bytes': 16 << 20 });
    await sleep(seconds * 1000);
    await env.startHub();
    const cpu = cpuSeconds(env.hub.pid);
    const start = Date.now();
    await fleet.ended;
    const wall = (Date.now() - start) / 1000;
    const used = cpuSeconds(env.hub.pid) - cpu;
    const figures = JSON.parse(fleet.stdout);
    const values = figures.acknowledged * metrics;
    env.drop(fleet);
    table([{
      replay: `${count} spools of ${(figures.acknowledged / count).toFixed(0)} rows`,
      'values stored': values,
      'wall s': wall.toFixed(1),
      'hub CPU s': used.toFixed(2),
      'M values/s of one core': (values / used / 1e6).toFixed(2),
      lost: figures.lost,
    }]);
    const { stdout } = await run(program('roost'), ['version']);
    console.log(stdout.split('\n')[0]);
  } finally {
    await env.finish();
  }
}

await steady();
console.log();
await fastest();
