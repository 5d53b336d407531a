// The main road: a hub, an agent that dials in, people and programs that look.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { buildDir, run, scenario, slow, top, until } from './lib/env.mjs';
import { client, grpc, health, listServices, metadata, reflection, roost, unary } from './lib/grpc.mjs';

scenario('a joined agent is listed and its figures agree with independent tools', async (env) => {
  await env.agent('pi');
  const { nodes } = await env.json('nodes');
  assert.equal(nodes.length, 1);
  assert.equal(nodes[0].name, 'pi');
  assert.equal(nodes[0].state, 'ONLINE');

  const status = await env.values('pi');
  const total = Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))[1]) * 1024;
  assert.equal(status['mem.total'], total);
  assert.equal(status['cpu.count'], Number(execFileSync('nproc', ['--all']).toString()));
  assert.ok(Math.abs(status.uptime - os.uptime()) < 30, `uptime ${status.uptime}`);
  assert.ok(Math.abs(status.load1 - os.loadavg()[0]) < 1, `load1 ${status.load1}`);
  const used = execFileSync('df', ['--output=used', '-B1', '/']).toString().trim().split('\n')[1];
  assert.ok(Math.abs(status['disk.used:/'] - Number(used)) < 200e6, `disk.used ${status['disk.used:/']}`);
});

scenario('grpc-js lists services, calls the hub, and calls the agent through it', async (env) => {
  await env.agent('pi');
  const authorization = `Bearer ${await env.token()}`;

  for (const version of ['v1', 'v1alpha']) {
    const services = await listServices(client(env, reflection[version].ServerReflection), { authorization });
    assert.ok(services.includes('roost.v1.Nodes'), services.join());
  }
  const nodes = await unary(client(env, roost.Nodes), 'list', {}, { authorization });
  assert.deepEqual(nodes.nodes.map((node) => [node.name, node.state]), [['pi', 'ONLINE']]);

  const host = await unary(client(env, roost.Host), 'describe', {}, { authorization, name: 'pi' });
  assert.equal(host.hostname, os.hostname());
  const here = await listServices(client(env, reflection.v1.ServerReflection), { authorization, name: 'pi' });
  assert.ok(here.includes('roost.v1.Host') && !here.includes('roost.v1.Nodes'), here.join());

  const well = await unary(client(env, health.Health), 'check', { service: 'roost.v1.Nodes' });
  assert.equal(well.status, 'SERVING');
});

scenario('status codes say what is wrong', async (env) => {
  await env.agent('pi');
  const authorization = `Bearer ${await env.token()}`;
  const nodes = client(env, roost.Nodes);
  const code = async (promise) => (await promise.then(() => ({ code: 0 }), (error) => error)).code;

  assert.equal(await code(unary(nodes, 'list', {})), grpc.status.UNAUTHENTICATED);
  assert.equal(await code(unary(nodes, 'get', { node: 'nobody' }, { authorization })), grpc.status.NOT_FOUND);
  const host = client(env, roost.Host);
  assert.equal(await code(unary(host, 'describe', {}, { authorization, name: 'nobody' })), grpc.status.NOT_FOUND);
  assert.equal(await code(unary(host, 'describe', {}, { authorization })), grpc.status.UNIMPLEMENTED);
  await env.stopAgent(env.agents.get('pi'));
  await env.state('pi', 'OFFLINE');
  const gone = await unary(host, 'describe', {}, { authorization, name: 'pi' }).catch((error) => error);
  assert.equal(gone.code, grpc.status.UNAVAILABLE);
  assert.match(gone.details, /last seen \d{4}-/);
});

scenario('curl gets the same as JSON on HTTP/1.1 and HTTP/2', async (env) => {
  await env.agent('pi');
  const token = await env.token();
  const ca = path.join(env.data, 'tls', 'ca.pem');
  const curl = async (...args) =>
    (await run('curl', ['-sS', '--cacert', ca, '-w', '\n%{http_code} %{http_version}', ...args])).stdout.split('\n');
  const json = ['-H', 'content-type: application/json', '-H', `authorization: Bearer ${token}`, '-d', '{}'];

  for (const [flag, version] of [['--http1.1', '1.1'], ['--http2', '2']]) {
    const [body, status] = await curl(flag, ...json, `${env.url}/roost.v1.Nodes/List`);
    assert.equal(status, `200 ${version}`);
    assert.equal(JSON.parse(body).nodes[0].name, 'pi');
    const [host] = await curl(flag, ...json, '-H', 'name: pi', `${env.url}/roost.v1.Host/Describe`);
    assert.equal(JSON.parse(host).hostname, os.hostname());

    const refused = async (...args) => (await curl(flag, ...args)).at(-1).split(' ')[0];
    assert.equal(await refused('-H', `authorization: Bearer ${token}`, `${env.url}/roost.v1.Nodes/List`), '405');
    assert.equal(await refused(...json, '-H', 'origin: https://evil.example', `${env.url}/roost.v1.Nodes/List`), '403');
    assert.equal(await refused(...json, '-H', 'sec-fetch-site: cross-site', `${env.url}/roost.v1.Nodes/List`), '403');
    assert.equal(await refused('-H', 'content-type: application/json', '-d', '{}', `${env.url}/roost.v1.Nodes/List`), '401');
    assert.equal(await refused('-H', 'content-type: text/plain', '-d', '{}', `${env.url}/roost.v1.Nodes/List`), '415');
  }
});

scenario('no credential of the hub arrives at the agent, others pass untouched', async (env) => {
  const { startBackend } = await import('./lib/link.mjs');
  const backend = await startBackend(env, 'tap');
  const token = await env.token();
  const host = client(env, roost.Host);

  await unary(host, 'describe', {}, { authorization: `Bearer ${token}`, name: 'tap', cookie: 'a=b', 'roost-user': 'mallory' });
  const first = backend.seen.at(-1);
  assert.ok(!('authorization' in first) && !('proxy-authorization' in first) && !('cookie' in first), JSON.stringify(first));
  assert.notEqual(first['roost-user'], 'mallory');
  await unary(host, 'describe', {}, { 'proxy-authorization': `Bearer ${token}`, authorization: 'Bearer of-the-back-end', name: 'tap' });
  assert.equal(backend.seen.at(-1).authorization, 'Bearer of-the-back-end');
  assert.ok(!JSON.stringify(backend.seen).includes(token));
  const link = await unary(client(env, roost.Link), 'trust', { pins: ['A'.repeat(43)] }, { authorization: `Bearer ${token}`, name: 'tap' }).catch((error) => error);
  assert.equal(link.code, grpc.status.PERMISSION_DENIED);
  backend.close();
});

scenario('the bytes after the 101 are plain HTTP/2', async (env) => {
  const { rawLink } = await import('./lib/link.mjs');
  const { head, rest } = await rawLink(env, 'raw');
  assert.match(head, /^HTTP\/1\.1 101 /);
  assert.match(head.toLowerCase(), /upgrade: ptth/);
  assert.match(head.toLowerCase(), /alpn: h2/);
  assert.equal(rest.subarray(0, 24).toString(), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
});

scenario('kill -9 of hub and agent: everything is back, and told once', async (env) => {
  const agent = await env.agent('pi');
  await env.restartHub('SIGKILL');
  await env.state('pi', 'ONLINE', 10_000);
  await env.stopAgent(agent, 'SIGKILL');
  const node = await env.state('pi', 'OFFLINE', 30_000);
  assert.ok(Date.now() - Date.parse(node.lastSeen) < 60_000, node.lastSeen);
  await env.startAgent(agent);

  const { events } = await env.json('activity');
  const count = (kind) => events.filter((event) => event.kind === kind && event.node === 'pi').length;
  assert.equal(count('node.registered'), 3);
  assert.equal(count('node.unregistered'), 1);
});

scenario('a second link of the same instance takes over at once', async (env) => {
  const agent = await env.agent('pi');
  const before = await env.node('pi');
  agent.proc.child.kill('SIGSTOP');
  const second = env.start(agent.proc.command.split(' ')[0], ['run', '--state', agent.state], { name: 'second' });
  const after = await until(async () => {
    const node = await env.node('pi');
    return BigInt(node.generation) > BigInt(before.generation) && node;
  });
  assert.equal(after.state, 'ONLINE');
  agent.proc.child.kill('SIGCONT');
  await second.stop();
});

// Busy and whole time of each line of /proc/stat: cpu, cpu0, cpu1, ...
function readStat() {
  const times = {};
  for (const line of readFileSync('/proc/stat', 'utf8').split('\n')) {
    const [name, ...rest] = line.split(/\s+/);
    if (!name.startsWith('cpu')) break;
    const [user, nice, system, idle, iowait, irq, softirq, steal] = rest.map(Number);
    const whole = user + nice + system + idle + iowait + irq + softirq + steal;
    times[name] = { busy: whole - idle - iowait, whole };
  }
  return times;
}

// How busy it was between two moments, as the nearest readings tell.
function busyBetween(readings, name, from, to) {
  const near = (time) => readings.reduce((best, one) => (Math.abs(one.time - time) < Math.abs(best.time - time) ? one : best)).times[name];
  const [a, b] = [near(from), near(to)];
  return (100 * (b.busy - a.busy)) / (b.whole - a.whole);
}

scenario('one busy core shows as much load as /proc/stat has over the same second', async (env) => {
  await env.agent('pi');
  await env.values('pi');
  const core = os.cpus().length - 1;
  const loop = env.start('taskset', ['-c', String(core), process.execPath, '-e', 'const end = Date.now() + 60e3; while (Date.now() < end);'], { name: 'busy loop' });
  const readings = [];
  const reader = setInterval(() => readings.push({ time: Date.now(), times: readStat() }), 20);
  const samples = [];
  const fields = metadata({ authorization: `Bearer ${await env.token()}` });
  const stream = client(env, roost.Metrics).watch({ select: 'pi', metrics: ['cpu', 'cpu:*'] }, fields);
  stream.on('error', () => {});
  stream.on('data', ({ time, values }) => samples.push({ time: Number(time.seconds) * 1e3 + time.nanos / 1e6, values }));
  try {
    await until(() => samples.length >= 7, 20_000 * slow, 'seven samples');
  } finally {
    clearInterval(reader);
    stream.cancel();
    await env.kill(loop);
  }

  // The first may be from before the loop and the readings.
  const rows = samples.slice(2).map(({ time, values }) => {
    const busy = (name) => busyBetween(readings, name, time - 1000, time);
    return { cpu: values.cpu, wanted: busy('cpu'), core: values[`cpu:${core}`], wantedCore: busy(`cpu${core}`) };
  });
  const mean = (name) => rows.reduce((sum, row) => sum + row[name], 0) / rows.length;
  for (const row of rows) assert.ok(Math.abs(row.cpu - row.wanted) < 12 && row.core > 85, JSON.stringify(rows));
  assert.ok(Math.abs(mean('cpu') - mean('wanted')) < 4, JSON.stringify(rows));
  assert.ok(Math.abs(mean('core') - mean('wantedCore')) < 4, JSON.stringify(rows));
  assert.ok(mean('cpu') >= 100 / os.cpus().length - 4, JSON.stringify(rows));
});

// An agent whose host is a copy of a recorded tree.
async function recordedAgent(env, tree, more = '', variables = {}) {
  const root = env.file(tree);
  cpSync(path.join(top, 'test', 'trees', tree), root, { recursive: true });
  await env.agent(tree, { settings: `[agent]\ninterval = 1\nroot = ${root}\n${more}`, env: variables });
  await until(async () => Object.keys(await env.json('status', tree)).length > 5, undefined, `${tree} has values`);
  return {
    put: (file, text) => writeFileSync(path.join(root, file), text),
    // How long it takes until the status is so: an interval, and what the way takes.
    async shows(wanted) {
      const started = Date.now();
      const isSo = async () => {
        const status = await env.json('status', tree);
        return Object.entries(wanted).every(([name, value]) => status[name] === value);
      };
      await until(isSo, 10_000, `${tree} shows ${JSON.stringify(wanted)}`);
      const took = Date.now() - started;
      assert.ok(took < 1000 + 700 * slow, `${JSON.stringify(wanted)} took ${took} ms`);
    },
  };
}

scenario('a throttle bit that is set shows within one interval', async (env) => {
  const old = await recordedAgent(env, 'rpi4');
  const bits = 'sys/devices/platform/soc/soc:firmware/get_throttled';
  await old.shows({ throttle: 0, 'throttle.undervoltage': 0, 'throttle.throttled_seen': 0 });
  old.put(bits, '50005\n');
  await old.shows({ throttle: 1, 'throttle.undervoltage': 1, 'throttle.throttled': 1, 'throttle.freq_capped': 0, 'throttle.undervoltage_seen': 1, 'throttle.throttled_seen': 1 });
  old.put(bits, '50000\n');
  await old.shows({ throttle: 0, 'throttle.undervoltage': 0, 'throttle.throttled': 0, 'throttle.undervoltage_seen': 1 });
  assert.equal((await env.json('call', 'rpi4', 'Host/Describe')).hardware, 'Raspberry Pi 4 Model B Rev 1.4');

  const newer = await recordedAgent(env, 'rpi5');
  await newer.shows({ throttle: 0, 'throttle.undervoltage': 0 });
  newer.put('sys/class/hwmon/hwmon3/in0_lcrit_alarm', '1\n');
  await newer.shows({ throttle: 1, 'throttle.undervoltage': 1 });

  // Events of x86 are told once: 1 in the sample behind them, 0 in the next.
  const pc = await recordedAgent(env, 'x86');
  await pc.shows({ throttle: 0, 'throttle.events': 0 });
  const counter = 'sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count';
  pc.put(counter, String(Number(readFileSync(path.join(top, 'test/trees/x86', counter), 'utf8')) + 3));
  await pc.shows({ throttle: 1, 'throttle.events': 3 });
  await pc.shows({ throttle: 0, 'throttle.events': 0 });
});

scenario('GPUs: AMD by its driver, NVIDIA by its library', async (env) => {
  const amd = await recordedAgent(env, 'amdgpu');
  const card = 'sys/class/drm/card0/device';
  amd.put(`${card}/gpu_busy_percent`, '87\n');
  amd.put(`${card}/mem_info_vram_used`, '1073741824\n');
  amd.put(`${card}/hwmon/hwmon3/temp1_input`, '81000\n');
  await amd.shows({ 'gpu:0': 87, 'vram.used:0': 1073741824, 'temp.gpu:0': 81 });

  // Load, memory used and there, degrees, milliwatts: a line for each GPU.
  const figures = env.file('gpus');
  writeFileSync(figures, '10 1000000000 8000000000 50 60000\n');
  const library = path.join(buildDir, 'src', 'agent', 'fake_nvml.so');
  const nvidia = await recordedAgent(env, 'nvidia', `[gpu]\nnvml = ${library}\n`, { FAKE_NVML: figures });
  await nvidia.shows({ gpu: 10, 'vram.used': 1e9, 'vram.total': 8e9, 'temp.gpu': 50, 'gpu.power': 60 });
  writeFileSync(figures, '99 7000000000 8000000000 93 350000\n');
  await nvidia.shows({ gpu: 99, vram: 87.5, 'temp.gpu': 93, 'gpu.power': 350 });
});
