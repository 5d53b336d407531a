// What changes while hub and agent run: settings by SIGHUP, and a join beside an agent.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';

import { Env, program, run, scenario, until } from './lib/env.mjs';
import { connect, leaf, makeCert } from './lib/tls.mjs';

// Sends SIGHUP and answers what is logged about it.
async function hangup(proc) {
  const before = proc.stderr.length;
  proc.child.kill('SIGHUP');
  await until(() => /the settings were read anew|the settings in use stay/.test(proc.stderr.slice(before)));
  return proc.stderr.slice(before);
}

const withFile = { config: '[log]\nlevel = info\n' };

// Writes the hub's settings file and makes the hub read it.
async function change(env, text) {
  writeFileSync(env.file('roost.conf'), text);
  return hangup(env.hub);
}

// --- the hub ---

scenario('the hub tells what has changed, and what takes a restart', withFile, async (env) => {
  assert.doesNotMatch(await change(env, withFile.config), /has changed/);
  const log = await change(env, `[hub]\nlisten_plain = 127.0.0.1:1\naddress = hub.example:1\n[limits]\nhead = 3\n[remote_write]\ntoken = 1:a\n`);
  const told = [...log.matchAll(/info: (\[\w+\] \w+ has changed.*)/g)].map((match) => match[1]);
  assert.deepEqual(told, [
    '[hub] address has changed',
    '[limits] head has changed',
    '[remote_write] token has changed; it takes a restart',
  ]);
  assert.match(log, /the settings were read anew; these take a restart \(roostd restart\): \[remote_write\] token\n/);
  assert.ok(!log.includes('1:a'));
  const again = await change(env, '[remote_write]\ntoken = 1:a\n');
  assert.match(again, /\[remote_write\] token has changed; it takes a restart/, 'what is not in force is told each time');
});

scenario('[hub] address, log level and limits of the hub change while it runs', withFile, async (env) => {
  await env.agent('pi');
  const { generation } = await env.node('pi');
  assert.match(await env.link('a'), new RegExp(`^roost://127\\.0\\.0\\.1:${env.port}/`));
  await change(env, '[hub]\naddress = hub.example:8000, [2001:db8::1]:9\n[log]\nlevel = debug\n[limits]\nmessage_bytes = 1k\nhead = 1\n');
  const { stdout, stderr } = await env.cli('token', 'new', 'b');
  assert.match(stdout, /^roost:\/\/hub\.example:8000,\[2001:db8::1\]:9\//);
  assert.equal(stderr.includes('warning'), false, stderr);

  const long = await env.cli('call', 'hub', 'Nodes/List', JSON.stringify({ select: 'x'.repeat(2000) }), { ok: 'any' });
  assert.equal(long.code, 64 + 8, long.stderr);
  const slow = await connect(env.port, { ALPNProtocols: ['http/1.1'] });
  const began = Date.now();
  slow.on('error', () => {});
  slow.write('GET / HTTP/1.1\r\n');
  slow.resume();
  await new Promise((resolve) => slow.once('close', resolve));
  assert.ok(Date.now() - began < 6000, 'the new limit holds');
  await leaf(env.port);
  await env.hub.line(/ debug: /);

  writeFileSync(env.file('roost.conf'), '[log]\nlevel = error\n');
  env.hub.child.kill('SIGHUP');
  await env.hub.line(/\[log\] level has changed[^]*\[log\] level has changed/);
  const quiet = env.hub.stderr.length;
  await env.link('c');
  assert.equal(env.hub.stderr.slice(quiet), '');
  assert.equal((await env.node('pi')).generation, generation, 'no link ended');
});

scenario('retention and heartbeat change while the hub runs', withFile, async (env) => {
  const beats = [];
  const server = http.createServer((request, response) => {
    beats.push(request.url);
    response.end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const log = await change(env, `[store]\nretention_raw = 5h\n[alerts]\nheartbeat_url = http://127.0.0.1:${server.address().port}/ping\n`);
  assert.match(log, /the settings were read anew\n/, 'nothing waits for a restart');
  assert.equal((await env.json('storage')).retention.raw, '18000');
  await until(() => beats.length > 0, undefined, 'a heartbeat');
  await change(env, '');
  assert.equal((await env.json('storage')).retention.raw, '172800');
  server.close();
});

scenario('limits of connections change, for listeners that are there', withFile, async (env) => {
  const plain = () => new Promise((resolve) => {
    const socket = net.connect(env.plainPort, '127.0.0.1');
    const late = setTimeout(() => resolve(socket), 500);
    socket.on('error', () => {});
    socket.on('close', () => resolve(clearTimeout(late)));
  });
  const first = await plain();
  assert.ok(first);
  await change(env, '[limits]\nper_client = 1\n');
  assert.equal(await plain(), undefined, 'one is there already');
  await change(env, '');
  const third = await plain();
  assert.ok(third);
  first.destroy();
  third.destroy();
});

scenario('a settings file with a mistake changes nothing, and certificates are read all the same', withFile, async (env) => {
  await change(env, '[hub]\naddress = kept.example:1\n');
  for (const [text, why] of [
    ['[hub]\naddress = other.example:1\nlisten = nowhere\n', /roost\.conf:3: listen: "nowhere": no port/],
    ['[hub]\naddress = other.example:1\ncolour = red\n', /roost\.conf:3: /],
    ['[tls]\ncert = alone\n', /key is needed/],
  ]) {
    const log = await change(env, text);
    assert.match(log, why);
    assert.match(log, /the settings in use stay/);
    await env.hub.line(/the certificate was read anew/);
  }
  assert.match(await env.link('a'), /^roost:\/\/kept\.example:1\//);
});

scenario('a certificate of your own comes and goes by the settings', withFile, async (env) => {
  const before = (await leaf(env.port)).fingerprint256;
  const { cert, key } = await makeCert(env.folder, 'own');
  await change(env, `[tls]\ncert = ${cert}\nkey = ${key}\n`);
  await until(async () => (await leaf(env.port)).subject.CN === 'own');
  await change(env, `[tls]\ncert = ${cert}\nkey = ${env.file('nosuch')}\n`);
  await env.hub.line(/nosuch.*the certificate served before stays/);
  assert.equal((await leaf(env.port)).subject.CN, 'own');
  await change(env, '');
  await until(async () => (await leaf(env.port)).fingerprint256 === before);
});

// --- the agent ---

const slowly = '[agent]\ninterval = 3600\n';
const time = async (env) => (await env.json('status', 'pi')).time;

scenario('interval, interfaces and log level of an agent change while it is linked', async (env) => {
  const agent = await env.agent('pi', { settings: slowly });
  const settings = (text) => writeFileSync(`${agent.state}/agent.conf`, text);
  await until(() => time(env));
  const { generation } = await env.node('pi');
  const first = await time(env);

  settings('[agent]\ninterval = 1\n[net]\nignore = nosuch\n[log]\nlevel = debug\n');
  const log = await hangup(agent.proc);
  for (const name of ['[agent] interval', '[net] ignore', '[log] level']) assert.ok(log.includes(`${name} has changed\n`), log);
  const times = new Set();
  await until(async () => times.add(await time(env)).size >= 4);
  assert.ok(!times.has(undefined) && [...times].at(-1) > first);
  await until(async () => 'net.rx:lo' in (await env.json('status', 'pi')));
  assert.equal((await env.node('pi')).generation, generation, 'the link lives');

  settings('[net]\nexclude = *\n[old]\nport = 1\n');
  const more = await hangup(agent.proc);
  assert.match(more, /\[old\] port has changed; it takes a restart/);
  await until(async () => !Object.keys(await env.json('status', 'pi')).some((name) => name.startsWith('net.rx:')));

  settings('[agent]\ninterval = never\n');
  assert.match(await hangup(agent.proc), /agent\.conf:2: interval: "never" is not a time.*; the settings in use stay/);
  assert.equal((await env.node('pi')).generation, generation);
});

scenario('an interval from the environment stays when the file has another', async (env) => {
  const agent = await env.agent('pi', { settings: slowly, env: { AGENT_INTERVAL: '1' } });
  const log = await hangup(agent.proc);
  assert.doesNotMatch(log, /has changed/);
  const times = new Set();
  await until(async () => times.add(await time(env)).size >= 4);
});

const join = (agent, link) => run(program('roost-agent'), ['join', link, '--state', agent.state]);
const credential = (agent) => /^credential = (.*)$/m.exec(readFileSync(`${agent.state}/identity`, 'utf8'))[1];

scenario('an agent notices that its host has joined anew beside it', async (env) => {
  const agent = await env.agent('pi');
  const old = credential(agent);
  const { generation } = await env.node('pi');
  await join(agent, await env.link('pi'));
  assert.notEqual(credential(agent), old);
  await agent.proc.line(/this host has joined anew, as pi: going on with .*\/identity/);
  await until(async () => {
    const node = await env.node('pi');
    return node.state === 'ONLINE' && node.generation !== generation;
  });
  const nodes = (await env.json('token')).tokens.filter((one) => one.kind === 'NODE');
  assert.deepEqual(nodes.map((one) => one.revoked).sort(), [false, true]);
  assert.ok(nodes.find((one) => !one.revoked).lastUsed, 'the new credential is the one in use');
  assert.notEqual(credential(agent), old);
});

scenario('a join under another name takes the running agent along', async (env) => {
  const agent = await env.agent('pi');
  await join(agent, await env.link('kitchen'));
  await hangup(agent.proc);
  await env.state('kitchen', 'ONLINE');
  await env.state('pi', 'OFFLINE');
  assert.match(agent.proc.stderr, /joined anew, as kitchen/);
});

test('a join to another hub moves the running agent, at SIGHUP or when the old hub goes', { timeout: 120_000 }, async () => {
  const [one, two] = [await Env.start(), await Env.start()];
  try {
    const agent = await one.agent('pi');
    await join(agent, await two.link('pi'));
    assert.equal((await one.node('pi')).state, 'ONLINE');
    await hangup(agent.proc);
    await two.state('pi', 'ONLINE');
    await one.state('pi', 'OFFLINE');

    await join(agent, await one.link('pi'));
    await two.kill(two.hub);
    await one.state('pi', 'ONLINE');
    await two.startHub();
  } catch (error) {
    one.printLogs();
    throw error;
  } finally {
    await one.finish();
    await two.finish();
  }
});

scenario('an agent that waits because of another key takes a new join at once', async (env) => {
  const agent = await env.agent('pi');
  await env.stopAgent(agent);
  await run(program('roostd'), ['cert', 'new', '--new-key', '--data', env.data]);
  const before = env.hub.stderr.length;
  env.hub.child.kill('SIGHUP');
  await until(() => /the certificate was read anew/.test(env.hub.stderr.slice(before)));
  await env.startAgent(agent, false);
  await agent.proc.line(/trying again in 60 s/);

  const token = await env.token();
  const [, pin] = /pin of links: (\S+)/.exec((await run(program('roostd'), ['cert', 'show', '--data', env.data])).stdout);
  await env.cli('login', env.url, '--pin', pin, '--token', token);
  await join(agent, await env.link('pi'));
  await hangup(agent.proc);
  await env.state('pi', 'ONLINE');
});
