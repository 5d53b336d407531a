// env - a hub, its agents and a command line in a folder of their own
//
//   scenario('a joined agent is listed', async (env) => {  a claimed hub on a free port
//     const agent = await env.agent('pi');                 joined, running, ONLINE
//     const { stdout } = await env.cli('status', 'pi', '--json');
//   });
//
// The real programs of BUILD_DIR (build/) run on loopback. Everything ends with the
// scenario: each program gets SIGTERM, must exit with 0 and must not have said anything
// that a sanitizer says. When the scenario failed, the logs are printed. Nothing here
// sleeps as synchronisation: readiness is read from logs, the rest is asked for until it
// holds. KEEP=1 leaves the folders behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Relay } from './relay.mjs';

export const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const buildDir = path.resolve(top, process.env.BUILD_DIR ?? 'build');
export const protoDir = path.join(top, 'proto');

// Sanitized programs on a busy machine of two cores are slow.
export const slow = /asan|tsan/.test(buildDir) ? 4 : 1;
export const patience = 15_000 * slow;

// What libraries keep to their end is no leak of ours.
const leaks = `suppressions=${path.join(top, 'tools/leaks')}:print_suppressions=0`;

// What a test leaves open must not hold the whole run: its file fails instead. What has
// ended while something kept us from looking (a large folder that is removed) is seen first.
function endWhatLingers() {
  const end = () => {
    const programs = process._getActiveHandles().filter(({ spawnargs }) => spawnargs).map(({ pid, spawnargs }) => `${pid} ${spawnargs.join(' ')}`);
    process.stderr.write(`left open: ${[...process.getActiveResourcesInfo(), ...programs].join(', ')}\n`);
    process.exit(1);
  };
  setTimeout(() => setTimeout(end, 1000).unref(), patience).unref();
}
if (process.env.NODE_TEST_CONTEXT) after(endWhatLingers); // benches have no tests

const sanitizerReport = /ERROR: (Address|Leak|Thread|Undefined)\w*Sanitizer|WARNING: ThreadSanitizer|runtime error:/;

export function program(name) {
  return path.join(buildDir, name);
}

// For what takes its time: samples that are taken, an outage that lasts. Never to wait for
// something to be ready; until() does that.
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Asks fn again until it answers something true, and returns that. What it throws counts
// as "not yet" and is told when time is up.
export async function until(fn, ms = patience, what = fn.toString()) {
  const end = Date.now() + ms;
  let error;
  for (;;) {
    try {
      const answer = await fn();
      if (answer) return answer;
      error = undefined;
    } catch (e) {
      error = e;
    }
    if (Date.now() > end) {
      const why = error ? `: ${error.message}` : '';
      throw new Error(`not within ${ms} ms: ${what}${why}`, { cause: error });
    }
    await pause(25);
  }
}

// Ports that were free a moment ago, all different.
export async function freePorts(count, host = '127.0.0.1') {
  const servers = [];
  for (let i = 0; i < count; i++) {
    const server = net.createServer();
    await new Promise((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
    servers.push(server);
  }
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export async function freePort(host) {
  return (await freePorts(1, host))[0];
}

// One running program: its output so far and its end.
export class Proc {
  constructor(file, args, { env = {}, cwd, name = path.basename(file), wrapper = [] } = {}) {
    this.name = name;
    this.stdout = '';
    this.stderr = '';
    this.code = undefined;
    const [head, ...rest] = [...wrapper, file, ...args];
    this.command = [head, ...rest].join(' ');
    this.child = spawn(head, rest, {
      cwd,
      env: { LSAN_OPTIONS: leaks, ...cleanEnvironment(), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.stdin.on('error', () => {});
    this.child.stdout.setEncoding('utf8').on('data', (text) => (this.stdout += text));
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.stderr += `${error.message}\n`;
        resolve((this.code = 127));
      });
      this.child.once('close', (code, signal) => resolve((this.code = code ?? signal)));
    });
  }

  get pid() {
    return this.child.pid;
  }

  get running() {
    return this.code === undefined;
  }

  // Waits for a line of its output; an end of the program ends the waiting.
  async line(pattern, ms = patience) {
    const find = () => pattern.exec(this.stderr) ?? pattern.exec(this.stdout);
    await until(() => find() || !this.running, ms, `${this.name} says ${pattern}`);
    const match = find();
    assert.ok(match, `${this.name} ended with ${this.code} before it said ${pattern}:\n${this.stderr}`);
    return match;
  }

  kill(signal = 'SIGKILL') {
    if (this.running) this.child.kill(signal);
    return this.ended;
  }

  // The clean end: SIGTERM, exit status 0, no report of a sanitizer.
  async stop() {
    if (this.running) this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), patience);
    const code = await this.ended;
    clearTimeout(late);
    this.checkReports();
    assert.equal(code, 0, `${this.name} ended with ${code}:\n${this.stderr.slice(-4000)}`);
  }

  checkReports() {
    assert.ok(!sanitizerReport.test(this.stderr), `${this.name}:\n${this.stderr.slice(0, 8000)}`);
  }
}

// What a developer has set must not reach the programs under test.
function cleanEnvironment() {
  const kept = {};
  for (const [name, value] of Object.entries(process.env))
    if (!/^(ROOST_|AGENT_|XDG_|SSL_CERT|SSL_KEY|LOG_LEVEL$|PORT$|BOT_TOKEN$|TELEGRAM_API_URL$|HTTP_LISTEN_ADDR$|GRPC_LISTEN_ADDR$|https?_proxy$|HTTPS?_PROXY$|NODE_|NOTIFY_SOCKET$)/.test(name))
      kept[name] = value;
  return kept;
}

// Runs a program to its end. Throws unless the exit status is one of `ok`.
export async function run(file, args, { ok = [0], input, ms = patience, ...options } = {}) {
  const proc = new Proc(file, args, options);
  proc.child.stdin.end(input ?? '');
  const late = setTimeout(() => proc.kill(), ms);
  const code = await proc.ended;
  clearTimeout(late);
  proc.checkReports();
  const result = { code, stdout: proc.stdout, stderr: proc.stderr };
  if (ok !== 'any')
    assert.ok(ok.includes(code), `${proc.command}\nended with ${code}:\n${proc.stdout}${proc.stderr}`);
  return result;
}

// A test with a hub of its own. Options: those of Env.start; skip: a reason; timeout.
export function scenario(name, options, body) {
  if (typeof options === 'function') [options, body] = [{}, options];
  const { skip, timeout = 120_000 * slow, ...envOptions } = options;
  return test(name, { skip, timeout }, async (t) => {
    const env = new Env(envOptions);
    try {
      await env.open();
      await body(env, t);
    } catch (error) {
      env.printLogs();
      await env.finish().catch(() => {});
      throw error;
    }
    await env.finish();
  });
}

export class Env {
  // For several tests that share one hub: call finish() in after(). Options: hubArgs
  // (more arguments of roostd), hubEnv, config (text of roost.conf), wrapper (a command
  // that runs the programs, such as ip netns exec); claim: false leaves the hub
  // unclaimed; hub: false starts none.
  static async start(options = {}) {
    const env = new Env(options);
    try {
      await env.open();
    } catch (error) {
      env.printLogs();
      await env.finish().catch(() => {});
      throw error;
    }
    return env;
  }

  async open() {
    if (this.options.hub === false) return;
    await this.startHub();
    if (this.options.claim !== false) await this.claim();
  }

  constructor(options) {
    this.options = options;
    this.folder = mkdtempSync(path.join(os.tmpdir(), 'roost-test-'));
    this.data = path.join(this.folder, 'hub');
    this.procs = [];
    this.relays = [];
    this.agents = new Map();
    this.hub = undefined;
  }

  file(...parts) {
    return path.join(this.folder, ...parts);
  }

  // Starts a program that ends with the test.
  start(file, args, options) {
    const proc = new Proc(file, args, { cwd: this.folder, ...options });
    this.procs.push(proc);
    return proc;
  }

  // A TCP relay to the hub (or to another port) that ends with the test.
  async relay(port = this.port) {
    const relay = await Relay.start({ port });
    this.relays.push(relay);
    return relay;
  }

  get url() {
    return `https://127.0.0.1:${this.port}`;
  }

  get plainUrl() {
    return `http://127.0.0.1:${this.plainPort}`;
  }

  // Starts the hub on its ports; again after it was stopped or killed.
  async startHub() {
    const [port, plainPort] = await freePorts(2);
    this.port ??= port;
    this.plainPort ??= plainPort;
    const args = ['--data', this.data, '--listen', `127.0.0.1:${this.port}`];
    args.push('--listen-plain', `127.0.0.1:${this.plainPort}`);
    if (this.options.config !== undefined) {
      writeFileSync(this.file('roost.conf'), this.options.config);
      args.push('--config', this.file('roost.conf'));
    }
    args.push(...(this.options.hubArgs ?? []));
    this.hub = this.start(program('roostd'), args, { env: { UDP_TEST_PORT: '0', ...this.options.hubEnv }, wrapper: this.options.wrapper });
    await this.hub.line(/ready on/);
    return this.hub;
  }

  async restartHub(signal = 'SIGTERM') {
    if (signal === 'SIGTERM') await this.hub.stop();
    else await this.hub.kill(signal);
    this.drop(this.hub);
    return this.startHub();
  }

  // The end that nobody asked for.
  async kill(proc, signal = 'SIGKILL') {
    await proc.kill(signal);
    this.drop(proc);
  }

  drop(proc) {
    this.procs = this.procs.filter((other) => other !== proc);
  }

  async claimCode() {
    const { stdout } = await run(program('roostd'), ['claim', '--data', this.data]);
    return stdout.trim();
  }

  async claim() {
    await this.cli('login', this.url, '--code', await this.claimCode());
  }

  // roost ARGS: answers { code, stdout, stderr }; options as in run().
  cli(...args) {
    const options = typeof args.at(-1) === 'object' ? args.pop() : {};
    return run(program('roost'), args, {
      cwd: this.folder,
      wrapper: this.options.wrapper,
      ...options,
      env: { XDG_CONFIG_HOME: this.file('config'), NO_COLOR: '1', ...options.env },
    });
  }

  async json(...args) {
    return JSON.parse((await this.cli(...args, '--json')).stdout);
  }

  // The token that `roost login` keeps, for other clients.
  async token() {
    const { stdout } = await this.cli('config', 'get', 'token');
    return stdout.trim();
  }

  async link(name, ...args) {
    return (await this.cli('token', 'new', name, ...args)).stdout.trim();
  }

  // The same with another address (HOST:PORT, and more of them apart by commas) in it.
  async linkVia(address, name, ...args) {
    return (await this.link(name, ...args)).replace(`127.0.0.1:${this.port}`, address);
  }

  // Joins and runs an agent (policy: what its host allows), and waits until the hub has it ONLINE.
  async agent(name, { link, settings = '[agent]\ninterval = 1\n', policy, online = true, ...options } = {}) {
    const state = this.file(`agent-${name}`);
    options = { wrapper: this.options.wrapper, ...options };
    const agent = { name, state, proc: undefined, options };
    this.agents.set(name, agent);
    await run(program('roost-agent'), ['join', link ?? (await this.link(name)), '--state', state], options);
    if (settings) appendSettings(path.join(state, 'agent.conf'), settings);
    if (policy !== undefined) writeFileSync(path.join(state, 'policy.conf'), policy, { mode: 0o600 });
    await this.startAgent(agent, online);
    return agent;
  }

  async startAgent(agent, online = true) {
    agent.proc = this.start(program('roost-agent'), ['run', '--state', agent.state], {
      ...agent.options,
      name: `roost-agent ${agent.name}`,
    });
    if (online) await this.state(agent.name, 'ONLINE');
    return agent.proc;
  }

  async stopAgent(agent, signal = 'SIGTERM') {
    if (signal === 'SIGTERM') await agent.proc.stop();
    else await agent.proc.kill(signal);
    this.drop(agent.proc);
  }

  // The node as the hub describes it.
  async node(name) {
    return this.json('node', name);
  }

  // Waits until the node is in the state, and answers the node.
  state(name, wanted, ms = patience) {
    return until(
      async () => {
        const node = await this.node(name);
        return node.state === wanted && node;
      },
      ms,
      `${name} is ${wanted}`,
    );
  }

  // The node's latest values by metric name, once it has some.
  values(name, ms = patience) {
    return until(
      async () => {
        const status = await this.json('status', name);
        return 'cpu' in status && status;
      },
      ms,
      `${name} has values`,
    );
  }

  // The end of the test: agents first, the hub last, everything clean.
  async finish() {
    const problems = [];
    for (const proc of [...this.procs].reverse()) {
      try {
        await proc.stop();
      } catch (error) {
        problems.push(error);
      }
    }
    for (const relay of this.relays) await relay.stop();
    if (process.env.KEEP) process.stderr.write(`kept: ${this.folder}\n`);
    else rmSync(this.folder, { recursive: true, force: true });
    if (problems.length) throw problems[0];
  }

  printLogs() {
    for (const proc of this.procs) {
      process.stderr.write(`--- ${proc.command} (${proc.running ? 'running' : proc.code})\n`);
      process.stderr.write(proc.stderr.slice(-6000));
    }
  }
}


// Puts lines of settings into an INI file, below its section when that is there.
function appendSettings(file, text) {
  const { section, lines } = splitSection(text);
  const old = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const at = old.indexOf(`[${section}]`);
  if (at < 0) {
    writeFileSync(file, `${old}\n[${section}]\n${lines}`);
    return;
  }
  const end = old.indexOf('\n', at) + 1;
  writeFileSync(file, old.slice(0, end) + lines + old.slice(end));
}

function splitSection(text) {
  const match = /^\[([\w -]+)\]\n([\s\S]*)$/.exec(text);
  assert.ok(match, `settings begin with a section: ${text}`);
  return { section: match[1], lines: match[2] };
}
