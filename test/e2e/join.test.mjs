// Coming in: join links and what is wrong with them, pins, and certificates that change.
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { program, run, scenario, until } from './lib/env.mjs';
import { handshake, join } from './lib/link.mjs';
import { leaf, makeCert, startTap } from './lib/tls.mjs';

const pinOf = (link) => link.slice(link.indexOf('#') + 1);
const tokenOf = (link) => /\/([0-9a-f]{64}\.[0-9a-f]{8})#/.exec(link)[1];

// roost-agent join into a state folder of its own: { code, stdout, stderr }.
const tryJoin = (env, link, name = 'newcomer', options = {}) =>
  run(program('roost-agent'), ['join', link, '--state', env.file(`agent-${name}`)], { ok: 'any', ...options });

const identity = (agent) => {
  const lines = readFileSync(path.join(agent.state, 'identity'), 'utf8').split('\n');
  const all = (key) => lines.filter((line) => line.startsWith(`${key} = `)).map((line) => line.slice(key.length + 3));
  return { pins: all('pin'), instance: all('instance')[0], credential: all('credential')[0], hubs: all('hub') };
};

const cert = (env, ...args) => run(program('roostd'), ['cert', ...args, '--data', env.data]);

// Has the hub read its certificates anew?
async function reload(env) {
  const before = env.hub.stderr.length;
  env.hub.child.kill('SIGHUP');
  await until(() => /the certificate was read anew/.test(env.hub.stderr.slice(before)));
}

// A person's command line learns the new key from the hub's own machine.
async function trustAgain(env) {
  const token = await env.token();
  const [, pin] = /pin of links: (\S+)/.exec((await cert(env, 'show')).stdout);
  await env.cli('login', env.url, '--pin', pin, '--token', token);
}

scenario('a join link names address, token and pin, and standard input takes it too', async (env) => {
  const link = await env.link('pi');
  assert.match(link, new RegExp(`^roost://127\\.0\\.0\\.1:${env.port}/[0-9a-f]{64}\\.[0-9a-f]{8}#[A-Za-z0-9_-]{43}$`));
  const { code, stderr } = await tryJoin(env, '-', 'pi', { input: `${link}\n` });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /joined as pi/);
  const file = env.file('agent-pi', 'identity');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!readFileSync(file, 'utf8').includes(tokenOf(link)), 'the join token is not kept');
});

scenario('at a hub with another key join fails, and no token was sent', async (env) => {
  const tap = await startTap(env.folder, await makeCert(env.folder, 'stranger'));
  const link = await env.linkVia(`127.0.0.1:${tap.port}`, 'pi');
  const { code, stderr } = await tryJoin(env, link);
  assert.equal(code, 1, stderr);
  assert.match(stderr, /another key: expected pin \S+, seen \S+, certificate issued by .*stranger/);
  assert.ok(stderr.includes(pinOf(link)), stderr);
  assert.match(stderr, /no token was sent/);
  assert.ok(tap.connections > 0);
  assert.equal(tap.received, '');
  await tap.close();

  const { tokens } = await env.json('token', 'list');
  assert.ok(tokens.some((token) => token.name === 'pi' && !token.used), 'the token still works');
});

scenario('run reports both keys and sends no credential to another hub', async (env) => {
  const agent = await env.agent('pi', { settings: '[agent]\ninterval = 1\nbackoff_max = 1\n' });
  await env.stopAgent(agent);
  await env.hub.stop();
  env.drop(env.hub);
  const tap = await startTap(env.folder, await makeCert(env.folder, 'stranger'), env.port);
  await env.startAgent(agent, false);
  await agent.proc.line(/another key: expected pin (\S+), seen (\S+), certificate issued by .*stranger/);
  await agent.proc.line(/roost-agent join LINK/);
  assert.equal(tap.received, '');
  await tap.close();
});

scenario('each kind of bad token has its own error', async (env) => {
  const good = await env.link('typo');
  const digit = good[good.indexOf('#') - 20];
  const typo = good.replace(tokenOf(good), tokenOf(good).replace(digit, digit === '0' ? '1' : '0'));
  const mistyped = await tryJoin(env, typo);
  assert.equal(mistyped.code, 2);
  assert.match(mistyped.stderr, /mistyped/);
  const cut = await tryJoin(env, good.slice(0, good.indexOf('#')));
  assert.equal(cut.code, 2);
  assert.match(cut.stderr, /cut off/);

  const used = await env.link('used');
  assert.equal((await tryJoin(env, used, 'first')).code, 0);
  const expired = await env.link('expired', '--lifetime', '1s');
  const revoked = await env.link('revoked');
  const { tokens } = await env.json('token', 'list');
  const row = (name) => tokens.find((token) => token.name === name && token.kind === 'JOIN');
  await env.cli('token', 'revoke', row('revoked').id);
  await until(() => Date.now() > Date.parse(row('expired').expires) + 10);

  const other = await env.link('other'); // of no hub: a token that nobody made
  const unknown = other.replace(tokenOf(other), `${'0123456789abcdef'.repeat(4)}.a8ae6e6e`);
  const table = [
    [used, /used already/],
    [expired, /has expired/],
    [revoked, /was revoked/],
    [unknown, /not known here/],
  ];
  for (const [link, expected] of table) {
    const { code, stderr } = await tryJoin(env, link, 'second');
    assert.equal(code, 1, stderr);
    assert.match(stderr, expected);
    assert.match(stderr, /try: roost token new/);
  }
});

scenario('a reusable token works for many, and agents without a name get a free one', async (env) => {
  const link = (await env.cli('token', 'new', '--reusable')).stdout.trim();
  for (const [state, name] of [['one', 'nas'], ['two', 'nas-2'], ['three', 'nas-3']]) {
    const { code, stderr } = await run(program('roost-agent'), ['join', link, '--name', 'nas', '--state', env.file(state)], { ok: 'any' });
    assert.equal(code, 0, stderr);
    assert.match(stderr, new RegExp(`joined as ${name};`));
  }
});

scenario('who never got the answer joins again under the same name, somebody else under the next', async (env) => {
  const token = tokenOf(await env.link('', '--reusable'));
  const ask = async (instance) => {
    const fields = { 'roost-name': 'nas', 'roost-instance': instance, 'roost-version': 'test', 'roost-intent': 'join' };
    const { head } = await handshake(env, { ...fields, authorization: `Bearer ${token}` });
    return /roost-name: (\S+)/i.exec(head)[1];
  };
  const [one, other] = ['1'.repeat(32), '2'.repeat(32)];
  assert.deepEqual([await ask(one), await ask(one), await ask(other)], ['nas', 'nas', 'nas-2']);
  await env.restartHub();
  assert.deepEqual([await ask(one), await ask(other)], ['nas', 'nas-2']);
});

scenario('revoking a node closes its live link at once, and it is told why', async (env) => {
  const agent = await env.agent('pi');
  await env.cli('token', 'revoke', 'pi');
  const node = await env.state('pi', 'OFFLINE', 2000);
  assert.ok(Date.now() - Date.parse(node.lastSeen) < 10_000, node.lastSeen);
  await agent.proc.line(/refuses this agent \(revoked-token\): the token was revoked/);

  const { events } = await env.json('activity');
  assert.equal(events.filter((event) => event.kind === 'token.revoked').length, 1);
  assert.equal(events.filter((event) => event.kind === 'node.unregistered').length, 1);
});

scenario('another instance under a taken name is refused, until the name is free', async (env) => {
  const agent = await env.agent('pi');
  const link = await env.link('pi');
  const { code, stderr } = await tryJoin(env, link);
  assert.equal(code, 1, stderr);
  assert.match(stderr, /the name "pi" is taken: another agent holds it right now/);

  const fields = { authorization: `Bearer ${tokenOf(link)}`, 'roost-name': 'pi', 'roost-instance': 'f'.repeat(32), 'roost-intent': 'join' };
  const { head } = await handshake(env, fields, { keep: true });
  assert.match(head, /^HTTP\/1\.1 409 /);
  assert.match(head, /roost-error: name-taken/i);
  assert.equal((await env.node('pi')).state, 'ONLINE');

  await env.stopAgent(agent);
  await env.state('pi', 'OFFLINE');
  assert.equal((await tryJoin(env, link)).code, 0, 'the refused token was not used up');
});

scenario('a name held by a link that gives no sign of life is free after two seconds', async (env) => {
  const agent = await env.agent('pi');
  const link = await env.link('pi');
  agent.proc.child.kill('SIGSTOP');
  const { code, stderr } = await tryJoin(env, link);
  agent.proc.child.kill('SIGCONT');
  assert.equal(code, 0, stderr);
});

scenario('joining again keeps the instance, and the old credential ends', async (env) => {
  const agent = await env.agent('pi');
  const before = identity(agent);
  const { code, stderr } = await tryJoin(env, await env.link('pi'), 'pi');
  assert.equal(code, 0, stderr);
  const after = identity(agent);
  assert.equal(after.instance, before.instance);
  assert.notEqual(after.credential, before.credential);
  await env.stopAgent(agent);
  await env.startAgent(agent);

  const old = { authorization: `Bearer ${before.credential}`, 'roost-name': 'pi', 'roost-instance': before.instance };
  const { head } = await handshake(env, old, { keep: true });
  assert.match(head, /^HTTP\/1\.1 403 /);
  assert.match(head, /roost-error: revoked-token/i);
});

scenario('a credential is bound to its node: the name in the request changes nothing', async (env) => {
  const fields = await join(env, 'small');
  const { socket } = await handshake(env, { ...fields, 'roost-name': 'big' }, { keep: true });
  const nodes = await until(async () => {
    const list = (await env.json('nodes')).nodes;
    return list.some((node) => node.state === 'ONLINE') && list;
  });
  assert.deepEqual(nodes.map((node) => node.name), ['small']);
  socket.destroy();
});

scenario('cert new: SIGHUP serves another leaf, pin and live links stay', async (env) => {
  const agent = await env.agent('pi');
  const before = { leaf: (await leaf(env.port)).fingerprint256, link: await env.link('other'), node: await env.node('pi') };
  await cert(env, 'new');
  assert.equal((await leaf(env.port)).fingerprint256, before.leaf, 'nothing changes before SIGHUP');
  await reload(env);
  assert.notEqual((await leaf(env.port)).fingerprint256, before.leaf);
  assert.equal(pinOf(await env.link('other')), pinOf(before.link));
  assert.equal((await env.node('pi')).generation, before.node.generation);
  assert.equal((await tryJoin(env, before.link)).code, 0, 'links made before still work');
  await env.stopAgent(agent);
  await env.startAgent(agent);
});

scenario('a name that comes into the settings comes into the leaf at SIGHUP', async (env) => {
  await env.agent('pi');
  const { generation } = await env.node('pi');
  const pin = pinOf(await env.link('other'));
  writeFileSync(path.join(env.data, 'roost.conf'), '[tls]\nnames = hub.example.org\n');
  await reload(env);
  await until(async () => /DNS:hub\.example\.org/.test((await leaf(env.port)).subjectaltname));
  const { fingerprint256 } = await leaf(env.port);
  await reload(env);
  assert.equal((await leaf(env.port)).fingerprint256, fingerprint256, 'a leaf that is good stays');
  assert.equal(pinOf(await env.link('other')), pin);
  assert.equal((await env.node('pi')).generation, generation);
});

scenario('cert new --new-key: a live fleet learns the new pin and comes back by it', async (env) => {
  const settings = '[agent]\ninterval = 1\nbackoff_max = 1\n';
  const fleet = [await env.agent('one', { settings }), await env.agent('two', { settings })];
  const old = pinOf(await env.link('other'));
  await cert(env, 'new', '--new-key');
  await reload(env);
  for (const agent of fleet) assert.equal(identity(agent).pins.length, 2, 'both are trusted while they change');

  await trustAgain(env);
  const link = await env.link('third');
  const now = pinOf(link);
  assert.notEqual(now, old);
  for (const agent of fleet) {
    assert.deepEqual(identity(agent).pins, [old, now]);
    await env.state(agent.name, 'ONLINE');
  }
  await env.restartHub('SIGKILL'); // whatever was kept of the old key is of no use now
  for (const agent of fleet) {
    await until(() => agent.proc.stderr.match(/linked as/g).length >= 2);
    await env.state(agent.name, 'ONLINE');
  }
  assert.equal((await tryJoin(env, link)).code, 0);
});

scenario('your own certificate is read anew by SIGHUP, live links stay, a broken one is not taken', { claim: false }, async (env) => {
  await env.hub.stop();
  env.drop(env.hub);
  const first = await makeCert(env.folder, 'mine');
  env.options.hubArgs = ['--cert', first.cert, '--key', first.key];
  await env.startHub();
  const [, pin] = /pin of links: (\S+)/.exec((await cert(env, 'show', '--cert', first.cert, '--key', first.key)).stdout);
  const claim = await run(program('roostd'), ['claim', '--data', env.data, '--cert', first.cert, '--key', first.key]);
  await env.cli('login', env.url, '--code', claim.stdout.trim());
  await env.agent('pi');
  const before = { served: await leaf(env.port), node: await env.node('pi') };
  assert.match(before.served.subject.CN, /mine/);
  assert.equal(pinOf(await env.link('other')), pin);

  await run('openssl', ['req', '-x509', '-key', first.key, '-days', '3', '-subj', '/CN=renewed', '-addext', 'subjectAltName=IP:127.0.0.1', '-out', first.cert]);
  await reload(env);
  const renewed = await leaf(env.port);
  assert.equal(renewed.subject.CN, 'renewed');
  assert.notEqual(renewed.fingerprint256, before.served.fingerprint256);
  assert.equal((await env.node('pi')).generation, before.node.generation);

  writeFileSync(first.cert, 'no certificate');
  env.hub.child.kill('SIGHUP');
  await env.hub.line(/the certificate served before stays/);
  assert.equal((await leaf(env.port)).fingerprint256, renewed.fingerprint256);
  assert.equal((await env.node('pi')).generation, before.node.generation);
});

scenario('an agent that was away while the key changed joins again and keeps name and instance', async (env) => {
  const agent = await env.agent('pi');
  await env.stopAgent(agent);
  const { instance } = identity(agent);
  await cert(env, 'new', '--new-key');
  await reload(env);
  await env.startAgent(agent, false);
  await agent.proc.line(/another key/);
  await env.stopAgent(agent);

  await trustAgain(env);
  assert.equal((await tryJoin(env, await env.link('pi'), 'pi')).code, 0);
  await env.startAgent(agent);
  assert.equal(identity(agent).instance, instance);
});
