// Samples from an agent to the store and back: nothing lost, nothing doubled.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';

import { patience, program, scenario, until } from './lib/env.mjs';

// Rows of `roost query --raw --json`: by time, one node.
async function raw(env, node, metric, ...args) {
  const { stdout } = await env.cli('query', node, metric, '--raw', '--json', ...args);
  return stdout.trim().split('\n').map((line) => JSON.parse(line));
}

// What `roost watch --json` says, as it comes.
function watch(env, node) {
  const proc = env.start(program('roost'), ['watch', node, '--json'], { env: { XDG_CONFIG_HOME: env.file('config') } });
  proc.rows = () =>
    proc.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  return proc;
}

// Rows one second apart: no gap, none twice. An agent's first sample is taken as it
// starts, the others on whole seconds of its host's boot time.
function assertEverySecond(rows) {
  const times = rows.map((row) => Date.parse(row.time));
  for (let i = 1; i < times.length; i++) {
    const step = times[i] - times[i - 1];
    assert.ok((step > 500 || i === 1) && step < 1500, `${rows[i - 1].time} is followed by ${rows[i].time}`);
  }
}

const within = async (env, ms, count) =>
  until(async () => {
    const rows = await raw(env, 'pi', 'uptime', '--since', `${ms}ms`);
    return rows.length >= count && rows;
  }, patience * 2);

scenario('what was watched is what is queried', async (env) => {
  await env.agent('pi');
  await env.values('pi');
  const watcher = watch(env, 'pi');
  await until(() => watcher.rows().length >= 6, patience * 2);
  await watcher.kill();
  env.drop(watcher);
  const seen = watcher.rows().filter((row) => 'cpu' in row);
  const rows = await raw(env, 'pi', 'cpu,mem,uptime', '--since', '5m');
  for (const row of seen) {
    const kept = rows.find((other) => other.time === row.time);
    assert.ok(kept, `${row.time} is not among ${rows.map((other) => other.time)}`);
    for (const metric of ['cpu', 'mem', 'uptime']) assert.equal(kept[metric], row[metric], metric);
  }
  assertEverySecond(rows);

  const answer = await env.json('query', 'pi', 'cpu,mem', '--since', '10m', '--points', '20');
  assert.deepEqual(answer.series.map((one) => one.metric), ['cpu', 'mem']);
  assert.ok(answer.series[0].points.length <= 20);
  const known = answer.series[0].points.filter((point) => point.mean !== null);
  assert.ok(known.length > 0 && known.length < answer.series[0].points.length, 'gaps are told');

  const table = (await env.cli('query', 'pi', 'cpu', 'mem.used', '--since', '2m', '--points', '12')).stdout;
  assert.match(table, /^TIME +cpu % +mem.used [KMGT]iB$/m);
  assert.match(table, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +- +-$/m);
  const csv = (await env.cli('query', 'pi', 'cpu', '--since', '1m', '--csv', '--raw')).stdout.split('\r\n');
  assert.equal(csv[0], 'time,pi cpu (%)');
  assert.match(csv[1], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z,[\d.]*$/);

  const chart = await env.cli('chart', 'pi', 'cpu', '--since', '1m', '--threshold', '50', { env: { LC_ALL: 'C.UTF-8', TZ: 'Europe/Berlin' } });
  assert.match(chart.stdout, /^pi {2}CPU {2}.* CES?T$/m);
  assert.match(chart.stdout, /^100 % ┤/m);
  assert.match(chart.stdout, /[\u2801-\u28ff]/);
  for (const line of chart.stdout.split('\n')) assert.ok(line.length <= 80, line);

  await env.cli('chart', 'pi', 'cpu', '--since', '10m', '-o', 'cpu.png', '--width', '400', '--height', '300', '--scale', '2', '--light');
  const png = readFileSync(env.file('cpu.png'));
  assert.equal(png.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n');
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [800, 600]);

  const storage = await env.json('storage');
  assert.equal(storage.nodes[0].node, 'pi');
  assert.deepEqual(storage.nodes[0].tiers.map((tier) => tier.tier), ['raw', '1m', '15m', '2h']);
  assert.equal(storage.retention.raw, '172800');
  assert.ok(Number(storage.bytes) > 0 && Number(storage.freeBytes) > 0);
  assert.match((await env.cli('storage', 'pi')).stdout, /^NODE .*SIZE/);
});

scenario('what makes no sense to query is told', async (env) => {
  await env.agent('pi');
  const rows = [
    [['query', 'pi', 'nothing.like.it'], 4, /no samples of nothing\.like\.it/],
    [['query', 'nobody', 'cpu'], 4, /nobody/],
    [['query', 'pi', 'cpu', '--since', 'soon'], 2, /is no time/],
    [['query', 'pi', 'cpu', '--since', '1h', '--until', '2h'], 2, /before/],
    [['query', 'pi', 'cpu', '--points', '10001'], 2, /10000/],
    [['query', 'pi', 'cpu', '--csv', '--json'], 2, /one of them/],
    [['query', 'pi'], 2, /missing/],
    [['chart', 'pi', 'cpu,mem.used'], 2, /do not fit into one chart/],
    [['chart', 'pi', 'cpu', '--width', '800'], 2, /needs -o/],
    [['chart', 'pi', 'cpu', '--time-zone', 'Moon/Crater'], 2, /no time zone/],
    [['chart', 'pi', 'cpu', '--threshold', 'high'], 2, /no number/],
    [['chart', 'pi', 'cpu', '--json'], 2, /query/],
    [['storage', 'nobody'], 4, /nobody/],
    [['call', 'hub', 'Metrics/Query', '{"select": "pi", "since": "2026-01-01T00:00:00Z"}'], 67, /no metric is named/],
    [['call', 'hub', 'Metrics/Query', '{"metrics": ["*"]}'], 67, /since is missing/],
    [['call', 'hub', 'Metrics/Query', '{"metrics": ["*"], "since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}'], 67, /since must be before until/],
    [['call', 'hub', 'Metrics/Query', '{"metrics": ["*"], "since": "2026-01-01T00:00:00Z", "points": 10001}'], 67, /at most 10000 points/],
    [['call', 'hub', 'Metrics/Query', '{"metrics": ["*"], "since": "2026-01-01T00:00:00Z", "last_ms": 5}'], 67, /one of them/],
    [['call', 'hub', 'Metrics/Query', '{"metrics": [""], "since": "2026-01-01T00:00:00Z"}'], 67, /1 to 256 bytes/],
    [['call', 'hub', 'Metrics/Query', '{"select": "zz*", "metrics": ["*"], "since": "2026-01-01T00:00:00Z"}'], 69, /zz/],
    [['call', 'pi', 'Host/Samples', '{"durable": {"epoch": 1, "seq": 1}}'], 71, /only the hub/],
  ];
  for (const [args, code, text] of rows) {
    const result = await env.cli(...args, { ok: 'any' });
    assert.equal(result.code, code, `${args}: ${result.stderr}`);
    assert.match(result.stderr, text);
  }
  const viewer = (await env.cli('token', 'new', '--caller', 'bob', '--role', 'viewer', '--node', 'zz*')).stdout.trim();
  const bob = { env: { ROOST_TOKEN: viewer }, ok: 'any' };
  assert.equal((await env.cli('query', 'pi', 'cpu', bob)).code, 4);
  assert.equal((await env.cli('storage', bob)).code, 5);
});

scenario('kill -9 of the hub and an outage of 20 s lose and double nothing', { timeout: 240_000 }, async (env) => {
  await env.agent('pi');
  await env.values('pi');
  await within(env, 60_000, 5);
  await env.restartHub('SIGKILL');
  await env.state('pi', 'ONLINE', 60_000);
  await within(env, 120_000, 10);

  await env.hub.kill('SIGKILL');
  env.drop(env.hub);
  await new Promise((resolve) => setTimeout(resolve, 20_000)); // the outage itself
  await env.startHub();
  await env.state('pi', 'ONLINE', 120_000);
  const rows = await within(env, 300_000, 32);
  assertEverySecond(rows);

  // The clean end: nothing of it is sent again.
  await env.restartHub();
  await env.state('pi', 'ONLINE', 60_000);
  assertEverySecond(await within(env, 400_000, rows.length + 3));
  assert.ok(statSync(env.file('hub', 'roost.db')).size > 0);
});

scenario('samples follow their node to a new name and go with it', async (env) => {
  await env.agent('pi');
  await env.values('pi');
  const before = await within(env, 60_000, 5);
  await env.cli('node', 'rename', 'pi', 'kitchen');
  const after = await until(async () => {
    const rows = await raw(env, 'kitchen', 'uptime', '--since', '60s');
    return rows.length >= before.length + 4 && rows;
  }, patience * 2);
  assertEverySecond(after);
  assert.deepEqual(after.slice(0, before.length).map((row) => row.time), before.map((row) => row.time));
  await env.restartHub();
  await env.state('kitchen', 'ONLINE', 60_000);
  const later = await until(async () => {
    const rows = await raw(env, 'kitchen', 'uptime', '--since', '120s');
    return rows.length >= after.length + 4 && rows;
  }, patience * 2);
  assertEverySecond(later);

  await env.stopAgent(env.agents.get('pi'));
  await env.cli('node', 'remove', '--yes', 'kitchen');
  assert.equal((await env.cli('query', 'kitchen', 'cpu', { ok: [4] })).code, 4);
  await env.agent('kitchen');
  await env.values('kitchen');
  const fresh = await until(async () => {
    const rows = await raw(env, 'kitchen', 'uptime', '--since', '1h');
    return rows.length >= 3 && rows;
  }, patience * 2);
  assert.ok(Date.parse(fresh[0].time) > Date.parse(later.at(-1).time), 'nothing of the node that is gone');
});
