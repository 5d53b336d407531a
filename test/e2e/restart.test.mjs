// Planned restarts: a hub and an agent that are restarted under a steady load of calls
// fail none of them; killed ones end calls at once.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { pause, program, run, scenario, slow, until } from './lib/env.mjs';
import { client, grpc, health, metadata, unary } from './lib/grpc.mjs';
import { Lab, LabServer } from './lib/lab.mjs';

// Calls one after the other on some channels, several at once on each, until it is stopped:
// of the agent itself, or of a server behind it.
class Load {
  constructor(env, token, { channels = 4, streams = 1, node = 'pi', lab = false } = {}) {
    this.what = lab ? [Lab, 'Say', { text: 'hello', payload: Buffer.alloc(2000) }] : [health.Health, 'Check', {}];
    this.done = 0;
    this.failed = [];
    this.slowest = 0;
    this.running = true;
    this.stubs = Array.from({ length: channels }, () => client(env, this.what[0]));
    this.loops = this.stubs.flatMap((stub) => Array.from({ length: streams }, () => this.run(stub, token, node)));
  }

  async run(stub, token, node) {
    const [, method, request] = this.what;
    while (this.running) {
      const start = Date.now();
      try {
        await unary(stub, method, request, { authorization: `Bearer ${token}`, name: node }, { deadline: Date.now() + 20_000 });
        this.done++;
      } catch (error) {
        this.failed.push(`${error.code} ${error.details}`);
      }
      this.slowest = Math.max(this.slowest, Date.now() - start);
    }
  }

  // As many calls as count says are answered from now on.
  async more(count) {
    const goal = this.done + count;
    await until(() => this.done + this.failed.length >= goal, 30_000 * slow);
  }

  async stop() {
    this.running = false;
    await Promise.all(this.loops);
    for (const stub of this.stubs) stub.close();
    return this;
  }
}

// The process that serves after `roostd restart`; the environment ends it.
async function restart(env) {
  const { stdout } = await run(program('roostd'), ['restart', '--data', env.data]);
  const [, pid, old] = /process (\d+) has taken over from (\d+)/.exec(stdout).map(Number);
  assert.notEqual(pid, old);
  env.adopted ??= [];
  env.adopted.push(pid);
  return pid;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function endAdopted(env) {
  for (const pid of env.adopted ?? []) {
    if (isAlive(pid)) process.kill(pid, 'SIGTERM');
    await until(() => !isAlive(pid), 20_000 * slow, `${pid} ends`);
  }
}

scenario('roostd restart fails no call, and samples go on', async (env) => {
  await env.agent('pi');
  await env.values('pi');
  const load = new Load(env, await env.token());
  await load.more(200);
  try {
    for (let i = 0; i < 3; i++) {
      await restart(env);
      await load.more(200);
    }
    await until(() => !isAlive(env.hub.child.pid), 40_000 * slow, 'the first process ends');
    await load.stop();
    console.log(`${load.done} calls over three restarts, the slowest took ${load.slowest} ms`);
    assert.deepEqual(load.failed, []);
    await env.state('pi', 'ONLINE');
    const before = (await env.json('status', 'pi')).time;
    await until(async () => (await env.json('status', 'pi')).time !== before);
  } finally {
    await load.stop();
    await endAdopted(env);
  }
});

// A stream of a node that ends only with its connection.
function watch(env, token) {
  const stub = client(env, health.Health);
  const stream = stub.Watch({}, metadata({ authorization: `Bearer ${token}`, name: 'pi' }));
  const state = { messages: 0, error: undefined, stub };
  stream.on('data', () => state.messages++);
  stream.on('error', (error) => (state.error = error));
  return state;
}

scenario('streams outlive roostd restart while the process before them drains', async (env) => {
  await env.agent('pi');
  const stream = watch(env, await env.token());
  await until(() => stream.messages > 0);
  try {
    await restart(env);
    await env.state('pi', 'ONLINE');
    const late = watch(env, await env.token());
    await until(() => late.messages > 0);
    assert.ok(isAlive(env.hub.child.pid), 'the old process leads the stream on');
    assert.equal(stream.error, undefined);
    env.hub.child.kill('SIGKILL');
    await until(() => stream.error, 5000 * slow);
    assert.equal(stream.error.code, grpc.status.UNAVAILABLE);
    assert.equal(late.error, undefined);
    late.stub.close();
  } finally {
    stream.stub.close();
    await endAdopted(env);
    env.drop(env.hub); // it ended by our signal, with what it shared with its successor
  }
});

scenario('a restart that cannot be changes nothing', { config: '[limits]\nidle = 60s\n' }, async (env) => {
  await env.agent('pi');
  const load = new Load(env, await env.token(), { channels: 1 });
  const conf = env.file('roost.conf');
  writeFileSync(conf, '[limits]\nidle = never\n');
  const refused = await run(program('roostd'), ['restart', '--data', env.data], { ok: [1] });
  assert.match(refused.stderr, /the new process ended with status 2; its log says why; the hub goes on as it was/);
  await load.more(50);
  writeFileSync(conf, '[limits]\nidle = 60s\n');
  try {
    await restart(env); // and a later one is none the worse
    await load.more(50);
    await load.stop();
    assert.deepEqual(load.failed, []);
  } finally {
    await load.stop();
    await endAdopted(env);
  }
});

scenario('roostd restart without a hub says so', { claim: false }, async (env) => {
  await env.hub.stop();
  env.drop(env.hub);
  const { stderr } = await run(program('roostd'), ['restart', '--data', env.data], { ok: [1] });
  assert.match(stderr, /no roostd uses this data folder/);
  assert.ok(existsSync(env.file('hub', 'lock')));
});

scenario('an agent that is restarted fails no call', async (env) => {
  const agent = await env.agent('pi');
  const load = new Load(env, await env.token());
  await load.more(200);
  for (let i = 0; i < 3; i++) {
    await env.stopAgent(agent);
    await env.startAgent(agent, false);
    await load.more(200);
  }
  await load.stop();
  console.log(`${load.done} calls over three restarts, the slowest took ${load.slowest} ms`);
  assert.deepEqual(load.failed, []);
});

// What the failed calls ended with, and how long after the kill.
async function failedWithin(stream, ms) {
  const killed = Date.now();
  await until(() => stream.error, ms);
  assert.equal(stream.error.code, grpc.status.UNAVAILABLE);
  stream.stub.close();
  return Date.now() - killed;
}

scenario('kill -9 of an agent or of the hub ends calls in flight at once', async (env) => {
  const agent = await env.agent('pi');
  const token = await env.token();
  for (const victim of ['agent', 'hub']) {
    const streams = Array.from({ length: 20 }, () => watch(env, token));
    await until(() => streams.every((stream) => stream.messages > 0));
    if (victim === 'agent') await env.stopAgent(agent, 'SIGKILL');
    else await env.kill(env.hub);
    for (const stream of streams) await failedWithin(stream, 1000 * slow);
    if (victim === 'agent') await env.startAgent(agent);
  }
  await env.startHub();
});

scenario('restarts of hub and agent fail no call of a server behind the agent', async (env) => {
  const lab = await LabServer.start();
  const agent = await env.agent('pi', { settings: `[expose lab]\naddress = ${lab.address}\n` });
  const load = new Load(env, await env.token(), { channels: 4, streams: 8, lab: true });
  try {
    await load.more(500);
    await restart(env);
    await load.more(500);
    await env.stopAgent(agent);
    await env.startAgent(agent, false);
    await load.more(500);
    await load.stop();
    console.log(`${load.done} calls, the slowest took ${load.slowest} ms`);
    assert.deepEqual(load.failed, []);
  } finally {
    await load.stop();
    await endAdopted(env);
    await lab.kill();
  }
});
