// Acts that are cut short: whoever is killed at whatever moment, nothing is done twice, and
// what is not known is called so.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { Env, patience, pause, scenario, slow, until } from './lib/env.mjs';
import { client, grpc, roost, unary } from './lib/grpc.mjs';

const { status } = grpc;
const points = slow > 1 ? 12 : 100;
const lanes = 5;

// Counts the SIGUSR1 that it gets; SIGUSR2 comes behind those and says how far it is.
const counter = `
import os, signal, sys
count = 0
def on_act(*_):
    global count
    count += 1
def on_ask(*_):
    os.write(1, b"%d\\n" % count)
signal.signal(signal.SIGUSR1, on_act)
signal.signal(signal.SIGUSR2, on_ask)
os.write(1, b"ready\\n")
while True:
    signal.pause()
`;

class Counter {
  constructor() {
    this.proc = spawn('python3', ['-c', counter], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.said = [];
    this.proc.stdout.setEncoding('utf8').on('data', (text) => this.said.push(...text.trim().split('\n')));
    this.ended = new Promise((resolve) => this.proc.once('exit', resolve));
  }

  async ready() {
    await until(() => this.said.length > 0);
  }

  // How many acts it felt: the kernel delivers what was sent before first.
  async count() {
    const before = this.said.length;
    this.proc.kill('SIGUSR2');
    await until(() => this.said.length > before);
    return Number(this.said.at(-1));
  }

  async stop() {
    this.proc.kill('SIGKILL');
    await this.ended;
  }
}

// A hub, an agent and a counter.
class Lane {
  static async start() {
    const lane = new Lane();
    lane.env = await Env.start();
    lane.agent = await lane.env.agent('pi', { settings: '[agent]\ninterval = 60\nbackoff_max = 1\n' });
    writeFileSync(path.join(lane.agent.state, 'policy.conf'), 'allow signal python3*\n', { mode: 0o600 });
    await pause(1100); // the policy is looked at once a second
    lane.fields = { name: 'pi', 'proxy-authorization': `Bearer ${await lane.env.token()}` };
    lane.counter = new Counter();
    await lane.counter.ready();
    return lane;
  }

  request() {
    return { pid: this.counter.proc.pid, signal: 'USR1', operationId: randomBytes(16).toString('hex') };
  }

  // Asks once, on a connection of its own: { code, details, reply }.
  async ask(Service, method, request, ms = 5000 * slow) {
    const stub = client(this.env, Service);
    try {
      return { code: 0, reply: await unary(stub, method, request, this.fields, { deadline: Date.now() + ms }) };
    } catch (error) {
      return { code: error.code, details: error.details };
    } finally {
      stub.close();
    }
  }

  // Asks until somebody answers who has heard it.
  async askUntilAnswered(Service, method, request) {
    let answer;
    await until(async () => {
      answer = await this.ask(Service, method, request);
      return ![status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED].includes(answer.code);
    }, patience, 'an answer');
    return answer;
  }

  signal(request) {
    return this.askUntilAnswered(roost.Processes, 'Signal', request);
  }

  async kill(victim) {
    if (victim === 'hub') {
      await this.env.kill(this.env.hub);
      await this.env.startHub();
    } else {
      await this.env.stopAgent(this.agent, 'SIGKILL');
      await this.env.startAgent(this.agent, false);
    }
  }

  // One act with a kill at that moment: what it came to, and what was felt of it.
  async point(victim, delayMs) {
    const request = this.request();
    const before = await this.counter.count();
    const first = this.ask(roost.Processes, 'Signal', request);
    await pause(delayMs);
    await this.kill(victim);
    const heard = await first;
    const answer = await this.signal(request);
    const felt = (await this.counter.count()) - before;
    const told = `${victim} killed after ${delayMs} ms: ${JSON.stringify({ heard: heard.code, answer, felt })}`;
    assert.ok(felt === 0 || felt === 1, told);
    if (heard.code === 0) assert.equal(felt, 1, told);
    if (answer.code === 0) assert.equal(felt, 1, told);
    else assert.match(answer.details, /the outcome is not known/, told);
    const { reply: operation } = await this.askUntilAnswered(roost.Acts, 'Get', { operationId: request.operationId });
    assert.equal(operation.state, answer.code === 0 ? 'DONE' : 'UNKNOWN', told);
    const again = await this.signal(request);
    assert.deepEqual([again.code, again.details, again.reply], [answer.code, answer.details, answer.reply], told);
    assert.equal((await this.counter.count()) - before, felt, told);
    return { heard: heard.code, code: answer.code, felt };
  }

  async finish() {
    await this.counter.stop();
    await this.env.finish();
  }
}

test('no act is done twice wherever hub or agent are killed, and what is unclear is called so', { timeout: 300_000 * slow }, async (t) => {
  const results = [];
  const work = Array.from({ length: points }, (_, i) => ({ victim: i % 2 ? 'hub' : 'agent', delayMs: ((i * 7) % 50) / 2 }));
  const run = async () => {
    const lane = await Lane.start();
    try {
      for (let next = work.shift(); next; next = work.shift()) results.push(await lane.point(next.victim, next.delayMs));
    } catch (error) {
      lane.env.printLogs();
      throw error;
    } finally {
      await lane.finish();
    }
  };
  await Promise.all(Array.from({ length: lanes }, run));
  assert.equal(results.length, points);
  const count = (is) => results.filter(is).length;
  t.diagnostic(`answered before the kill: ${count((r) => r.heard === 0)}, later: ${count((r) => r.heard !== 0 && r.code === 0)}, unclear: ${count((r) => r.code !== 0)} (of which done: ${count((r) => r.code !== 0 && r.felt)})`);
});

// --- the same operation, asked again ---

scenario('an operation is asked for many times and done once', async (env) => {
  const lane = Object.assign(new Lane(), { env });
  lane.agent = await env.agent('pi', { settings: '[agent]\ninterval = 60\n' });
  writeFileSync(path.join(lane.agent.state, 'policy.conf'), 'allow signal python3*\n', { mode: 0o600 });
  await pause(1100);
  lane.fields = { name: 'pi', 'proxy-authorization': `Bearer ${await env.token()}` };
  lane.counter = new Counter();
  await lane.counter.ready();
  const request = lane.request();
  const answers = await Promise.all(Array.from({ length: 20 }, () => lane.signal(request)));
  for (const { code, reply } of answers) {
    assert.equal(code, 0);
    assert.deepEqual(reply, answers[0].reply);
  }
  assert.equal(await lane.counter.count(), 1);
  const other = await lane.signal({ ...request, signal: 'CONT' });
  assert.equal(other.code, status.INVALID_ARGUMENT);
  const { reply: operation } = await lane.ask(roost.Acts, 'Get', { operationId: request.operationId });
  assert.equal(operation.state, 'DONE');
  assert.equal(operation.method, '/roost.v1.Processes/Signal');
  assert.match(operation.what, /USR1/);
  const none = await lane.ask(roost.Acts, 'Get', { operationId: 'never' });
  assert.equal(none.code, status.NOT_FOUND);
  // A ledger that cannot be written refuses, and says so.
  await lane.counter.stop();
});

// --- a link that breaks between the act and its result ---

async function behindRelay(env) {
  const lane = Object.assign(new Lane(), { env });
  lane.relay = await env.relay();
  const link = await env.linkVia(`127.0.0.1:${lane.relay.port}`, 'pi');
  lane.agent = await env.agent('pi', { link, settings: '[agent]\ninterval = 60\nbackoff_max = 1\n', policy: 'allow signal python3*\n' });
  lane.counter = new Counter();
  await lane.counter.ready();
  lane.relay.delayMs = 1000 * slow; // so long the result of what was felt is under way
  lane.kill = (...words) => env.cli('kill', 'pi', String(lane.counter.proc.pid), '-s', 'USR1', '--yes', ...words, { ok: 'any' });
  return lane;
}

scenario('a signal whose result is lost with the link is sent once, and its sender hears what became of it', async (env) => {
  const lane = await behindRelay(env);
  const asked = lane.kill();
  await until(async () => (await lane.counter.count()) === 1);
  lane.relay.breakAll();
  lane.relay.delayMs = 0;
  const told = await asked;
  assert.equal(told.code, 0, told.stderr);
  assert.match(told.stdout, /USR1/);
  assert.equal(await lane.counter.count(), 1);
  await lane.counter.stop();
});

scenario('a signal whose result stays lost is called not known, and nothing is sent again later', async (env) => {
  const lane = await behindRelay(env);
  const asked = lane.kill('--timeout', `${8 * slow}s`);
  await until(async () => (await lane.counter.count()) === 1);
  const { port } = lane.relay;
  await lane.relay.stop(); // nobody comes in here any more
  const told = await asked;
  assert.notEqual(told.code, 0);
  assert.match(told.stderr, /the outcome is not known/);
  const activity = await until(async () => {
    const { stdout } = await env.cli('activity', '--node', 'pi');
    return /whether it was done is not known/.test(stdout) && stdout;
  });
  assert.match(activity, /Signal/);
  const again = await env.relay();
  await new Promise((resolve) => again.server.close(resolve));
  await new Promise((resolve) => again.server.listen(port, '127.0.0.1', resolve));
  await env.state('pi', 'ONLINE');
  assert.equal(await lane.counter.count(), 1);
  await lane.counter.stop();
});
