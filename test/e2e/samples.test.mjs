// Samples from an agent to the store and back: nothing lost, nothing doubled.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';

import { patience, pause, program, run, scenario, until } from './lib/env.mjs';
import { roost } from './lib/grpc.mjs';
import { handshake, join, serve } from './lib/link.mjs';

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
  await env.agent('pi', { settings: '[agent]\ninterval = 1\nbackoff_max = 2\n' });
  await env.values('pi');
  await within(env, 60_000, 5);
  await env.restartHub('SIGKILL');
  await env.state('pi', 'ONLINE', 60_000);
  await within(env, 120_000, 10);

  await env.hub.kill('SIGKILL');
  env.drop(env.hub);
  await pause(20_000); // the outage itself
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

// Rows as src/wire/sample.h packs them, of one series: [boot time, value], ...
function pack(rows) {
  const bytes = [];
  const varint = (number) => {
    let rest = (number << 1n) ^ (number >> 63n);
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
  };
  let [time, step, value] = [0n, 0n, 0n];
  for (const [at, now] of rows.map((row) => row.map(BigInt))) {
    varint(at - time - step);
    bytes.push(...(now === value ? [0] : [1, 1]));
    if (now !== value) varint(now - value);
    [time, step, value] = [at, at - time, now];
  }
  return Buffer.from(bytes);
}

// An agent of somebody else's making: what it is asked for stands in `asked`.
async function foreignAgent(env, name) {
  const { requestDeserialize, responseSerialize } = roost.Host.service.Samples;
  const { socket } = await handshake(env, await join(env, name), { keep: true });
  const agent = { asked: [], session: serve(socket), streams: 0 };
  agent.session.on('error', () => {});
  agent.session.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
    if (!headers[':path'].endsWith('/Samples')) return;
    agent.streams++;
    agent.stream = stream;
    stream.on('close', () => (agent.closed = agent.streams));
    stream.on('data', (bytes) => {
      for (; bytes.length >= 5; bytes = bytes.subarray(5 + bytes.readUInt32BE(1)))
        agent.asked.push(requestDeserialize(bytes.subarray(5, 5 + bytes.readUInt32BE(1))));
    });
  });
  agent.send = (message) => {
    const body = responseSerialize(message);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(body.length, 1);
    agent.stream.write(Buffer.concat([head, body]));
  };
  await until(() => agent.asked.length > 0);
  return agent;
}

scenario('a boot that is over lies before this one; what is lost is told; nonsense is refused', async (env) => {
  const agent = await foreignAgent(env, 'odd');
  assert.deepEqual([agent.asked[0].start.after.epoch, agent.asked[0].start.after.seq], ['0', '0']);
  const hour = 3_600_000;
  const now = Date.now();
  const metrics = [{ name: 'cpu', unit: '%', scale: 1 }];
  const past = { id: 1, metrics, epoch: '5', bootId: Buffer.alloc(16, 1), intervalMs: 1000 };
  // Its clock is ahead by an hour, as it was then; it booted again a minute ago.
  agent.send({ catalogue: { ...past, boottimeMs: hour, wallMs: now - 2 * hour, nowBoottimeMs: 60_000, nowWallMs: now + hour } });
  agent.send({ rows: { seq: 1, packed: pack([[hour - 2000, 10], [hour - 1000, 20], [hour, 30]]) } });
  const live = { id: 2, metrics, epoch: '6', bootId: Buffer.alloc(16, 2), intervalMs: 1000 };
  agent.send({ catalogue: { ...live, boottimeMs: 60_000 + Date.now() - now, wallMs: Date.now() + hour } });
  agent.send({ lost: { epoch: '6', firstSeq: 1, lastSeq: 4 } });
  agent.send({ rows: { seq: 5, packed: pack([[30_000, 50]]) } }); // half a minute in a spool
  await until(async () => (await env.cli('query', 'odd', 'cpu', '--raw', '--json', '--since', '4h', { ok: 'any' })).stdout.split('\n').length === 5);
  assert.equal('cpu' in (await env.json('status', 'odd')), false, 'what is of a spool is not shown as of now');
  agent.send({ catalogue: { ...live, id: 3, boottimeMs: 60_000 + Date.now() - now, wallMs: 1 } });
  agent.send({ rows: { seq: 6, packed: pack([[60_000 + Date.now() - now, 60]]) } });
  await until(async () => (await env.json('status', 'odd')).cpu === 6);

  const rows = await raw(env, 'odd', 'cpu', '--since', '4h');
  assert.deepEqual(rows.map((row) => row.cpu), [1, 2, 3, 5, 6]);
  const ages = rows.map((row) => Math.round((now - Date.parse(row.time)) / 1000));
  [3 * 3600 + 2, 3 * 3600 + 1, 3 * 3600, 30, 0].forEach((age, i) => assert.ok(Math.abs(ages[i] - age) <= 2, `${ages}`));
  const events = async () => (await env.cli('activity')).stdout;
  assert.match(await events(), /node\.samples_lost +odd +4 samples of odd are lost: its spool was full/);

  agent.send({ rows: { seq: 7, packed: Buffer.from([255, 255]) } });
  await until(() => agent.closed === 1);
  assert.match(await events(), /node\.samples_refused +odd +its samples are refused: its rows are damaged/);
  await until(() => agent.streams === 2, patience * 2);
  assert.equal(agent.asked.at(-1).start.after.seq, '6', 'it goes on behind what is durable');
  agent.session.destroy();
});

scenario('a damaged row of the journal is set aside, and the hub starts', async (env) => {
  await env.agent('pi', { settings: '[agent]\ninterval = 1\n' });
  await within(env, 60_000, 3);
  await env.hub.stop();
  env.drop(env.hub);
  await run('python3', ['-c', `import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE samples_journal SET body = zeroblob(30) WHERE id = (SELECT min(id) FROM samples_journal)")
db.commit()
`, `${env.data}/roost.db`]);
  await env.startHub();
  const [, file] = /row \d+ of the samples' journal is damaged: its 30 bytes are in (\S+),/.exec(env.hub.stderr);
  assert.equal(readFileSync(file).length, 30);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  await env.hub.line(/\d+ samples of pi are missing/);
  await env.state('pi', 'ONLINE');
  await within(env, 3000, 2);
});
