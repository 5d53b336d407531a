// What stands between agent and hub: nginx, a CONNECT proxy, or nothing.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { program, run, scenario } from './lib/env.mjs';
import { startNginx, startTinyproxy } from './lib/proxies.mjs';

const web = (link, port) => link.replace(/:\d+\//, `:${port}/`).replace(/#.*/, '#web');
const join = (env, link, name, options) =>
  run(program('roost-agent'), ['join', link, '--state', env.file(`agent-${name}`)], { ok: 'any', ...options });
const doctor = (agent, options) => run(program('roost-agent'), ['doctor', '--state', agent.state], { ok: 'any', ...options });

// Well-formed, and known to no hub.
const foreignToken = `${'ab'.repeat(32)}.${createHash('sha256').update('ab'.repeat(32)).digest('hex').slice(0, 8)}`;

scenario('with nothing in between an agent uses the ptth upgrade', async (env) => {
  const agent = await env.agent('pi');
  assert.equal((await env.node('pi')).transport, 'ptth');
  const { code, stdout } = await doctor(agent);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /this agent can reach its hub/);
  const steps = ['DNS', 'TCP', 'TLS', 'pin', 'upgrade', 'token'];
  const answer = JSON.parse((await run(program('roost-agent'), ['doctor', '--json', '--state', agent.state])).stdout);
  assert.equal(answer.ok, true);
  assert.deepEqual(answer.ways.map((way) => [way.transport, way.steps.map((step) => step.step)]), [['ptth', steps], ['ws', steps]]);

  // Each failure has its step and its remedy.
  const identity = path.join(agent.state, 'identity');
  const whole = readFileSync(identity, 'utf8');
  const rows = [
    [/^pin = .*$/m, `pin = ${'A'.repeat(43)}`, 'pin', /expected A{43}, seen/],
    [/^hub = .*$/m, 'hub = 127.0.0.1:1', 'TCP', /refused/],
    [/^hub = .*$/m, 'hub = nowhere.invalid:8000', 'DNS', /./],
    [/^credential = .*$/m, `credential = ${foreignToken}`, 'token', /not known/],
  ];
  for (const [what, instead, wanted, why] of rows) {
    writeFileSync(identity, whole.replace(what, instead));
    const failed = await run(program('roost-agent'), ['doctor', '--json', '--state', agent.state], { ok: [1] });
    const last = JSON.parse(failed.stdout).ways[0].steps.at(-1);
    assert.deepEqual([last.step, last.ok], [wanted, false], failed.stdout);
    assert.match(last.result, why);
    assert.ok(last.remedy, failed.stdout);
  }
  // The hub's next key is trusted beside the one it has.
  writeFileSync(identity, whole.replace(/^(pin = .*)$/m, `$1\npin = ${'A'.repeat(43)}`));
  assert.equal((await doctor(agent)).code, 0);
  writeFileSync(identity, whole);
});

scenario('behind an nginx that passes WebSocket alone, a #web link connects by itself', async (env) => {
  const nginx = await startNginx(env);
  const link = web(await env.link('pi'), nginx.port);
  const trusting = { env: { SSL_CERT_FILE: nginx.ca } };
  const agent = await env.agent('pi', { link, ...trusting });
  const node = await env.node('pi');
  assert.equal(node.transport, 'ws');
  await env.values('pi');
  const { stdout } = await env.cli('call', 'pi', 'roost.v1.Host/Describe');
  assert.match(stdout, /"hostname"/);
  const seen = await doctor(agent, trusting);
  assert.equal(seen.code, 0, seen.stdout);
  assert.match(seen.stdout, /by ptth[\s\S]*upgrade\s+FAIL[\s\S]*by ws[\s\S]*upgrade\s+ok/);

  await env.kill(nginx.proc, 'SIGTERM');
  await env.state('pi', 'OFFLINE');
});

scenario('without a CA that it knows the agent does not talk to the nginx', async (env) => {
  const nginx = await startNginx(env);
  const link = web(await env.link('pi'), nginx.port);
  const refused = await join(env, link, 'pi');
  assert.equal(refused.code, 1, refused.stderr);
  assert.match(refused.stderr, /certificate/);
  const access = readFileSync(env.file('nginx', 'access.log'), 'utf8');
  assert.equal(access, '', 'no request was made');
  const { code, stderr } = await join(env, link, 'pi', { env: { AGENT_CA_FILE: nginx.ca } });
  assert.equal(code, 0, stderr);
});

scenario('a public certificate for another name is refused', async (env) => {
  const nginx = await startNginx(env);
  const link = web(await env.link('pi'), nginx.port).replace('127.0.0.1', '127.0.0.2');
  const { code, stderr } = await join(env, link, 'pi', { env: { SSL_CERT_FILE: nginx.ca } });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /mismatch|name|address/i);
});

scenario('through a CONNECT proxy with the right password, from https_proxy', async (env) => {
  const proxy = await startTinyproxy(env, 'me', 'secret');
  const through = { env: { https_proxy: proxy.url } };
  const agent = await env.agent('pi', through);
  await env.values('pi');
  assert.match(proxy.proc.stdout + proxy.proc.stderr, new RegExp(`CONNECT 127\\.0\\.0\\.1:${env.port}`));
  const { code, stdout } = await doctor(agent, through);
  assert.equal(code, 0, stdout);
  await env.cli('nodes', through);
  await env.kill(proxy.proc);
  await env.state('pi', 'OFFLINE');
});

scenario('a wrong or missing proxy password is told as that', async (env) => {
  const proxy = await startTinyproxy(env, 'me', 'secret');
  const link = await env.link('pi');
  for (const url of [proxy.url.replace('secret', 'wrong'), `http://127.0.0.1:${proxy.port}`]) {
    const { code, stderr } = await join(env, link, 'pi', { env: { https_proxy: url } });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /the proxy answered 40[17]/);
    assert.ok(!stderr.includes('wrong'), 'the password is not told');
  }
  const { code } = await join(env, link, 'pi', { env: { https_proxy: proxy.url } });
  assert.equal(code, 0, 'the token was not spent');
});

scenario('[hub] proxy of the settings wins over the environment; its password may stand in a file', async (env) => {
  const proxy = await startTinyproxy(env, 'me', 'secret');
  const url = proxy.url.replace('secret', 's%65cret');
  writeFileSync(env.file('proxy'), `${url}\n`);
  const agent = await env.agent('pi');
  await env.stopAgent(agent);
  const file = path.join(agent.state, 'agent.conf');
  writeFileSync(file, `${readFileSync(file, 'utf8')}\n[hub]\nproxy_file = ${env.file('proxy')}\n`);
  agent.options = { env: { https_proxy: 'http://127.0.0.1:1' } };
  await env.startAgent(agent);
  assert.match(proxy.proc.stdout + proxy.proc.stderr, /CONNECT/);
});

scenario('no_proxy names who is reached directly', async (env) => {
  await env.agent('pi', { env: { https_proxy: 'http://127.0.0.1:1', no_proxy: 'example.org,127.0.0.1' } });
});
