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
const aimed = 60; // at most so many more, at the very moment of the act
const lanes = 5;
const seed = Number(process.env.SEED ?? randomBytes(4).readUInt32LE());

// Counts the SIGUSR1 that it gets; SIGUSR2 comes behind those and says how far it is. Behind a
// SIGHUP the next act kills whoever is named in the file.
const counter = `
import os, signal, sys
count = 0
victim = 0
def on_act(*_):
    global count, victim
    if victim:
        os.kill(victim, signal.SIGKILL)
    victim = 0
    count += 1
def on_aim(*_):
    global victim
    with open(sys.argv[1]) as file:
        victim = int(file.read())
    os.write(1, b"aimed\\n")
def on_ask(*_):
    os.write(1, b"%d\\n" % count)
signal.signal(signal.SIGUSR1, on_act)
signal.signal(signal.SIGUSR2, on_ask)
signal.signal(signal.SIGHUP, on_aim)
os.write(1, b"ready\\n")
while True:
    signal.pause()
`;

class Counter {
  constructor(file = '/dev/null') {
    this.file = file;
    this.proc = spawn('python3', ['-c', counter, file], { stdio: ['ignore', 'pipe', 'inherit'] });
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

  // The next act kills that process as soon as it is felt.
  async aim(pid) {
    const before = this.said.length;
    writeFileSync(this.file, String(pid));
    this.proc.kill('SIGHUP');
    await until(() => this.said.length > before);
  }

  async stop() {
    this.proc.kill('SIGKILL');
    await this.ended;
  }
}

// The same numbers for the same seed (mulberry32), from 0 to 1.
function numbers(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
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
    lane.counter = new Counter(lane.env.file('aim'));
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

  // One act with a kill at that moment (undefined: as it is felt): what it came to, and what
  // was felt of it.
  async point(victim, delayMs) {
    const request = this.request();
    const before = await this.counter.count();
    const proc = victim === 'hub' ? this.env.hub : this.agent.proc;
    if (delayMs === undefined) await this.counter.aim(proc.pid);
    const first = this.ask(roost.Processes, 'Signal', request);
    if (delayMs === undefined) await until(() => !proc.running, patience, `the ${victim} is killed by the act`);
    else await pause(delayMs);
    await this.kill(victim);
    const heard = await first;
    const answer = await this.signal(request);
    const felt = (await this.counter.count()) - before;
    const told = `${victim} killed ${delayMs === undefined ? 'by the act' : `after ${delayMs} ms`}, seed ${seed}: ${JSON.stringify({ heard: heard.code, answer, felt })}`;
    assert.ok(felt === 0 || felt === 1, told);
    if (delayMs === undefined) assert.equal(felt, 1, told);
    if (heard.code === 0) assert.equal(felt, 1, told);
    if (answer.code === 0) assert.equal(felt, 1, told);
    else assert.match(answer.details, /the outcome is not known/, told);
    const { reply: operation } = await this.askUntilAnswered(roost.Acts, 'Get', { operationId: request.operationId });
    assert.equal(operation.state, answer.code === 0 ? 'DONE' : 'UNKNOWN', told);
    const again = await this.signal(request);
    assert.deepEqual([again.code, again.details, again.reply], [answer.code, answer.details, answer.reply], told);
    assert.equal((await this.counter.count()) - before, felt, told);
    return { victim, isAimed: delayMs === undefined, heard: heard.code, code: answer.code, felt };
  }

  async finish() {
    await this.counter.stop();
    await this.env.finish();
  }
}

test('no act is done twice wherever hub or agent are killed, and what is unclear is called so', { timeout: 300_000 * slow }, async (t) => {
  const results = [];
  const random = numbers(seed);
  const work = Array.from({ length: points }, (_, i) => ({ victim: i % 2 ? 'hub' : 'agent', delayMs: random() * 25 }));
  // Killed by the act itself: the hub some times; the agent until its record had not come about.
  const wanted = () => results.some(({ victim, code }) => victim === 'agent' && code !== 0);
  const aims = Array.from({ length: aimed }, (_, i) => ({ victim: i % 10 === 0 ? 'hub' : 'agent' }));
  const next = () => work.shift() ?? (aims.length > aimed - lanes || !wanted() ? aims.shift() : undefined);
  const run = async () => {
    const lane = await Lane.start();
    try {
      for (let point = next(); point; point = next()) results.push(await lane.point(point.victim, point.delayMs));
    } catch (error) {
      lane.env.printLogs();
      throw error;
    } finally {
      await lane.finish();
    }
  };
  await Promise.all(Array.from({ length: lanes }, run));
  assert.ok(results.length > points);
  for (const victim of ['agent', 'hub']) {
    const of = (is) => results.filter((r) => r.victim === victim && is(r)).length;
    t.diagnostic(`${victim}, seed ${seed}: answered before the kill: ${of((r) => r.heard === 0)}, later: ${of((r) => r.heard !== 0 && r.code === 0)}, unclear: ${of((r) => r.code !== 0)} (of which done: ${of((r) => r.code !== 0 && r.felt)}); killed by the act: ${of((r) => r.isAimed)} (unclear: ${of((r) => r.isAimed && r.code !== 0)})`);
  }
  // Killed between the dispatch and the result, and the agent between the act and its record.
  assert.ok(results.filter(({ heard }) => heard !== 0).length >= results.length / 4, 'in between');
  assert.ok(wanted(), 'some outcome was unclear');
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
