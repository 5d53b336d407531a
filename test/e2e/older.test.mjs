// The older system's way: an agent with AGENT_SECRET and a server meets its hub, keeps the
// key that it meets first, and ends when it meets another.
import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

import { freePort, program, run, scenario, until } from './lib/env.mjs';
import { startTinyproxy } from './lib/proxies.mjs';
import { makeCert, startTap } from './lib/tls.mjs';

const secretOf = async (env, name = 'pi', ...args) => /\/([0-9a-f.]+)#/.exec(await env.link(name, ...args))[1];
const pinOf = async (env) => /pin of links: (\S+)/.exec((await run(program('roostd'), ['cert', 'show', '--data', env.data])).stdout)[1];
const kept = (env) => readFileSync(env.file('state/first-contact'), 'utf8');
const identity = (env) => readFileSync(env.file('state/identity'), 'utf8');
const pins = (env) => [...identity(env).matchAll(/^pin = (\S+)$/gm)].map((match) => match[1]);
const changed = (env) => new RegExp(`the hub's key has changed since first contact; .*delete ${env.file('state')}/first-contact and start again`);

const variables = (env, secret, more = {}) => ({
  AGENT_SECRET: secret,
  AGENT_SERVER_IP: '127.0.0.1',
  AGENT_PORT: `${env.port}`,
  AGENT_INTERVAL: '1',
  AGENT_RECONNECT_DELAY: '1',
  ...more,
});

// Starts an agent as it was started of old: no command, everything from variables.
const start = (env, secret, more) => env.start(program('roost-agent'), ['--state', env.file('state')], { env: variables(env, secret, more) });

// The agent's own end: its exit status.
async function ended(env, agent) {
  await until(() => !agent.running, undefined, 'the agent ends');
  env.drop(agent);
  agent.checkReports();
  return agent.code;
}

async function stop(env, proc) {
  await proc.stop();
  env.drop(proc);
}

const newKey = (env) => run(program('roostd'), ['cert', 'new', '--new-key', '--data', env.data]);

async function reload(env) {
  const before = env.hub.stderr.length;
  env.hub.child.kill('SIGHUP');
  await until(() => /the certificate was read anew/.test(env.hub.stderr.slice(before)));
}

// Does another hub take the place of this one, on the same port?
async function replaceHub(env) {
  await stop(env, env.hub);
  renameSync(env.data, env.file('old-hub'));
  await env.startHub();
}

for (const verify of [undefined, '0', '1'])
  scenario(`with AGENT_VERIFY_SSL=${verify} the first key is kept, and the secret is needed once`, async (env) => {
    const more = verify === undefined ? {} : { AGENT_VERIFY_SSL: verify };
    const secret = await secretOf(env);
    const agent = start(env, secret, more);
    await env.state('pi', 'ONLINE');
    await env.values('pi');
    const pin = await pinOf(env);
    assert.equal(kept(env), `${pin}\n`);
    assert.deepEqual(pins(env), [pin]);
    for (const file of ['first-contact', 'identity']) assert.equal(statSync(env.file('state', file)).mode & 0o777, 0o600);
    assert.equal(statSync(env.file('state')).mode & 0o777, 0o700);
    assert.ok(!identity(env).includes(secret), 'the secret is not kept');
    assert.ok(!agent.stderr.includes(secret), 'the secret is logged');

    await env.restartHub('SIGKILL');
    await env.state('pi', 'ONLINE');
    await stop(env, agent);
    const before = identity(env);
    const again = start(env, secret, more);
    await env.state('pi', 'ONLINE');
    assert.equal(identity(env), before);
    assert.doesNotMatch(again.stderr, /first contact|joined/);
  });

scenario('everything from .env, and a changed secret or server is taken', async (env) => {
  const lines = (secret, port) => `AGENT_SECRET=${secret}\nAGENT_SERVER_IP=localhost\nAGENT_PORT=${port}\n`;
  writeFileSync(env.file('.env'), lines(await secretOf(env), env.port));
  const agent = env.start(program('roost-agent'), ['run', '--state', env.file('state')]);
  await env.state('pi', 'ONLINE');
  await stop(env, agent);

  const instance = /^instance = .*$/m.exec(identity(env))[0];
  writeFileSync(env.file('.env'), lines(await secretOf(env, 'nas'), env.port));
  const other = env.start(program('roost-agent'), ['run', '--state', env.file('state')]);
  await env.state('nas', 'ONLINE');
  assert.equal(/^instance = .*$/m.exec(identity(env))[0], instance);
  await stop(env, other);

  const nowhere = await freePort();
  writeFileSync(env.file('.env'), lines(await secretOf(env, 'nas'), nowhere));
  const waiting = env.start(program('roost-agent'), ['run', '--state', env.file('state')]);
  await waiting.line(new RegExp(`first contact with the hub: .*:${nowhere}`));
});

scenario('a hub that is not there is waited for, and a signal ends the waiting', { claim: false }, async (env) => {
  await env.claim();
  const secret = await secretOf(env);
  await stop(env, env.hub);
  const agent = start(env, secret);
  await agent.line(/first contact with the hub: .*refused.*trying again/);
  await stop(env, agent);
  assert.ok(!existsSync(env.file('state')));

  const patient = start(env, secret);
  await patient.line(/first contact with the hub/);
  await env.startHub();
  await env.state('pi', 'ONLINE');
});

scenario('the exchange of the secret waits for its hub as well', async (env) => {
  const secret = await secretOf(env);
  const pin = await pinOf(env);
  await run('mkdir', ['-p', env.file('state')]);
  writeFileSync(env.file('state/first-contact'), pin);
  await stop(env, env.hub);
  const agent = start(env, secret);
  await agent.line(/first contact with the hub: .*refused.*trying again/);
  await env.startHub();
  await env.state('pi', 'ONLINE');
});

scenario('a key that changed meanwhile ends the agent, and deleting the file lets it in', async (env) => {
  const secret = await secretOf(env);
  await stop(env, await linked(env, start(env, secret)));
  await newKey(env);
  await reload(env);

  const agent = start(env, secret);
  assert.equal(await ended(env, agent), 1);
  assert.match(agent.stderr, /expected pin \S+, seen \S+, .*no credential was sent/);
  assert.match(agent.stderr, changed(env));
  const again = start(env, secret);
  assert.equal(await ended(env, again), 1);

  rmSync(env.file('state/first-contact'));
  const third = await linked(env, start(env, secret));
  const pin = await pinOf(env);
  assert.equal(kept(env), `${pin}\n`);
  assert.deepEqual(pins(env), [pin]);
  await stop(env, third);
  await linked(env, start(env, secret));
});

async function linked(env, agent) {
  await agent.line(/linked as/);
  return agent;
}

scenario('another hub on that port ends a running agent, and gets nothing of it', async (env) => {
  const secret = await secretOf(env);
  const agent = await linked(env, start(env, secret));
  await stop(env, env.hub);
  const tap = await startTap(env.folder, await makeCert(env.folder, 'tap'), env.port);
  try {
    assert.equal(await ended(env, agent), 1);
    assert.match(agent.stderr, changed(env));
    rmSync(env.file('state/identity')); /* not joined, but met: the secret stays here too */
    const fresh = start(env, secret);
    assert.equal(await ended(env, fresh), 1);
    assert.match(fresh.stderr, /no secret was sent/);
    assert.match(fresh.stderr, changed(env));
    assert.equal(tap.received, '');
  } finally {
    await tap.close();
  }
});

scenario('a hub made anew takes a secret of its own', async (env) => {
  const secret = await secretOf(env);
  await stop(env, await linked(env, start(env, secret)));
  await replaceHub(env);
  rmSync(env.file('state/first-contact'));
  const old = start(env, secret);
  assert.equal(await ended(env, old), 1);
  assert.match(old.stderr, /the hub refuses this agent \(unknown-token\)[^]*the hub refuses AGENT_SECRET \(unknown-token\)/);

  rmSync(env.file('config'), { recursive: true });
  await env.claim();
  await linked(env, start(env, await secretOf(env, 'fresh')));
  await env.state('fresh', 'ONLINE');
});

const onlyNode = async (env) => (await env.json('nodes')).nodes[0]?.name;

scenario('a hub that forgot the credential gets the secret once more, one that revoked it does not', async (env) => {
  const secret = await secretOf(env, '--reusable');
  await stop(env, env.hub);
  cpSync(env.data, env.file('backup'), { recursive: true });
  await env.startHub();
  const agent = await linked(env, start(env, secret));
  await stop(env, env.hub);
  rmSync(env.data, { recursive: true });
  renameSync(env.file('backup'), env.data);
  await env.startHub();
  await env.state(await until(() => onlyNode(env)), 'ONLINE');
  assert.match(agent.stderr, /the hub refuses this agent \(unknown-token\)/);
  assert.ok(agent.running);

  await env.cli('node', 'remove', '--yes', await onlyNode(env));
  await agent.line(/the hub refuses this agent \(revoked-token\)/);
  await until(() => agent.stderr.match(/revoked-token/g).length >= 3);
  assert.equal(await onlyNode(env), undefined);
});

scenario('a successor of the key that was announced is as good as met', async (env) => {
  const secret = await secretOf(env);
  const agent = await linked(env, start(env, secret));
  const first = await pinOf(env);
  await newKey(env);
  await reload(env);
  const second = await pinOf(env);
  assert.notEqual(first, second);
  assert.equal(kept(env), `${second}\n`);
  assert.deepEqual(pins(env), [first, second]);
  await stop(env, agent);
  await stop(env, await linked(env, start(env, secret)));
  rmSync(env.file('state/first-contact'));
  await linked(env, start(env, secret));
  assert.equal(kept(env), `${second}\n`);
});

scenario('a first-contact file that holds no key is told', async (env) => {
  await run('mkdir', ['-p', env.file('state')]);
  for (const text of ['', 'hello\n', 'x'.repeat(5000)]) {
    writeFileSync(env.file('state/first-contact'), text);
    const agent = start(env, await secretOf(env));
    assert.equal(await ended(env, agent), 1);
    assert.match(agent.stderr, /state\/first-contact: it holds no key; delete it/);
  }
});

scenario('used, expired and revoked secrets each get their word, and exit 1', async (env) => {
  const used = await secretOf(env);
  await stop(env, await linked(env, start(env, used)));
  const revoked = await secretOf(env, 'nas');
  await env.cli('token', 'revoke', (await env.json('token')).tokens.find((one) => one.name === 'nas').id);
  for (const [secret, why] of [[used, 'used-token'], [revoked, 'revoked-token']]) {
    rmSync(env.file('state'), { recursive: true, force: true });
    const agent = start(env, secret);
    assert.equal(await ended(env, agent), 1);
    assert.match(agent.stderr, new RegExp(`the hub refuses AGENT_SECRET \\(${why}\\): `));
  }
});

scenario('AGENT_CA_FILE trusts that CA and the name, and keeps no pin', async (env) => {
  const ca = `${env.data}/tls/ca.pem`;
  const secret = await secretOf(env);
  const wrong = await makeCert(env.folder, 'wrong');
  const stranger = start(env, secret, { AGENT_CA_FILE: wrong.cert });
  await stranger.line(/first contact with the hub: .*certificate/);
  await stop(env, stranger);
  const missing = start(env, secret, { AGENT_CA_FILE: env.file('nosuch.pem') });
  assert.equal(await ended(env, missing), 1);
  assert.match(missing.stderr, /nosuch\.pem: No such file/);

  for (const verify of ['1', '0', 'force']) {
    const agent = start(env, secret, { AGENT_CA_FILE: ca, AGENT_VERIFY_SSL: verify });
    await env.state('pi', 'ONLINE');
    await stop(env, agent);
    await env.state('pi', 'OFFLINE');
  }
  assert.ok(!existsSync(env.file('state/first-contact')));
  assert.deepEqual(pins(env), []);

  await stop(env, await linked(env, start(env, secret))); /* back to the pin, and forth */
  assert.deepEqual(pins(env), [await pinOf(env)]);
  await linked(env, start(env, secret, { AGENT_CA_FILE: ca }));
  assert.deepEqual(pins(env), []);
});

scenario('AGENT_VERIFY_SSL=force trusts the CAs of the system and the name', async (env) => {
  const secret = await secretOf(env);
  const agent = start(env, secret, { AGENT_VERIFY_SSL: 'force' });
  await agent.line(/first contact with the hub: .*certificate/);
  await stop(env, agent);
  assert.equal((await env.json('token')).tokens.find((one) => one.name === 'pi').used, false);

  const system = { AGENT_VERIFY_SSL: 'force', SSL_CERT_FILE: `${env.data}/tls/ca.pem` };
  const elsewhere = start(env, secret, { ...system, AGENT_SERVER_IP: '127.0.0.2' });
  await elsewhere.line(/first contact with the hub/);
  await stop(env, elsewhere);
  await linked(env, start(env, secret, system));
  assert.ok(!existsSync(env.file('state/first-contact')));
  assert.deepEqual(pins(env), []);
});

scenario('who has joined by a link has outgrown the variables', async (env) => {
  await run(program('roost-agent'), ['join', await env.link('pi'), '--state', env.file('state')]);
  const agent = start(env, await secretOf(env, 'other'), { AGENT_PORT: '1' });
  await env.state('pi', 'ONLINE');
  assert.match(agent.stderr, /joined by a link: AGENT_SECRET and the server's address are not used/);
  assert.ok(!existsSync(env.file('state/first-contact')));
  await stop(env, agent);
});

scenario('a proxy of the environment carries the first contact as well', async (env) => {
  const proxy = await startTinyproxy(env, 'me', 'secret');
  const agent = start(env, await secretOf(env), { https_proxy: proxy.url });
  await env.state('pi', 'ONLINE');
  const asked = () => (proxy.proc.stdout + proxy.proc.stderr).match(/CONNECT 127\.0\.0\.1/g)?.length ?? 0;
  await until(() => asked() >= 3, undefined, 'the key, the secret and the link went through the proxy');
  assert.ok(!agent.stderr.includes('secret@'));
});
