// What others get: /metrics for who asks, remote write for who wants every sample.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';

import { freePort, pause, run, scenario, slow, until } from './lib/env.mjs';
import { startPrometheus } from './lib/prometheus.mjs';

async function scrape(env, path = '/metrics', { token, accept, method = 'GET' } = {}) {
  const headers = { authorization: `Bearer ${token ?? (await env.token())}`, ...(accept ? { accept } : {}) };
  const answer = await fetch(`${env.plainUrl}${path}`, { method, headers });
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
}

const value = (text, series) => {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  assert.ok(line, `${series} is in\n${text}`);
  return Number(line.slice(series.length + 1));
};

scenario('promtool accepts /metrics, and its figures are right', async (env) => {
  await env.agent('pi');
  await until(async () => (await scrape(env, '/metrics?nodes')).text.includes('roost_cpu_percent{'));
  const plain = await scrape(env, '/metrics?nodes');
  assert.equal(plain.status, 200);
  assert.match(plain.type, /^text\/plain; version=0\.0\.4/);
  for (const { text } of [plain, await scrape(env)]) {
    const { stdout, stderr } = await run('/usr/bin/promtool', ['check', 'metrics'], { input: text });
    assert.equal(stdout + stderr, '');
  }
  const status = await env.values('pi');
  assert.equal(value(plain.text, 'roost_mem_total_bytes{node="pi"}'), status['mem.total']);
  assert.equal(value(plain.text, 'roost_cpus{node="pi"}'), status['cpu.count']);
  assert.equal(value(plain.text, 'roost_disk_total_by_mount_bytes{node="pi",mount="/"}'), status['disk.total:/']);
  assert.equal(value(plain.text, 'roost_hub_nodes{state="online"}'), 1);
  assert.equal(value(plain.text, 'roost_node_online{node="pi"}'), 1);
  assert.ok(value(plain.text, 'process_resident_memory_bytes') > 1e6);
  assert.ok(!(await scrape(env)).text.includes('roost_cpu_percent'), 'nodes come on request');

  await env.stopAgent(env.agents.get('pi'));
  await env.state('pi', 'OFFLINE');
  const later = await scrape(env, '/metrics?nodes=*');
  assert.equal(value(later.text, 'roost_node_online{node="pi"}'), 0);
  assert.ok(!later.text.includes('roost_cpu_percent'), 'what is gone has no values');
});

scenario('OpenMetrics comes to who accepts it, and a wrong request gets a clear answer', async (env) => {
  await env.agent('pi');
  const open = await scrape(env, '/metrics?nodes=pi', { accept: 'application/openmetrics-text; version=1.0.0, */*;q=0.1' });
  assert.match(open.type, /^application\/openmetrics-text; version=1\.0\.0/);
  assert.match(open.text, /# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\n/);
  assert.ok(open.text.endsWith('\n# EOF\n'));

  const { stdout } = await env.cli('token', 'new', '--caller', 'prometheus', '--role', 'viewer', '--node', 'other');
  const blind = await scrape(env, '/metrics?nodes', { token: stdout.trim() });
  assert.equal(blind.status, 200);
  assert.ok(!blind.text.includes('"pi"'), 'a token shows its nodes alone');

  assert.equal((await scrape(env, '/metrics', { token: 'nonsense' })).status, 401);
  assert.equal((await fetch(`${env.plainUrl}/metrics`)).status, 401);
  assert.equal((await scrape(env, '/metrics?nodes=nobody')).status, 404);
  assert.equal((await scrape(env, '/metrics?other=1')).status, 400);
  assert.equal((await scrape(env, '/metrics?nodes=%zz')).status, 400);
  assert.equal((await scrape(env, '/metrics', { method: 'POST' })).status, 405);
  assert.equal((await scrape(env, '/metricsx')).status, 404);
});

scenario('a real Prometheus scrapes the hub', async (env) => {
  await env.agent('pi');
  writeFileSync(env.file('token'), await env.token());
  const prometheus = await startPrometheus(env, {
    scrape: `
  - job_name: roost
    scheme: https
    authorization: { credentials_file: ${env.file('token')} }
    tls_config: { ca_file: ${env.data}/tls/ca.pem }
    params: { nodes: ['*'] }
    static_configs: [{ targets: ['127.0.0.1:${env.port}'] }]`,
  });
  const total = await until(async () => (await prometheus.samples('roost_mem_total_bytes{node="pi"}')).at(-1));
  assert.equal(total[1], (await env.values('pi'))['mem.total']);
  const { activeTargets } = await prometheus.ask('targets', {});
  assert.deepEqual(activeTargets.map(({ health, lastError }) => [health, lastError]), [['up', '']]);
  await prometheus.stop();
});

scenario('what Prometheus received by remote write is what the store holds', { hub: false }, async (env) => {
  const port = await freePort();
  env.options = { config: `[remote_write]\nurl = http://127.0.0.1:${port}/api/v1/write\nmetrics = mem.used, net.*, load1\n` };
  await env.open();
  const agent = await env.agent('pi');
  const prometheus = await startPrometheus(env, { port }); // it comes late: the samples wait
  await env.kill(env.hub); // the agent keeps what it takes meanwhile
  await pause(4000);
  await env.startHub();
  await until(async () => (await prometheus.samples('roost_mem_used_bytes{node="pi"}')).length > 8, 60_000 * slow);
  await env.stopAgent(agent);
  await env.state('pi', 'OFFLINE');

  const headers = { 'content-type': 'application/json', authorization: `Bearer ${await env.token()}` };
  const body = JSON.stringify({ select: 'pi', metrics: ['mem.used'], since: new Date(Date.now() - 300_000).toISOString(), raw: true });
  const { series } = await (await fetch(`${env.plainUrl}/roost.v1.Metrics/Query`, { method: 'POST', headers, body })).json();
  const stored = series[0].timeMs.map((time, i) => [Number(time) / 1000, series[0].mean[i]]);
  const received = await until(async () => {
    const samples = await prometheus.samples('roost_mem_used_bytes{node="pi"}');
    return samples.at(-1)?.[0] === stored.at(-1)[0] && samples;
  }, 30_000 * slow);
  // What was in the queue of the hub that was killed may be missing; all else is equal.
  const times = new Set(received.map(([time]) => time));
  assert.deepEqual(received, stored.filter(([time]) => times.has(time)));
  assert.ok(received.length >= stored.length - 10, `${received.length} of ${stored.length}`);
  assert.equal((await prometheus.samples('roost_cpu_percent{node="pi"}')).length, 0, 'only what was wanted');
  await prometheus.stop();
});
